// Package calculator implements the services of calculator.proto and streaming_calculator.proto.
//
// Numbers and error messages are those of the tutorial's server in Python, because a client must not notice which
// language it calls.
package calculator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"interop-peer/internal/rpc"
)

const (
	maxCount        = 10_000_000
	maxResponseSize = 16_777_216
)

// Calculator implements calculator.proto.
type Calculator struct {
	rpc.UnimplementedCalculatorServer
}

// SquareRoot returns the root of the request's value.
func (Calculator) SquareRoot(_ context.Context, request *rpc.Number) (*rpc.Number, error) {
	root, err := squareRoot(request.GetValue())
	if err != nil {
		return nil, status.Errorf(codes.Unknown, "Exception calling application: %v", err)
	}
	return &rpc.Number{Value: root}, nil
}

// StreamingCalculator implements streaming_calculator.proto.
type StreamingCalculator struct {
	rpc.UnimplementedStreamingCalculatorServer
}

// RepeatedRoots sends root after root, at the requested interval.
func (StreamingCalculator) RepeatedRoots(request *rpc.RepeatedRootsRequest, stream grpc.ServerStreamingServer[rpc.Number]) error {
	if err := check("count", request.GetCount(), maxCount); err != nil {
		return err
	}
	if err := check("interval_ms", request.GetIntervalMs(), math.MaxInt32); err != nil {
		return err
	}
	interval := time.Duration(request.GetIntervalMs()) * time.Millisecond
	value := request.GetStart().GetValue()
	for i := range request.GetCount() {
		if i > 0 && interval > 0 {
			if err := Wait(stream.Context(), interval); err != nil {
				return err
			}
		}
		var err error
		if value, err = sendRoot(stream, value); err != nil {
			return err
		}
	}
	return nil
}

// RootMeanSquare returns the root mean square of all requests.
func (StreamingCalculator) RootMeanSquare(stream grpc.ClientStreamingServer[rpc.Number, rpc.Number]) error {
	var mean meanSquare
	for {
		request, err := stream.Recv()
		switch {
		case err == nil:
			mean.add(request.GetValue())
		case !errors.Is(err, io.EOF):
			return err
		case mean.count == 0:
			return status.Error(codes.InvalidArgument, "the stream has no number")
		default:
			return stream.SendAndClose(&rpc.Number{Value: mean.root()})
		}
	}
}

// RootOfEach sends the root of each request.
func (StreamingCalculator) RootOfEach(stream grpc.BidiStreamingServer[rpc.Number, rpc.Number]) error {
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := sendRoot(stream, request.GetValue()); err != nil {
			return err
		}
	}
}

// Exchange returns a payload of the requested size.
func (StreamingCalculator) Exchange(_ context.Context, request *rpc.ExchangeRequest) (*rpc.Payload, error) {
	if err := check("response_size", request.GetResponseSize(), maxResponseSize); err != nil {
		return nil, err
	}
	return &rpc.Payload{Payload: make([]byte, request.GetResponseSize())}, nil
}

// Wait returns after the duration, or with the status of the call when the call has ended.
func Wait(ctx context.Context, duration time.Duration) error {
	select {
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-time.After(duration):
		return nil
	}
}

func sendRoot(stream interface{ Send(*rpc.Number) error }, value float32) (float32, error) {
	root, err := squareRoot(value)
	if err != nil {
		return 0, status.Errorf(codes.Unknown, "Exception iterating responses: %v", err)
	}
	return root, stream.Send(&rpc.Number{Value: root})
}

func check(field string, value, maximum int32) error {
	var description string
	switch {
	case value < 0:
		description = fmt.Sprintf("is negative: %d", value)
	case value > maximum:
		description = fmt.Sprintf("is more than %d: %d", maximum, value)
	default:
		return nil
	}
	violation := &errdetails.BadRequest_FieldViolation{Field: field, Description: description}
	invalid, err := status.Newf(codes.InvalidArgument, "%s %s", field, description).
		WithDetails(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{violation}})
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	return invalid.Err()
}
