package interop.peer;

import io.grpc.HandlerRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;

/** Ends calls of methods that a server does not have with grpcio's message. */
final class UnknownMethods extends HandlerRegistry {
  @Override
  public ServerMethodDefinition<?, ?> lookupMethod(String name, String authority) {
    MethodDescriptor<byte[], byte[]> method =
        MethodDescriptor.newBuilder(Bytes.MARSHALLER, Bytes.MARSHALLER)
            .setFullMethodName(name)
            .setType(MethodType.UNKNOWN)
            .build();
    return ServerMethodDefinition.create(
        method,
        (call, headers) -> {
          Status status = Status.UNIMPLEMENTED.withDescription("Method not found!");
          call.close(status, new Metadata());
          return new ServerCall.Listener<>() {};
        });
  }
}
