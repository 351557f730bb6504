package interop.peer.agent;

/** Says why the agent cannot do what is requested. */
final class UnsupportedRequestException extends Exception {
  private static final long serialVersionUID = 1;

  UnsupportedRequestException(String reason) {
    super(reason);
  }

  UnsupportedRequestException(String what, Exception cause) {
    super(what + ": " + cause.getMessage(), cause);
  }
}
