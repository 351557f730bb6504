package interop.peer.service;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import interop.peer.rpc.Number;
import interop.peer.rpc.RepeatedRootsRequest;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/** Responds with root after root, at the requested interval or as fast as the client reads. */
final class RepeatedRoots {
  private static final ScheduledExecutorService TIMER =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            var thread = new Thread(task, "repeated-roots");
            thread.setDaemon(true);
            return thread;
          });

  private final ServerCallStreamObserver<Number> responses;
  private final int interval;
  private float value;
  private int left;
  private boolean isPausing;
  private boolean hasEnded;

  RepeatedRoots(RepeatedRootsRequest request, ServerCallStreamObserver<Number> responses) {
    this.responses = responses;
    interval = request.getIntervalMs();
    value = request.getStart().getValue();
    left = request.getCount();
  }

  void begin() {
    // With a handler, a response to a call that has been cancelled is not an error.
    responses.setOnCancelHandler(() -> {});
    responses.setOnReadyHandler(this::send);
  }

  // Called by the call when the client has read, and by the timer.
  private synchronized void send() {
    try {
      while (left > 0 && !isPausing && !hasEnded && responses.isReady()) {
        value = Arithmetic.squareRoot(value);
        responses.onNext(Number.newBuilder().setValue(value).build());
        left--;
        if (left > 0 && interval > 0) {
          isPausing = true;
          TIMER.schedule(this::resume, interval, MILLISECONDS);
        }
      }
      if (left == 0 && !hasEnded) {
        hasEnded = true;
        responses.onCompleted();
      }
    } catch (Arithmetic.DomainException e) {
      hasEnded = true;
      responses.onError(StreamingCalculatorService.ended(e));
    }
  }

  private synchronized void resume() {
    isPausing = false;
    send();
  }
}
