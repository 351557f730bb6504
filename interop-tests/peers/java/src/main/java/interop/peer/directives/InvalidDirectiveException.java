package interop.peer.directives;

/** Says that a directive has an unknown name or an invalid value. */
final class InvalidDirectiveException extends Exception {
  private static final long serialVersionUID = 1;

  InvalidDirectiveException(String key, String reason) {
    super("the metadata " + key + " is invalid: " + reason);
  }
}
