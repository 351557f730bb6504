package interop.peer.agent;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.TypeAdapter;
import com.google.gson.TypeAdapterFactory;
import com.google.gson.reflect.TypeToken;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import interop.peer.agent.Protocol.Outcome;
import interop.peer.agent.Protocol.Request;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Queue;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Reads requests and writes outcomes: lines of JSON, and the raw bytes of messages after a line.
 *
 * <p>A message is hex digits, or {@code {"bytes": N}}; then N bytes follow the line.
 */
final class Lines {
  /** A smaller message is written in hex, so that logs stay readable. */
  private static final int SMALLEST_RAW = 1024;

  private static final int LARGEST_RAW = 64 << 20;
  private static final FieldNamingPolicy KEYS = FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES;

  private final InputStream input;
  private final OutputStream output;

  /** The raw messages of a line, in their order. */
  private final Queue<byte[]> raw = new ArrayDeque<>();

  private final Gson gson =
      new GsonBuilder()
          .setFieldNamingPolicy(KEYS)
          .registerTypeAdapter(byte[].class, new MessageAdapter())
          .registerTypeAdapterFactory(new StrictRecords())
          .disableHtmlEscaping()
          .create();

  Lines(InputStream input, OutputStream output) {
    this.input = input;
    this.output = output;
  }

  /** Returns the next request, or null at the end of the input. */
  Request read() throws IOException, UnsupportedRequestException {
    var line = new ByteArrayOutputStream();
    int next = input.read();
    for (; next != -1 && next != '\n'; next = input.read()) {
      line.write(next);
    }
    if (next == -1 && line.size() == 0) {
      return null;
    }
    JsonElement json = JsonParser.parseString(line.toString(UTF_8));
    // Whatever is requested, the next line begins after the messages.
    raw.clear();
    readRawMessages(json);
    try {
      return gson.fromJson(json, Request.class);
    } catch (JsonParseException | IllegalArgumentException e) {
      throw new UnsupportedRequestException(e.getMessage());
    }
  }

  private void readRawMessages(JsonElement json) throws IOException {
    if (json.isJsonArray()) {
      for (JsonElement element : json.getAsJsonArray()) {
        readRawMessages(element);
      }
    } else if (json.isJsonObject()) {
      JsonObject object = json.getAsJsonObject();
      if (object.keySet().equals(Set.of("bytes"))) {
        raw.add(readRawMessage(object.get("bytes").getAsLong()));
      }
      for (JsonElement element : object.asMap().values()) {
        readRawMessages(element);
      }
    }
  }

  private byte[] readRawMessage(long size) throws IOException {
    if (size < 0 || size > LARGEST_RAW) {
      throw new IOException("a message has " + size + " bytes; the most are " + LARGEST_RAW);
    }
    byte[] message = input.readNBytes((int) size);
    if (message.length < size) {
      throw new EOFException("stdin ended in a message of " + size + " bytes");
    }
    return message;
  }

  void write(Outcome outcome) throws IOException {
    raw.clear();
    output.write(gson.toJson(outcome).getBytes(UTF_8));
    output.write('\n');
    for (byte[] message : raw) {
      output.write(message);
    }
    output.flush();
  }

  private final class MessageAdapter extends TypeAdapter<byte[]> {
    @Override
    public byte[] read(JsonReader reader) throws IOException {
      if (reader.peek() == JsonToken.BEGIN_OBJECT) {
        reader.skipValue();
        return raw.remove();
      }
      return HexFormat.of().parseHex(reader.nextString());
    }

    @Override
    public void write(JsonWriter writer, byte[] message) throws IOException {
      if (message == null) {
        writer.nullValue();
      } else if (message.length < SMALLEST_RAW) {
        writer.value(HexFormat.of().formatHex(message));
      } else {
        raw.add(message);
        writer.beginObject().name("bytes").value(message.length).endObject();
      }
    }
  }

  /**
   * Rejects unknown keys, which Gson ignores: the agent would report a call that it did not make.
   */
  private static final class StrictRecords implements TypeAdapterFactory {
    @Override
    public <T> TypeAdapter<T> create(Gson gson, TypeToken<T> type) {
      Class<? super T> record = type.getRawType();
      if (!record.isRecord()) {
        return null;
      }
      TypeAdapter<T> adapter = gson.getDelegateAdapter(this, type);
      Set<String> known =
          Arrays.stream(record.getDeclaredFields())
              .map(KEYS::translateName)
              .collect(Collectors.toSet());
      return new TypeAdapter<>() {
        @Override
        public T read(JsonReader reader) throws IOException {
          JsonElement json = JsonParser.parseReader(reader);
          if (json.isJsonObject()) {
            for (String key : json.getAsJsonObject().keySet()) {
              if (!known.contains(key)) {
                String name = record.getSimpleName();
                throw new JsonParseException("a " + name + " has the unknown key \"" + key + "\"");
              }
            }
          }
          return adapter.fromJsonTree(json);
        }

        @Override
        public void write(JsonWriter writer, T value) throws IOException {
          adapter.write(writer, value);
        }
      };
    }
  }
}
