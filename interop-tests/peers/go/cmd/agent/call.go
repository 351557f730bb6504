package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	codepb "google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"interop-peer/internal/rpc"
)

// transportFields are fields that grpc-go shows with the metadata, and other clients do not.
var transportFields = []string{"content-type", "grpc-accept-encoding"}

// preparedCall is a call that the agent can make.
type preparedCall struct {
	*call
	method   method
	script   []step
	requests []any // the messages that the script sends
	metadata metadata.MD
}

// prepare reads the whole call before it begins, so that a mistake in it is not reported as its outcome.
func prepare(c *call, channel grpc.ClientConnInterface) (*preparedCall, error) {
	p := &preparedCall{call: c, script: c.Script, metadata: metadata.MD{}}
	stub, hasStub := stubMethods(channel)[c.Method]
	kind, hasKind := kinds[c.Kind]
	switch {
	case c.Value != nil:
		bits, err := strconv.ParseUint(*c.Value, 16, 32)
		if err != nil || c.Method != rpc.Calculator_SquareRoot_FullMethodName {
			return nil, fmt.Errorf("value %s of %s", *c.Value, c.Method)
		}
		number := protowire.AppendFixed32(protowire.AppendTag(nil, 1, protowire.Fixed32Type), uint32(bits))
		p.method, p.script = stub, []step{{Send: &message{content: number}}}
	case c.Message != nil:
		p.method, p.script = bytesUnary[rpc.Number](channel, c.Method), []step{{Send: c.Message}}
	case !hasKind:
		return nil, fmt.Errorf("kind %q", c.Kind)
	case !c.Stub:
		p.method = bytesMethod(channel, c.Method, kind)
	case !hasStub || stub.kind != kind:
		return nil, fmt.Errorf("no stub has a method %s of the kind %s", c.Method, c.Kind)
	default:
		p.method = stub
	}
	if !slices.Contains([]string{"", "gzip", "deflate"}, c.Compression) {
		return nil, fmt.Errorf("compression %s", c.Compression)
	}
	for _, pair := range c.Metadata {
		key, value := pair[0], pair[1]
		if strings.HasSuffix(key, "-bin") {
			binary, err := hex.DecodeString(value)
			if err != nil {
				return nil, fmt.Errorf("metadata %s: %w", key, err)
			}
			value = string(binary)
		}
		p.metadata.Append(key, value)
	}
	return p, p.readScript()
}

func (p *preparedCall) readScript() error {
	for i, step := range p.script {
		if step.Send == nil {
			continue
		}
		request, err := p.method.parse(step.Send.content)
		if err != nil {
			return fmt.Errorf("script[%d]: %w", i, err)
		}
		p.requests = append(p.requests, request)
	}
	if !p.method.manyRequests && (len(p.requests) != 1 || p.script[0].Send == nil) {
		return errors.New("the script does not begin with its only request")
	}
	return nil
}

// run makes the call and waits for its end.
func (p *preparedCall) run() callOutcome {
	started := time.Now()
	ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(context.Background(), p.metadata))
	defer cancel()
	if p.TimeoutMS != nil {
		ctx, cancel = context.WithDeadline(ctx, started.Add(milliseconds(*p.TimeoutMS)))
		defer cancel()
	}
	options := []grpc.CallOption{grpc.WaitForReady(p.WaitForReady)}
	if p.Compression != "" {
		options = append(options, grpc.UseCompressor(p.Compression))
	}
	requests := p.requests
	var request any
	if !p.method.manyRequests {
		request, requests = p.requests[0], nil
	}
	var replies []message
	var initial, trailing metadata.MD
	active, err := p.method.begin(ctx, request, options...)
	if err == nil {
		replies, err = follow(p.script, p.method.kind, active, requests, cancel)
		// A call without initial metadata has an error here, too, which is its status.
		initial, _ = active.Header()
		trailing = active.Trailer()
	}
	elapsed := time.Since(started)
	ended := status.Convert(err)
	result := callOutcome{
		Status:           codepb.Code(ended.Code()).String(),
		Message:          messageOf(ended, ctx.Err()),
		Details:          readDetails(trailing),
		InitialMetadata:  received(initial),
		TrailingMetadata: received(trailing),
		ElapsedMS:        float64(elapsed) / float64(time.Millisecond),
	}
	if p.Script != nil {
		result.Replies = append([]message{}, replies...)
	} else {
		result.Value = value(replies)
	}
	return result
}

