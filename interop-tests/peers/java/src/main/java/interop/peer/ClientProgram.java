package interop.peer;

import interop.peer.rpc.CalculatorGrpc;
import interop.peer.rpc.Number;
import io.grpc.Channel;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.IntStream;

/** The tutorial's client: it asks localhost:50051 for the root of 16. */
public final class ClientProgram {
  private ClientProgram() {}

  /** Makes the call. */
  public static void main(String[] arguments) {
    Channel channel =
        Grpc.newChannelBuilder("localhost:50051", InsecureChannelCredentials.create()).build();
    try {
      Number request = Number.newBuilder().setValue(16).build();
      Number response = CalculatorGrpc.newBlockingStub(channel).squareRoot(request);
      System.out.println(pythonFloat(response.getValue()));
    } catch (StatusRuntimeException e) {
      Status status = e.getStatus();
      // The last lines of the traceback of the tutorial's client.
      System.err.printf(
          "RPC that terminated with:%n\tstatus = StatusCode.%s%n\tdetails = \"%s\"%n>%n",
          status.getCode(), Objects.requireNonNullElse(status.getDescription(), ""));
      System.exit(1);
    }
  }

  /** Returns a number as Python prints it: with the fewest digits from which it can be read. */
  static String pythonFloat(double x) {
    if (!Double.isFinite(x)) {
      return Double.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
    }
    if (x == 0) {
      return Double.toString(x);
    }
    BigDecimal shortest =
        IntStream.rangeClosed(1, 17)
            .mapToObj(digits -> new BigDecimal(x).round(new MathContext(digits)))
            .filter(rounded -> rounded.doubleValue() == x)
            .findFirst()
            .orElseThrow()
            .stripTrailingZeros();
    int exponent = shortest.precision() - shortest.scale() - 1;
    if (exponent < -4 || exponent >= 16) {
      String digits = shortest.movePointLeft(exponent).stripTrailingZeros().toPlainString();
      return String.format(Locale.ROOT, "%se%+03d", digits, exponent);
    }
    String text = shortest.toPlainString();
    return text.contains(".") ? text : text + ".0";
  }
}
