package interop.peer.agent;

import interop.peer.agent.Protocol.Step;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/** Makes one call and runs its script. Replies are received only when the script asks for them. */
final class ScriptedCall<Q, R> implements ClientResponseObserver<Q, R> {
  private final Method<Q, R> method;
  private final List<Step> script;
  private final Queue<Q> requests = new ArrayDeque<>();
  private final List<byte[]> replies = new ArrayList<>();
  private ClientCallStreamObserver<Q> call;
  private Status end;
  private long started;
  private long ended;

  /** Reads the whole script, so that a mistake in it is not reported as the outcome of the call. */
  ScriptedCall(Method<Q, R> method, List<Step> script) throws UnsupportedRequestException {
    this.method = method;
    this.script = script;
    for (Step step : script) {
      if (step.send() != null) {
        requests.add(method.parse(step.send()));
      }
    }
    if (!method.hasManyRequests() && (requests.size() != 1 || script.get(0).send() == null)) {
      throw new UnsupportedRequestException("a script does not begin with its only request");
    }
  }

  /** Runs the script and waits for the end of the call. Returns the replies that it received. */
  List<byte[]> run(Channel channel) throws InterruptedException {
    started = System.nanoTime();
    Q first = method.hasManyRequests() ? null : requests.remove();
    StreamObserver<Q> stream = method.start().start(channel, first, this);
    boolean isHalfClosed = !method.hasManyRequests();
    for (Step step : script) {
      if (step.send() != null && method.hasManyRequests()) {
        stream.onNext(requests.remove());
      } else if (step.receive() != null) {
        receive(step.receive());
      } else if (step.pauseMs() != null) {
        Thread.sleep(Math.round(step.pauseMs()));
      } else if (step.halfClose()) {
        isHalfClosed = true;
        stream.onCompleted();
      } else if (step.cancel()) {
        List<byte[]> received = received();
        call.cancel("cancelled by the script", null);
        awaitReplies(Long.MAX_VALUE);
        return received;
      }
    }
    if (!isHalfClosed) {
      stream.onCompleted();
    }
    receive(Integer.MAX_VALUE);
    return received();
  }

  private synchronized void receive(int count) throws InterruptedException {
    if (method.hasManyReplies()) {
      call.request(count);
    }
    awaitReplies((long) replies.size() + count);
  }

  /** Waits until this many replies have arrived or the call has ended. */
  private synchronized void awaitReplies(long wanted) throws InterruptedException {
    while (replies.size() < wanted && end == null) {
      wait();
    }
  }

  /**
   * Returns what has been received. A single reply counts only if the call is OK, as in a future.
   */
  private synchronized List<byte[]> received() {
    boolean counts = method.hasManyReplies() || end != null && end.isOk();
    return counts ? List.copyOf(replies) : List.of();
  }

  /** Returns the status with which the call ended. */
  synchronized Status end() {
    return end;
  }

  synchronized double elapsedMs() {
    return (ended - started) / 1e6;
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<Q> requestStream) {
    call = requestStream;
    if (method.hasManyReplies()) {
      requestStream.disableAutoRequestWithInitial(0);
    }
  }

  @Override
  public synchronized void onNext(R reply) {
    replies.add(method.serialize(reply));
    notifyAll();
  }

  @Override
  public void onError(Throwable error) {
    end(Status.fromThrowable(error));
  }

  @Override
  public void onCompleted() {
    end(Status.OK);
  }

  private synchronized void end(Status status) {
    ended = System.nanoTime();
    end = status;
    notifyAll();
  }
}
