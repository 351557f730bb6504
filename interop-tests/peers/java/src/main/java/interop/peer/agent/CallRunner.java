package interop.peer.agent;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import interop.peer.Bytes;
import interop.peer.agent.Protocol.Call;
import interop.peer.agent.Protocol.CallOutcome;
import interop.peer.agent.Protocol.Details;
import interop.peer.agent.Protocol.Step;
import interop.peer.rpc.Number;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.MetadataUtils;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;

/** Makes a call as it is requested, and reports its outcome. */
final class CallRunner implements Callable<CallOutcome> {
  private static final Map<String, MethodType> KINDS =
      Map.of(
          "unary", MethodType.UNARY,
          "client-streaming", MethodType.CLIENT_STREAMING,
          "server-streaming", MethodType.SERVER_STREAMING,
          "bidirectional", MethodType.BIDI_STREAMING);
  private static final String SQUARE_ROOT = "/Calculator/SquareRoot";
  private static final MethodDescriptor.Marshaller<Number> NUMBER =
      ProtoUtils.marshaller(Number.getDefaultInstance());
  private static final Metadata.Key<byte[]> STATUS_DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  /** Fields that grpc-java shows with the metadata, and other clients do not. */
  private static final Set<String> TRANSPORT_FIELDS =
      Set.of("content-type", "grpc-encoding", "grpc-accept-encoding");

  private static final List<List<String>> NO_METADATA = List.of();
  private static final HexFormat HEX = HexFormat.of();

  private final Call call;
  private final Channel channel;
  private final ScriptedCall<?, ?> scripted;

  CallRunner(Call call, Channel channel) throws UnsupportedRequestException {
    this.call = call;
    this.channel = channel;
    scripted = prepare(call);
  }

  /** Reads the whole call before it begins. */
  private static ScriptedCall<?, ?> prepare(Call call) throws UnsupportedRequestException {
    if (!Arrays.asList(null, "gzip", "deflate").contains(call.compression())) {
      throw new UnsupportedRequestException("there is no compression " + call.compression());
    }
    if (call.script() != null) {
      MethodType kind = call.kind() == null ? null : KINDS.get(call.kind());
      if (kind == null || call.value() != null || call.message() != null) {
        throw new UnsupportedRequestException("a script needs a kind, and no value or message");
      }
      if (!call.stub()) {
        var method = Method.ofBytes(call.method(), kind, Bytes.MARSHALLER);
        return new ScriptedCall<>(method, call.script());
      }
      Method<?, ?> method = Method.ofStub(call.method());
      if (method == null || method.descriptor().getType() != kind) {
        throw new UnsupportedRequestException(
            "no stub has a method " + call.method() + " of the kind " + call.kind());
      }
      return new ScriptedCall<>(method, call.script());
    }
    if ((call.value() == null) == (call.message() == null)) {
      throw new UnsupportedRequestException("a call needs a value, or a message, or a script");
    }
    if (call.message() != null) {
      var method = Method.ofBytes(call.method(), MethodType.UNARY, NUMBER);
      return new ScriptedCall<>(method, List.of(send(call.message())));
    }
    if (!call.method().equals(SQUARE_ROOT)) {
      throw new UnsupportedRequestException("a value can be sent only to " + SQUARE_ROOT);
    }
    float value = Float.intBitsToFloat(Integer.parseUnsignedInt(call.value(), 16));
    byte[] number = Number.newBuilder().setValue(value).build().toByteArray();
    return new ScriptedCall<>(Method.ofStub(SQUARE_ROOT), List.of(send(number)));
  }

  private static Step send(byte[] message) {
    return new Step(message, null, null, false, false);
  }

  @Override
  public CallOutcome call() throws InterruptedException, InvalidProtocolBufferException {
    var initial = new AtomicReference<Metadata>();
    var trailing = new AtomicReference<Metadata>();
    List<byte[]> replies;
    try {
      Channel prepared =
          ClientInterceptors.intercept(
              channel,
              new Options(call),
              MetadataUtils.newAttachHeadersInterceptor(sent(call)),
              MetadataUtils.newCaptureMetadataInterceptor(initial, trailing));
      replies = scripted.run(prepared);
    } catch (IllegalArgumentException e) {
      return outcome("CLIENT_ERROR", e.getMessage(), List.of(), null, null);
    }
    Status end = scripted.end();
    return outcome(end.getCode().name(), message(end), replies, initial.get(), trailing.get());
  }

