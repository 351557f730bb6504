package directives

import (
	"context"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"interop-peer/internal/calculator"
)

// ServerOptions returns the options of a server that follows test directives.
func ServerOptions() []grpc.ServerOption {
	i := new(interceptor)
	return []grpc.ServerOption{grpc.UnaryInterceptor(i.unary), grpc.StreamInterceptor(i.stream)}
}

type interceptor struct {
	observations observations
}

func (i *interceptor) unary(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (response any, err error) {
	err = i.follow(ctx, func(*directives) (err error) {
		response, err = handler(ctx, request)
		return err
	})
	return response, err
}

func (i *interceptor) stream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return i.follow(stream.Context(), func(d *directives) error {
		return handler(service, &directedStream{ServerStream: stream, info: info, directives: d})
	})
}

// follow runs a method with the directives in the metadata of its call.
func (i *interceptor) follow(ctx context.Context, method func(*directives) error) error {
	md, _ := metadata.FromIncomingContext(ctx)
	d, err := parse(md)
	if err != nil {
		return err
	}
	if d.observe != "" {
		defer i.observations.begin(ctx, d.observe)()
	}
	if err := i.prepare(ctx, d); err != nil {
		return err
	}
	if err := method(d); err != nil {
		return err
	}
	return d.status.Err()
}

// prepare follows the directives that come before the method.
func (i *interceptor) prepare(ctx context.Context, d *directives) error {
	if d.observed != "" {
		report, err := i.observations.wait(ctx, d.observed)
		if err != nil {
			return err
		}
		d.trailing = metadata.Join(d.trailing, report)
	}
	if d.compression != "" {
		if err := grpc.SetSendCompressor(ctx, d.compression); err != nil {
			return err
		}
	}
	if err := grpc.SetHeader(ctx, d.initial); err != nil {
		return err
	}
	if err := grpc.SetTrailer(ctx, d.trailing); err != nil {
		return err
	}
	return calculator.Wait(ctx, d.delay)
}

// directedStream is what a method sees of a call.
type directedStream struct {
	grpc.ServerStream
	info       *grpc.StreamServerInfo
	directives *directives
	received   uint64
}

// RecvMsg ends a stream of requests after the requested number of messages.
func (s *directedStream) RecvMsg(message any) error {
	if s.info.IsClientStream && s.received == s.directives.endAfter {
		return io.EOF
	}
	s.received++
	return s.ServerStream.RecvMsg(message)
}

// SendMsg drops a single response that the requested status replaces.
func (s *directedStream) SendMsg(message any) error {
	if !s.info.IsServerStream && s.directives.status.Code() != codes.OK {
		return nil
	}
	return s.ServerStream.SendMsg(message)
}
