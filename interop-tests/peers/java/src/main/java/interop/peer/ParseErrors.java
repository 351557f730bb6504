package interop.peer;

import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/**
 * Ends a call whose request cannot be parsed as grpcio does.
 *
 * <p>By default grpc-java ends it with UNKNOWN without telling the method. A method that responds
 * at the end of its stream of requests then sends headers after the trailers, for which Netty
 * closes the connection with all of its calls.
 */
final class ParseErrors implements ServerInterceptor {
  private ParseErrors() {}

  /** Returns a service whose requests are parsed by an interceptor, where errors can be handled. */
  static ServerServiceDefinition handledIn(ServerServiceDefinition service) {
    return ServerInterceptors.intercept(
        ServerInterceptors.useInputStreamMessages(service), new ParseErrors());
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
      private boolean hasEnded;

      @Override
      public void onMessage(Q message) {
        if (hasEnded) {
          return;
        }
        try {
          super.onMessage(message);
        } catch (StatusRuntimeException e) {
          hasEnded = true;
          Status status = e.getStatus();
          boolean isTooLarge = status.getCode() == Status.Code.RESOURCE_EXHAUSTED;
          call.close(
              isTooLarge
                  ? status
                  : Status.INTERNAL.withDescription("Exception deserializing request!"),
              new Metadata());
        }
      }

      @Override
      public void onHalfClose() {
        if (!hasEnded) {
          super.onHalfClose();
        }
      }
    };
  }
}
