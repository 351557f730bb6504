package interop.peer.service;

/** Computes the results, which are the same to the bit in every language. */
final class Arithmetic {
  /** The bit of a float32 that makes a NaN quiet. */
  private static final int QUIET = 1 << 22;

  private Arithmetic() {}

  /** Says that a number has no root, with the text of Python's ValueError. */
  static final class DomainException extends Exception {
    private static final long serialVersionUID = 1;

    DomainException() {
      super("math domain error");
    }
  }

  static float squareRoot(float x) throws DomainException {
    if (Float.isNaN(x)) {
      return quiet(x);
    }
    if (x < 0) {
      throw new DomainException();
    }
    return (float) Math.sqrt(x);
  }

  // Which NaN an operation returns depends on the processor, so only bits are changed.
  private static float quiet(float nan) {
    return Float.intBitsToFloat(Float.floatToRawIntBits(nan) | QUIET);
  }

  /** Adds up squares in the order of arrival. */
  static final class MeanSquare {
    private int count;
    private double sum;
    private Float firstNan;

    void add(float x) {
      count++;
      sum += (double) x * x;
      if (firstNan == null && Float.isNaN(x)) {
        firstNan = quiet(x);
      }
    }

    boolean isEmpty() {
      return count == 0;
    }

    float root() {
      return firstNan == null ? (float) Math.sqrt(sum / count) : firstNan;
    }
  }
}
