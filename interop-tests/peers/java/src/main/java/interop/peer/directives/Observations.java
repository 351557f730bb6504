package interop.peer.directives;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * How observed calls have ended, until another call requests the report.
 *
 * <p>That call may arrive before the observed one has ended, or even begun, so calls that wait for
 * a report are kept as well as reports.
 */
final class Observations {
  private final Map<String, Queue<Metadata>> reports = new HashMap<>();
  private final Map<String, Queue<CompletableFuture<Metadata>>> waiting = new HashMap<>();

  /** Observes a call. The returned function reports that its method has ended. */
  Runnable begin(Context call, String name) {
    Deadline deadline = call.getDeadline();
    String left = deadline == null ? null : String.valueOf(deadline.timeRemaining(MILLISECONDS));
    var isReported = new AtomicBoolean();
    // A context that ends with its call has no cause.
    call.addListener(
        context -> {
          if (context.cancellationCause() != null && !isReported.getAndSet(true)) {
            add(name, report("cancelled", left));
          }
        },
        Runnable::run);
    return () -> {
      if (!isReported.getAndSet(true)) {
        add(name, report("completed", left));
      }
    };
  }

  private static Metadata report(String end, String left) {
    var report = new Metadata();
    report.put(Directives.text("x-interop-observed-end"), end);
    if (left != null) {
      report.put(Directives.text("x-interop-observed-deadline-ms"), left);
    }
    return report;
  }

  private synchronized void add(String name, Metadata report) {
    Queue<CompletableFuture<Metadata>> queue = waiting.getOrDefault(name, new ArrayDeque<>());
    while (!queue.isEmpty()) {
      // False if the call that waited has ended.
      if (queue.remove().complete(report)) {
        return;
      }
    }
    reports.computeIfAbsent(name, key -> new ArrayDeque<>()).add(report);
  }

  /** Returns a report about a call of this name, as soon as there is one. */
  synchronized CompletableFuture<Metadata> request(String name) {
    Queue<Metadata> queue = reports.getOrDefault(name, new ArrayDeque<>());
    if (!queue.isEmpty()) {
      return CompletableFuture.completedFuture(queue.remove());
    }
    var report = new CompletableFuture<Metadata>();
    waiting.computeIfAbsent(name, key -> new ArrayDeque<>()).add(report);
    return report;
  }
}
