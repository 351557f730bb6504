package interop.peer;

import com.google.protobuf.RuntimeVersion;
import io.grpc.Channel;
import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/** Prints the names and versions of the libraries and of Java, one on each line. */
public final class Versions {
  private static final String NETTY = "/META-INF/io.grpc.netty.shaded.io.netty.versions.properties";

  private Versions() {}

  /** Prints what is loaded, and not what pom.xml requests. */
  public static void main(String[] arguments) throws IOException {
    System.out.println("grpc-java " + Channel.class.getPackage().getImplementationVersion());
    var netty = new Properties();
    try (InputStream properties = Versions.class.getResourceAsStream(NETTY)) {
      netty.load(properties);
    }
    System.out.println("netty " + netty.getProperty("netty-common.version"));
    System.out.printf(
        "protobuf-java %d.%d.%d%n",
        RuntimeVersion.OSS_MAJOR, RuntimeVersion.OSS_MINOR, RuntimeVersion.OSS_PATCH);
    System.out.println("java " + Runtime.version().toString().replaceFirst("\\+.*", ""));
  }
}
