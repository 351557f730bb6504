package interop.peer.agent;

import interop.peer.Bytes;
import interop.peer.rpc.CalculatorGrpc;
import interop.peer.rpc.StreamingCalculatorGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A method with its own types of messages, which are byte[] if no generated stub is used.
 *
 * @param <Q> the type of its requests
 * @param <R> the type of its replies
 */
record Method<Q, R>(MethodDescriptor<Q, R> descriptor, Start<Q, R> start) {
  private static final Map<String, Method<?, ?>> OF_STUBS =
      Stream.of(
              new Method<>(
                  CalculatorGrpc.getSquareRootMethod(),
                  one((channel, q, r) -> CalculatorGrpc.newStub(channel).squareRoot(q, r))),
              new Method<>(
                  StreamingCalculatorGrpc.getRepeatedRootsMethod(),
                  one((channel, q, r) -> streaming(channel).repeatedRoots(q, r))),
              new Method<>(
                  StreamingCalculatorGrpc.getRootMeanSquareMethod(),
                  (channel, q, r) -> streaming(channel).rootMeanSquare(r)),
              new Method<>(
                  StreamingCalculatorGrpc.getRootOfEachMethod(),
                  (channel, q, r) -> streaming(channel).rootOfEach(r)),
              new Method<>(
                  StreamingCalculatorGrpc.getExchangeMethod(),
                  one((channel, q, r) -> streaming(channel).exchange(q, r))))
          .collect(Collectors.toMap(method -> "/" + method.name(), method -> method));

  /** Starts a call. */
  @FunctionalInterface
  interface Start<Q, R> {
    /** Returns where many requests are sent. A single one is sent at once, and null returned. */
    StreamObserver<Q> start(Channel channel, Q request, StreamObserver<R> replies);
  }

  @FunctionalInterface
  private interface StartWithRequest<Q, R> {
    void start(Channel channel, Q request, StreamObserver<R> replies);
  }

  private static <Q, R> Start<Q, R> one(StartWithRequest<Q, R> start) {
    return (channel, request, replies) -> {
      start.start(channel, request, replies);
      return null;
    };
  }

  private static StreamingCalculatorGrpc.StreamingCalculatorStub streaming(Channel channel) {
    return StreamingCalculatorGrpc.newStub(channel);
  }

  /** Returns a method of a generated stub, or null. */
  static Method<?, ?> ofStub(String path) {
    return OF_STUBS.get(path);
  }

  /** Returns a method whose requests are sent as they are. */
  static <R> Method<byte[], R> ofBytes(
      String path, MethodType type, MethodDescriptor.Marshaller<R> replies) {
    MethodDescriptor<byte[], R> descriptor =
        MethodDescriptor.newBuilder(Bytes.MARSHALLER, replies)
            .setFullMethodName(path.substring(1))
            .setType(type)
            .build();
    CallOptions options = CallOptions.DEFAULT;
    Start<byte[], R> start =
        switch (type) {
          case UNARY ->
              one((c, q, r) -> ClientCalls.asyncUnaryCall(c.newCall(descriptor, options), q, r));
          case SERVER_STREAMING ->
              one(
                  (c, q, r) ->
                      ClientCalls.asyncServerStreamingCall(c.newCall(descriptor, options), q, r));
          case CLIENT_STREAMING ->
              (c, q, r) -> ClientCalls.asyncClientStreamingCall(c.newCall(descriptor, options), r);
          case BIDI_STREAMING, UNKNOWN ->
              (c, q, r) -> ClientCalls.asyncBidiStreamingCall(c.newCall(descriptor, options), r);
        };
    return new Method<>(descriptor, start);
  }

  String name() {
    return descriptor.getFullMethodName();
  }

  boolean hasManyRequests() {
    return !descriptor.getType().clientSendsOneMessage();
  }

  boolean hasManyReplies() {
    return !descriptor.getType().serverSendsOneMessage();
  }

  Q parse(byte[] request) throws UnsupportedRequestException {
    try {
      return descriptor.parseRequest(new ByteArrayInputStream(request));
    } catch (StatusRuntimeException e) {
      throw new UnsupportedRequestException("the stub cannot parse a request", e);
    }
  }

  byte[] serialize(R reply) {
    return Bytes.read(descriptor.streamResponse(reply));
  }
}
