package interop.peer.service;

import interop.peer.rpc.Number;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;

/**
 * Responds to each request with its root.
 *
 * <p>The next request is received only when the response can be sent, so that a client that does
 * not read cannot fill the memory of the server.
 */
final class RootOfEach implements StreamObserver<Number> {
  private final ServerCallStreamObserver<Number> responses;
  private boolean isRequested;
  private boolean hasEnded;

  RootOfEach(ServerCallStreamObserver<Number> responses) {
    this.responses = responses;
    responses.disableAutoRequest();
    responses.setOnReadyHandler(this::requestNext);
  }

  @Override
  public void onNext(Number request) {
    isRequested = false;
    try {
      float root = Arithmetic.squareRoot(request.getValue());
      responses.onNext(Number.newBuilder().setValue(root).build());
      requestNext();
    } catch (Arithmetic.DomainException e) {
      hasEnded = true;
      responses.onError(StreamingCalculatorService.ended(e));
    }
  }

  private void requestNext() {
    if (!isRequested && !hasEnded && responses.isReady()) {
      isRequested = true;
      responses.request(1);
    }
  }

  @Override
  public void onCompleted() {
    if (!hasEnded) {
      hasEnded = true;
      responses.onCompleted();
    }
  }

  @Override
  public void onError(Throwable cancellation) {
    hasEnded = true;
  }
}
