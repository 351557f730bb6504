package interop.peer;

import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Messages that are sent and received as they are. */
public final class Bytes {
  /** Leaves the bytes as they are. */
  public static final MethodDescriptor.Marshaller<byte[]> MARSHALLER =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] message) {
          return new ByteArrayInputStream(message);
        }

        @Override
        public byte[] parse(InputStream stream) {
          return read(stream);
        }
      };

  private Bytes() {}

  /** Reads all bytes of a message. */
  public static byte[] read(InputStream stream) {
    try (stream) {
      return stream.readAllBytes();
    } catch (IOException e) {
      String description = "cannot read a message";
      throw Status.INTERNAL.withDescription(description).withCause(e).asRuntimeException();
    }
  }
}
