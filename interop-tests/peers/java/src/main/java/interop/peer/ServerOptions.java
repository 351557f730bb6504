package interop.peer;

import java.util.Arrays;
import java.util.Iterator;

/** The options of the server for tests; those that are not given are null. */
record ServerOptions(
    String address,
    String certificate,
    String key,
    String clientCa,
    Double maxConnectionAge,
    boolean testBehaviour,
    boolean untilStdinCloses) {
  private static final String USAGE =
      """
      usage: Server [--address HOST:PORT|unix:PATH] [--test-behaviour] [--until-stdin-closes]
                    [--max-connection-age SECONDS]
                    [--tls-certificate FILE --tls-key FILE [--tls-client-ca FILE]]""";

  /** Reads the command line; prints its usage and ends the process if it is wrong. */
  static ServerOptions parse(String[] arguments) {
    String address = "127.0.0.1:0";
    String certificate = null;
    String key = null;
    String clientCa = null;
    Double maxConnectionAge = null;
    boolean testBehaviour = false;
    boolean untilStdinCloses = false;
    try {
      for (Iterator<String> rest = Arrays.asList(arguments).iterator(); rest.hasNext(); ) {
        String option = rest.next();
        switch (option) {
          case "--address" -> address = rest.next();
          case "--tls-certificate" -> certificate = rest.next();
          case "--tls-key" -> key = rest.next();
          case "--tls-client-ca" -> clientCa = rest.next();
          case "--max-connection-age" -> maxConnectionAge = Double.valueOf(rest.next());
          case "--test-behaviour" -> testBehaviour = true;
          case "--until-stdin-closes" -> untilStdinCloses = true;
          default -> throw new IllegalArgumentException("unknown option " + option);
        }
      }
      if ((certificate == null) != (key == null) || certificate == null && clientCa != null) {
        throw new IllegalArgumentException("an option for TLS is missing");
      }
    } catch (RuntimeException e) {
      System.err.println(USAGE + "\n" + e.getMessage());
      System.exit(2);
    }
    return new ServerOptions(
        address, certificate, key, clientCa, maxConnectionAge, testBehaviour, untilStdinCloses);
  }
}
