package interop.peer.agent;

import java.util.List;

/**
 * The lines of JSON that the tool and an agent exchange. A key that is missing is null, false or 0.
 *
 * <p>The names of the components are the keys, in the style of Java.
 */
final class Protocol {
  private Protocol() {}

  record Request(
      String address,
      int channels,
      boolean keepChannels,
      Tls tls,
      Keepalive keepalive,
      List<Call> calls) {
    Connections connections() {
      return new Connections(address, channels, tls, keepalive);
    }
  }

  /** Where and how to connect; requests with equal connections can share channels. */
  record Connections(String address, int channels, Tls tls, Keepalive keepalive) {}

  record Tls(String ca, String name, String certificate, String key) {}

  record Keepalive(long intervalMs, long timeoutMs) {}

  record Call(
      String method,
      String value,
      byte[] message,
      String kind,
      boolean stub,
      List<Step> script,
      Double timeoutMs,
      List<List<String>> metadata,
      String compression,
      boolean waitForReady) {}

  /** One component is neither null nor false. */
  record Step(byte[] send, Integer receive, Double pauseMs, boolean halfClose, boolean cancel) {}

  record Outcome(List<CallOutcome> calls, String notSupported) {}

  record CallOutcome(
      String status,
      String message,
      String value,
      List<byte[]> replies,
      Details details,
      List<List<String>> initialMetadata,
      List<List<String>> trailingMetadata,
      double elapsedMs) {}

  record Details(int code, String message, List<List<String>> violations) {}
}
