package interop.peer.directives;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.ByteString;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.Set;

/**
 * What the metadata of one call requests.
 *
 * @param status follows a method that ends with OK
 * @param endAfter how many messages of a stream the method receives; unsigned
 * @param compression null if none is requested, as are {@code observe} and {@code observed}
 */
record Directives(
    Metadata initial,
    Metadata trailing,
    long delayMs,
    Status status,
    long endAfter,
    String compression,
    String observe,
    String observed) {
  private static final String PREFIX = "x-interop-";
  private static final long UNLIMITED = -1;
  private static final Metadata.Key<String> ECHO_INITIAL = text("x-grpc-test-echo-initial");
  private static final Metadata.Key<byte[]> ECHO_TRAILING =
      Metadata.Key.of("x-grpc-test-echo-trailing-bin", Metadata.BINARY_BYTE_MARSHALLER);

  static Metadata.Key<String> text(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  /** An invalid directive is an error, so that a test with a typing error does not pass. */
  static Directives parse(Metadata headers) throws InvalidDirectiveException {
    long delayMs = 0;
    int code = 0;
    String message = null;
    long endAfter = UNLIMITED;
    String compression = null;
    String observe = null;
    String observed = null;
    for (String key : headers.keys()) {
      if (!key.startsWith(PREFIX)) {
        continue;
      }
      switch (key.substring(PREFIX.length())) {
        case "delay-ms" -> delayMs = natural(headers, key) & Long.MAX_VALUE;
        case "status" -> code = code(headers, key);
        case "message-bin" -> message = message(headers, key);
        case "end-after" -> endAfter = natural(headers, key);
        case "compression" -> compression = compression(headers, key);
        case "observe" -> observe = headers.get(text(key));
        case "observed" -> observed = headers.get(text(key));
        default -> throw new InvalidDirectiveException(key, "there is no such directive");
      }
    }
    Status status = Status.fromCodeValue(code).withDescription(message);
    return new Directives(
        copy(headers, ECHO_INITIAL),
        copy(headers, ECHO_TRAILING),
        delayMs,
        status,
        endAfter,
        compression,
        observe,
        observed);
  }

  private static <T> Metadata copy(Metadata headers, Metadata.Key<T> key) {
    var copy = new Metadata();
    Iterable<T> values = headers.getAll(key);
    if (values != null) {
      values.forEach(value -> copy.put(key, value));
    }
    return copy;
  }

  private static long natural(Metadata headers, String key) throws InvalidDirectiveException {
    String value = headers.get(text(key));
    try {
      if (value.startsWith("+")) {
        throw new NumberFormatException(value);
      }
      return Long.parseUnsignedLong(value);
    } catch (NumberFormatException e) {
      throw new InvalidDirectiveException(key, "it is not a number of 64 bits");
    }
  }

  private static int code(Metadata headers, String key) throws InvalidDirectiveException {
    long code = natural(headers, key);
    if (Long.compareUnsigned(code, Status.Code.values().length) >= 0) {
      throw new InvalidDirectiveException(key, "no status has this code");
    }
    return (int) code;
  }

  private static String message(Metadata headers, String key) throws InvalidDirectiveException {
    byte[] value = headers.get(Metadata.Key.of(key, Metadata.BINARY_BYTE_MARSHALLER));
    if (!ByteString.copyFrom(value).isValidUtf8()) {
      throw new InvalidDirectiveException(key, "it is not UTF-8");
    }
    return new String(value, UTF_8);
  }

  private static String compression(Metadata headers, String key) throws InvalidDirectiveException {
    String value = headers.get(text(key));
    if (!Set.of("gzip", "deflate", "identity").contains(value)) {
      throw new InvalidDirectiveException(key, "it is not gzip, deflate or identity");
    }
    return value;
  }
}
