package main

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // sends gzip
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"

	_ "interop-peer/internal/deflate" // sends deflate
	"interop-peer/internal/rpc"
)

// kind is a kind of RPC.
type kind struct {
	manyRequests, manyReplies bool
}

var kinds = map[string]kind{
	"unary":            {},
	"client-streaming": {manyRequests: true},
	"server-streaming": {manyReplies: true},
	"bidirectional":    {manyRequests: true, manyReplies: true},
}

// method is a method with its own types of messages, which are *[]byte if it is called without a generated stub.
type method struct {
	kind
	// parse returns a request; the error is why these bytes are none.
	parse func([]byte) (any, error)
	// begin starts a call; a kind with one request sends it.
	begin func(ctx context.Context, request any, options ...grpc.CallOption) (exchange, error)
}

// exchange is a call that has begun.
type exchange interface {
	SendMsg(request any) error
	CloseSend() error
	receive() ([]byte, error)
	Header() (metadata.MD, error)
	Trailer() metadata.MD
}

// stubMethods returns the methods of the generated stubs.
func stubMethods(channel grpc.ClientConnInterface) map[string]method {
	calculator, streaming := rpc.NewCalculatorClient(channel), rpc.NewStreamingCalculatorClient(channel)
	return map[string]method{
		rpc.Calculator_SquareRoot_FullMethodName:              unary(calculator.SquareRoot),
		rpc.StreamingCalculator_RepeatedRoots_FullMethodName:  serverStreaming(streaming.RepeatedRoots),
		rpc.StreamingCalculator_RootMeanSquare_FullMethodName: clientStreaming(streaming.RootMeanSquare),
		rpc.StreamingCalculator_RootOfEach_FullMethodName:     bidirectional(streaming.RootOfEach),
		rpc.StreamingCalculator_Exchange_FullMethodName:       unary(streaming.Exchange),
	}
}

func unary[Q, R any](call func(context.Context, *Q, ...grpc.CallOption) (*R, error)) method {
	return method{kinds["unary"], parse[Q], func(ctx context.Context, request any, options ...grpc.CallOption) (exchange, error) {
		u := &unaryCall{ended: make(chan struct{})}
		options = append(options, grpc.Header(&u.initial), grpc.Trailer(&u.trailing))
		go func() {
			defer close(u.ended)
			reply, err := call(ctx, request.(*Q), options...)
			if u.err = err; err == nil {
				u.reply, u.err = serialize(reply)
			}
		}()
		return u, nil
	}}
}

func serverStreaming[Q, R any](call func(context.Context, *Q, ...grpc.CallOption) (grpc.ServerStreamingClient[R], error)) method {
	return method{kinds["server-streaming"], parse[Q], func(ctx context.Context, request any, options ...grpc.CallOption) (exchange, error) {
		stream, err := call(ctx, request.(*Q), options...)
		return streamingCall[R]{stream}, err
	}}
}

func clientStreaming[Q, R any](call func(context.Context, ...grpc.CallOption) (grpc.ClientStreamingClient[Q, R], error)) method {
	return method{kinds["client-streaming"], parse[Q], func(ctx context.Context, _ any, options ...grpc.CallOption) (exchange, error) {
		stream, err := call(ctx, options...)
		return streamingCall[R]{stream}, err
	}}
}

func bidirectional[Q, R any](call func(context.Context, ...grpc.CallOption) (grpc.BidiStreamingClient[Q, R], error)) method {
	return method{kinds["bidirectional"], parse[Q], func(ctx context.Context, _ any, options ...grpc.CallOption) (exchange, error) {
		stream, err := call(ctx, options...)
		return streamingCall[R]{stream}, err
	}}
}

// bytesMethod returns a method of any kind without a stub.
func bytesMethod(channel grpc.ClientConnInterface, path string, k kind) method {
	if k == kinds["unary"] {
		return bytesUnary[[]byte](channel, path)
	}
	description := &grpc.StreamDesc{ClientStreams: k.manyRequests, ServerStreams: k.manyReplies}
	return method{k, parse[[]byte], func(ctx context.Context, request any, options ...grpc.CallOption) (exchange, error) {
		stream, err := channel.NewStream(ctx, description, path, append(options, grpc.ForceCodecV2(bytesCodec{}))...)
		if err != nil || k.manyRequests {
			return streamingCall[[]byte]{stream}, err
		}
		return streamingCall[[]byte]{stream}, errors.Join(stream.SendMsg(request), stream.CloseSend())
	}}
}

// bytesUnary returns a unary method without a stub whose replies have the type R.
func bytesUnary[R any](channel grpc.ClientConnInterface, path string) method {
	return unary(func(ctx context.Context, request *[]byte, options ...grpc.CallOption) (*R, error) {
		reply := new(R)
		return reply, channel.Invoke(ctx, path, request, reply, append(options, grpc.ForceCodecV2(bytesCodec{}))...)
	})
}

// streamingCall does what the generated streams do, which embed a grpc.ClientStream, too.
type streamingCall[R any] struct {
	grpc.ClientStream
}

func (c streamingCall[R]) receive() ([]byte, error) {
	reply := new(R)
	if err := c.RecvMsg(reply); err != nil {
		return nil, err
	}
	return serialize(reply)
}

// unaryCall runs in a goroutine of its own, so that its script can pause and cancel it.
type unaryCall struct {
	ended             chan struct{}
	reply             []byte
	err               error
	initial, trailing metadata.MD
}

func (*unaryCall) SendMsg(any) error { return nil }

func (*unaryCall) CloseSend() error { return nil }

func (u *unaryCall) receive() ([]byte, error) {
	<-u.ended
	return u.reply, u.err
}

func (u *unaryCall) Header() (metadata.MD, error) { return u.initial, nil }

func (u *unaryCall) Trailer() metadata.MD { return u.trailing }

func parse[T any](data []byte) (any, error) {
	message := new(T)
	return message, bytesCodec{}.Unmarshal(mem.BufferSlice{mem.SliceBuffer(data)}, message)
}

func serialize(message any) ([]byte, error) {
	data, err := bytesCodec{}.Marshal(message)
	if err != nil {
		return nil, err
	}
	defer data.Free()
	return data.Materialize(), nil
}

// bytesCodec leaves *[]byte as it is. Without a name, the content type is the one that a stub sends.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "" }

func (bytesCodec) Marshal(message any) (mem.BufferSlice, error) {
	if data, ok := message.(*[]byte); ok {
		return mem.BufferSlice{mem.SliceBuffer(*data)}, nil
	}
	return encoding.GetCodecV2(proto.Name).Marshal(message)
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, message any) error {
	if bytes, ok := message.(*[]byte); ok {
		*bytes = data.Materialize()
		return nil
	}
	return encoding.GetCodecV2(proto.Name).Unmarshal(data, message)
}