// follow runs the script, and returns the replies and the status of the call.
func follow(script []step, k kind, active exchange, requests []any, cancel context.CancelFunc) (replies []message, end error) {
	// It has room for all requests, so that no step waits for the network.
	queue := make(chan any, len(requests))
	halfClose := sync.OnceFunc(func() { close(queue) })
	defer halfClose()
	go sendAll(active, queue)

	receive := func(most int) {
		for ; most > 0 && end == nil; most-- {
			var reply []byte
			if reply, end = active.receive(); end == nil {
				replies = append(replies, message{content: reply})
			}
		}
	}
	all := 1
	if k.manyReplies {
		all = math.MaxInt
	}
	for _, step := range script {
		switch {
		case step.Send != nil && k.manyRequests:
			queue <- requests[0]
			requests = requests[1:]
		case step.Receive != nil:
			receive(*step.Receive)
		case step.PauseMS != nil:
			time.Sleep(milliseconds(*step.PauseMS))
		case step.HalfClose:
			halfClose()
		case step.Cancel:
			cancel()
			reported := replies
			receive(all)
			return reported, withoutEOF(end)
		}
	}
	halfClose()
	receive(all)
	return replies, withoutEOF(end)
}

// messageOf returns the message of a status without the place where the call waited when its deadline passed. Which place
// that was depends on how busy the machine is.
func messageOf(ended *status.Status, deadline error) string {
	if deadline != nil && strings.HasPrefix(ended.Message(), deadline.Error()) {
		return deadline.Error()
	}
	return ended.Message()
}

// sendAll sends the requests in the queue; those of a call that has ended are lost.
func sendAll(active exchange, queue <-chan any) {
	for request := range queue {
		if active.SendMsg(request) != nil {
			return
		}
	}
	// If this fails, the call has ended, and its status is received.
	_ = active.CloseSend()
}

// withoutEOF returns nil for the end of a stream of replies, which is the status OK.
func withoutEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func value(replies []message) *string {
	var number rpc.Number
	if len(replies) != 1 || proto.Unmarshal(replies[0].content, &number) != nil {
		return nil
	}
	bits := fmt.Sprintf("%08x", math.Float32bits(number.GetValue()))
	return &bits
}

func received(md metadata.MD) []metadatum {
	pairs := []metadatum{}
	for key, values := range md {
		if slices.Contains(transportFields, key) {
			continue
		}
		for _, value := range values {
			if strings.HasSuffix(key, "-bin") {
				value = hex.EncodeToString([]byte(value))
			}
			pairs = append(pairs, metadatum{key, value})
		}
	}
	return pairs
}

func readDetails(trailing metadata.MD) *details {
	var written statuspb.Status
	values := trailing.Get("grpc-status-details-bin")
	if len(values) == 0 || proto.Unmarshal([]byte(values[0]), &written) != nil {
		return nil
	}
	read := &details{Code: written.GetCode(), Message: written.GetMessage(), Violations: [][2]string{}}
	for _, detail := range status.FromProto(&written).Details() {
		if invalid, ok := detail.(*errdetails.BadRequest); ok {
			for _, violation := range invalid.GetFieldViolations() {
				read.Violations = append(read.Violations, [2]string{violation.GetField(), violation.GetDescription()})
			}
		}
	}
	return read
}

func milliseconds(count float64) time.Duration {
	return time.Duration(count * float64(time.Millisecond))
}
