package interop.peer;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import interop.peer.directives.DirectivesInterceptor;
import interop.peer.service.CalculatorService;
import interop.peer.service.StreamingCalculatorService;
import io.grpc.BindableService;
import io.grpc.InsecureServerCredentials;
import io.grpc.ServerCredentials;
import io.grpc.ServerServiceDefinition;
import io.grpc.TlsServerCredentials;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionService;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The server for tests. It prints its address when it accepts calls. */
public final class Server {
  private static final String UNIX = "unix:";

  private Server() {}

  /** Serves until the process is killed, or stdin closes if that is requested. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    ServerOptions options = ServerOptions.parse(arguments);
    WarmUp.run();
    NettyServerBuilder builder = listeningAt(options.address(), credentials(options));
    addServices(builder);
    builder
        .fallbackHandlerRegistry(new UnknownMethods())
        .compressorRegistry(Compressions.compressors())
        .decompressorRegistry(Compressions.decompressors())
        // By default grpc-java closes a connection that pings more than once in five minutes.
        .permitKeepAliveTime(100, MILLISECONDS)
        .permitKeepAliveWithoutCalls(true);
    if (options.maxConnectionAge() != null) {
      long milliseconds = Math.round(options.maxConnectionAge() * 1000);
      builder.maxConnectionAge(milliseconds, MILLISECONDS);
    }
    if (options.testBehaviour()) {
      builder.intercept(new DirectivesInterceptor());
    }
    io.grpc.Server server = builder.build().start();
    String bound = options.address();
    if (!bound.startsWith(UNIX)) {
      bound = hostOf(bound) + ":" + server.getPort();
    }
    System.out.println("Listening on " + bound);
    if (options.untilStdinCloses()) {
      System.in.transferTo(OutputStream.nullOutputStream());
      System.exit(0);
    }
    server.awaitTermination();
  }

  @SuppressWarnings("deprecation") // v1alpha of reflection: clients still ask for it.
  private static void addServices(NettyServerBuilder builder) {
    var health = new HealthStatusManager();
    List<BindableService> services =
        List.of(new CalculatorService(), new StreamingCalculatorService());
    for (BindableService service : services) {
      ServerServiceDefinition definition = service.bindService();
      builder.addService(ParseErrors.handledIn(definition));
      health.setStatus(definition.getServiceDescriptor().getName(), ServingStatus.SERVING);
    }
    builder.addService(health.getHealthService());
    builder.addService(ProtoReflectionServiceV1.newInstance());
    builder.addService(ProtoReflectionService.newInstance());
  }

  private static ServerCredentials credentials(ServerOptions options) throws IOException {
    if (options.certificate() == null) {
      return InsecureServerCredentials.create();
    }
    var builder =
        TlsServerCredentials.newBuilder()
            .keyManager(new File(options.certificate()), new File(options.key()));
    if (options.clientCa() != null) {
      builder
          .trustManager(new File(options.clientCa()))
          .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE);
    }
    return builder.build();
  }

  private static NettyServerBuilder listeningAt(String address, ServerCredentials credentials)
      throws IOException {
    if (!address.startsWith(UNIX)) {
      int port = Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
      var socketAddress = new InetSocketAddress(hostOf(address), port);
      return NettyServerBuilder.forAddress(socketAddress, credentials);
    }
    String path = address.substring(UNIX.length());
    removeStaleSocket(Path.of(path));
    EventLoopGroup group = new MultiThreadIoEventLoopGroup(EpollIoHandler.newFactory());
    return NettyServerBuilder.forAddress(new DomainSocketAddress(path), credentials)
        .channelType(EpollServerDomainSocketChannel.class)
        .bossEventLoopGroup(group)
        .workerEventLoopGroup(group);
  }

  private static String hostOf(String address) {
    return address.substring(0, address.lastIndexOf(':'));
  }

  /** Removes the socket file of a server that was killed: nothing accepts connections there. */
  private static void removeStaleSocket(Path path) throws IOException {
    if (!Files.exists(path)) {
      return;
    }
    try {
      SocketChannel.open(UnixDomainSocketAddress.of(path)).close();
    } catch (ConnectException e) {
      Files.delete(path);
    }
  }
}
