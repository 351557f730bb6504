package interop.peer.service;

import interop.peer.rpc.CalculatorGrpc;
import interop.peer.rpc.Number;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;

/** Implements calculator.proto, with the error messages of the tutorial's server in Python. */
public final class CalculatorService extends CalculatorGrpc.CalculatorImplBase {
  @Override
  public void squareRoot(Number request, StreamObserver<Number> responses) {
    try {
      float root = Arithmetic.squareRoot(request.getValue());
      responses.onNext(Number.newBuilder().setValue(root).build());
      responses.onCompleted();
    } catch (Arithmetic.DomainException e) {
      String description = "Exception calling application: " + e.getMessage();
      responses.onError(Status.UNKNOWN.withDescription(description).asException());
    }
  }
}