  /**
   * Returns the message of a status.
   *
   * <p>At a deadline grpc-java reports in one of several sentences what it has waited for and how
   * long, which differs from call to call. All of them name the source of the deadline.
   */
  private static String message(Status status) {
    String message = Objects.requireNonNullElse(status.getDescription(), "");
    boolean isOwnDeadline =
        status.getCode() == Status.Code.DEADLINE_EXCEEDED && message.contains("CallOptions");
    return isOwnDeadline ? "CallOptions deadline exceeded" : message;
  }

  private CallOutcome outcome(
      String status, String message, List<byte[]> replies, Metadata initial, Metadata trailing)
      throws InvalidProtocolBufferException {
    boolean isScript = call.script() != null;
    return new CallOutcome(
        status,
        message,
        isScript || replies.isEmpty() ? null : value(replies.get(0)),
        isScript ? replies : null,
        details(trailing),
        received(initial),
        received(trailing),
        scripted.elapsedMs());
  }

  private static String value(byte[] reply) throws InvalidProtocolBufferException {
    return HEX.toHexDigits(Float.floatToRawIntBits(Number.parseFrom(reply).getValue()));
  }

  private static Metadata sent(Call call) {
    var sent = new Metadata();
    for (List<String> pair : Objects.requireNonNullElse(call.metadata(), NO_METADATA)) {
      String key = pair.get(0);
      if (key.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
        sent.put(Metadata.Key.of(key, Metadata.BINARY_BYTE_MARSHALLER), HEX.parseHex(pair.get(1)));
      } else {
        sent.put(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER), pair.get(1));
      }
    }
    return sent;
  }

  private static List<List<String>> received(Metadata metadata) {
    List<List<String>> pairs = new ArrayList<>();
    if (metadata == null) {
      return pairs;
    }
    for (String key : metadata.keys()) {
      if (TRANSPORT_FIELDS.contains(key)) {
        continue;
      }
      if (key.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
        metadata
            .getAll(Metadata.Key.of(key, Metadata.BINARY_BYTE_MARSHALLER))
            .forEach(value -> pairs.add(List.of(key, HEX.formatHex(value))));
      } else {
        metadata
            .getAll(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER))
            .forEach(value -> pairs.add(List.of(key, value)));
      }
    }
    return pairs;
  }

  /** Returns null for details that are not a status, because a server may send any bytes. */
  private static Details details(Metadata trailing) {
    byte[] bytes = trailing == null ? null : trailing.get(STATUS_DETAILS);
    if (bytes == null) {
      return null;
    }
    try {
      var status = com.google.rpc.Status.parseFrom(bytes);
      List<List<String>> violations = new ArrayList<>();
      for (Any detail : status.getDetailsList()) {
        if (detail.is(BadRequest.class)) {
          for (var violation : detail.unpack(BadRequest.class).getFieldViolationsList()) {
            violations.add(List.of(violation.getField(), violation.getDescription()));
          }
        }
      }
      return new Details(status.getCode(), status.getMessage(), violations);
    } catch (InvalidProtocolBufferException e) {
      return null;
    }
  }

  /** Adds the options of a call to whatever makes it, a stub or not. */
  private record Options(Call call) implements ClientInterceptor {
    @Override
    public <Q, R> ClientCall<Q, R> interceptCall(
        MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
      if (call.timeoutMs() != null) {
        options = options.withDeadlineAfter(Math.round(call.timeoutMs() * 1e6), NANOSECONDS);
      }
      if (call.compression() != null) {
        options = options.withCompression(call.compression());
      }
      if (call.waitForReady()) {
        options = options.withWaitForReady();
      }
      return next.newCall(method, options);
    }
  }
}
