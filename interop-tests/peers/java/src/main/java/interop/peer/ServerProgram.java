package interop.peer;

import interop.peer.service.CalculatorService;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import java.io.IOException;

/** The tutorial's server: it serves Calculator on port 50051 until Ctrl-C. */
public final class ServerProgram {
  private static final int PORT = 50051;

  private ServerProgram() {}

  /** Serves until Ctrl-C. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    io.grpc.Server server =
        Grpc.newServerBuilderForPort(PORT, InsecureServerCredentials.create())
            .addService(new CalculatorService())
            .build();
    Runtime runtime = Runtime.getRuntime();
    runtime.addShutdownHook(
        new Thread(
            () -> {
              server.shutdownNow();
              // By default a JVM ends with status 130 after Ctrl-C, and Python with 0.
              runtime.halt(0);
            }));
    System.out.println("Starting server. Listening on port " + PORT + ".");
    server.start().awaitTermination();
  }
}
