package interop.peer.service;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import interop.peer.rpc.ExchangeRequest;
import interop.peer.rpc.Number;
import interop.peer.rpc.Payload;
import interop.peer.rpc.RepeatedRootsRequest;
import interop.peer.rpc.StreamingCalculatorGrpc;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;

/** Implements streaming_calculator.proto. */
public final class StreamingCalculatorService
    extends StreamingCalculatorGrpc.StreamingCalculatorImplBase {
  private static final int MAX_COUNT = 10_000_000;
  private static final int MAX_RESPONSE_SIZE = 16_777_216;

  @Override
  public void repeatedRoots(RepeatedRootsRequest request, StreamObserver<Number> responses) {
    try {
      check("count", request.getCount(), MAX_COUNT);
      check("interval_ms", request.getIntervalMs(), Integer.MAX_VALUE);
    } catch (StatusException e) {
      responses.onError(e);
      return;
    }
    new RepeatedRoots(request, (ServerCallStreamObserver<Number>) responses).begin();
  }

  @Override
  public StreamObserver<Number> rootMeanSquare(StreamObserver<Number> responses) {
    var mean = new Arithmetic.MeanSquare();
    return new StreamObserver<>() {
      @Override
      public void onNext(Number request) {
        mean.add(request.getValue());
      }

      @Override
      public void onCompleted() {
        if (mean.isEmpty()) {
          String description = "the stream has no number";
          responses.onError(Status.INVALID_ARGUMENT.withDescription(description).asException());
          return;
        }
        responses.onNext(Number.newBuilder().setValue(mean.root()).build());
        responses.onCompleted();
      }

      @Override
      public void onError(Throwable cancellation) {
        // The call has ended, so there is no response.
      }
    };
  }

  @Override
  public StreamObserver<Number> rootOfEach(StreamObserver<Number> responses) {
    return new RootOfEach((ServerCallStreamObserver<Number>) responses);
  }

  @Override
  public void exchange(ExchangeRequest request, StreamObserver<Payload> responses) {
    try {
      check("response_size", request.getResponseSize(), MAX_RESPONSE_SIZE);
    } catch (StatusException e) {
      responses.onError(e);
      return;
    }
    var zeros = ByteString.copyFrom(new byte[request.getResponseSize()]);
    responses.onNext(Payload.newBuilder().setPayload(zeros).build());
    responses.onCompleted();
  }

  /** Returns the status of a stream of responses that a number without a root ends. */
  static StatusException ended(Arithmetic.DomainException cause) {
    String description = "Exception iterating responses: " + cause.getMessage();
    return Status.UNKNOWN.withDescription(description).asException();
  }

  private static void check(String field, int value, int maximum) throws StatusException {
    String description;
    if (value < 0) {
      description = "is negative: " + value;
    } else if (value > maximum) {
      description = "is more than " + maximum + ": " + value;
    } else {
      return;
    }
    var violation =
        BadRequest.FieldViolation.newBuilder().setField(field).setDescription(description);
    throw StatusProto.toStatusException(
        com.google.rpc.Status.newBuilder()
            .setCode(Code.INVALID_ARGUMENT_VALUE)
            .setMessage(field + " " + description)
            .addDetails(Any.pack(BadRequest.newBuilder().addFieldViolations(violation).build()))
            .build());
  }
}
