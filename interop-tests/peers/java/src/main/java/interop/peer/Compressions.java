package interop.peer;

import io.grpc.Codec;
import io.grpc.CompressorRegistry;
import io.grpc.DecompressorRegistry;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;

/** The compressions of all peers: gzip, and deflate, which grpc-java does not have. */
public final class Compressions {
  private static final Codec DEFLATE = new Deflate();

  private Compressions() {}

  /** Returns what a channel or a server can send. */
  public static CompressorRegistry compressors() {
    CompressorRegistry registry = CompressorRegistry.newEmptyInstance();
    registry.register(Codec.Identity.NONE);
    registry.register(new Codec.Gzip());
    registry.register(DEFLATE);
    return registry;
  }

  /** Returns what a channel or a server can receive, and says so. */
  public static DecompressorRegistry decompressors() {
    return DecompressorRegistry.getDefaultInstance().with(DEFLATE, true);
  }

  /** In gRPC "deflate" is zlib's format. */
  private static final class Deflate implements Codec {
    @Override
    public String getMessageEncoding() {
      return "deflate";
    }

    @Override
    public OutputStream compress(OutputStream stream) {
      return new DeflaterOutputStream(stream);
    }

    @Override
    public InputStream decompress(InputStream stream) {
      return new InflaterInputStream(stream);
    }
  }
}
