package interop.peer.directives;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.grpc.Context;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/**
 * Makes a server follow the test directives in the metadata of its calls.
 *
 * <p>It is an interceptor, so that the services contain only what a server of a user contains. It
 * waits in the thread of the call; a call that ends meanwhile is noticed by its context.
 */
public final class DirectivesInterceptor implements ServerInterceptor {
  private final Observations observations = new Observations();

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    Directives directives;
    try {
      directives = Directives.parse(headers);
    } catch (InvalidDirectiveException e) {
      call.close(Status.INVALID_ARGUMENT.withDescription(e.getMessage()), new Metadata());
      return new ServerCall.Listener<>() {};
    }
    Runnable completed =
        directives.observe() == null
            ? () -> {}
            : observations.begin(Context.current(), directives.observe());
    try {
      if (directives.observed() != null) {
        var report = observations.request(directives.observed());
        cancelWithCall(report);
        directives.trailing().merge(report.join());
      }
      if (directives.delayMs() > 0) {
        var delay = new CompletableFuture<Void>();
        cancelWithCall(delay);
        delay.completeOnTimeout(null, directives.delayMs(), MILLISECONDS).join();
      }
    } catch (CancellationException e) {
      return new ServerCall.Listener<>() {};
    }
    if (directives.compression() != null) {
      call.setCompression(directives.compression());
    }
    var directed = new DirectedCall<>(call, directives, completed);
    if (!directives.initial().keys().isEmpty()) {
      directed.sendHeaders(new Metadata());
    }
    return endingAfter(directives.endAfter(), call, next.startCall(directed, headers));
  }

  private static void cancelWithCall(CompletableFuture<?> future) {
    Context.current().addListener(context -> future.cancel(false), Runnable::run);
  }

  /** What a method sees of its call when it responds. */
  private static final class DirectedCall<Q, R> extends SimpleForwardingServerCall<Q, R> {
    private final Directives directives;
    private final Runnable completed;
    private boolean hasSentHeaders;

    DirectedCall(ServerCall<Q, R> call, Directives directives, Runnable completed) {
      super(call);
      this.directives = directives;
      this.completed = completed;
    }

    @Override
    public void sendHeaders(Metadata headers) {
      if (!hasSentHeaders) {
        hasSentHeaders = true;
        headers.merge(directives.initial());
        super.sendHeaders(headers);
      }
    }

    @Override
    public void sendMessage(R message) {
      // The requested status takes the place of a single response.
      if (directives.status().isOk() || !getMethodDescriptor().getType().serverSendsOneMessage()) {
        super.sendMessage(message);
      }
    }

    @Override
    public void close(Status status, Metadata trailers) {
      completed.run();
      trailers.merge(directives.trailing());
      super.close(status.isOk() ? directives.status() : status, trailers);
    }
  }

  /** Ends the stream of requests after a number of messages. */
  private static <Q> ServerCall.Listener<Q> endingAfter(
      long limit, ServerCall<Q, ?> call, ServerCall.Listener<Q> method) {
    if (call.getMethodDescriptor().getType().clientSendsOneMessage()) {
      return method;
    }
    if (limit == 0) {
      method.onHalfClose();
    }
    return new SimpleForwardingServerCallListener<>(method) {
      private long left = limit;

      @Override
      public void onMessage(Q message) {
        if (left == 0) {
          return;
        }
        super.onMessage(message);
        left--;
        if (left == 0) {
          super.onHalfClose();
        }
      }

      @Override
      public void onHalfClose() {
        if (left != 0) {
          super.onHalfClose();
        }
      }
    };
  }
}
