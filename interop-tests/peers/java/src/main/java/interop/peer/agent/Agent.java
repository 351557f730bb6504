package interop.peer.agent;

import interop.peer.WarmUp;
import interop.peer.agent.Protocol.CallOutcome;
import interop.peer.agent.Protocol.Outcome;
import interop.peer.agent.Protocol.Request;
import io.grpc.ManagedChannel;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A client that the interop tool controls: it reads requests from stdin, makes their calls, and
 * writes their outcomes to stdout.
 *
 * <p>It reports outcomes and does not judge them. It ends with stdin.
 */
public final class Agent {
  private final ChannelPool pool = new ChannelPool();

  /** Scripts wait, so each call has a thread. */
  private final ExecutorService threads = Executors.newCachedThreadPool();

  private Agent() {}

  /** Answers all requests. */
  public static void main(String[] arguments)
      throws IOException, InterruptedException, ExecutionException {
    WarmUp.run();
    new Agent()
        .run(new Lines(new BufferedInputStream(System.in), new BufferedOutputStream(System.out)));
    // The threads of the calls and of the channels end with the process.
    System.exit(0);
  }

  private void run(Lines lines) throws IOException, InterruptedException, ExecutionException {
    while (true) {
      Outcome outcome;
      try {
        Request request = lines.read();
        if (request == null) {
          return;
        }
        outcome = new Outcome(perform(request), null);
      } catch (UnsupportedRequestException e) {
        outcome = new Outcome(null, e.getMessage());
      }
      lines.write(outcome);
    }
  }

  private List<CallOutcome> perform(Request request)
      throws UnsupportedRequestException, InterruptedException, ExecutionException {
    List<ManagedChannel> channels = pool.open(request.connections());
    try {
      List<CallRunner> calls = new ArrayList<>();
      for (int i = 0; i < request.calls().size(); i++) {
        calls.add(new CallRunner(request.calls().get(i), channels.get(i % channels.size())));
      }
      List<CallOutcome> outcomes = new ArrayList<>();
      for (Future<CallOutcome> outcome : threads.invokeAll(calls)) {
        outcomes.add(outcome.get());
      }
      return outcomes;
    } finally {
      pool.release(request.connections(), channels, request.keepChannels());
    }
  }
}
