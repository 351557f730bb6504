package directives

import (
	"context"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// observations has a channel for each name: a call may ask for a report before the observed call has begun. The
// channels are kept forever, which is acceptable for a test server.
type observations struct {
	reports sync.Map
}

func (o *observations) named(name string) chan metadata.MD {
	reports, _ := o.reports.LoadOrStore(name, make(chan metadata.MD, 1))
	return reports.(chan metadata.MD)
}

// begin observes the call; the returned function reports that its method has returned.
func (o *observations) begin(ctx context.Context, name string) func() {
	deadline, hasDeadline := ctx.Deadline()
	left := time.Until(deadline)
	return func() {
		report := metadata.Pairs("x-interop-observed-end", "completed")
		if ctx.Err() != nil {
			report.Set("x-interop-observed-end", "cancelled")
		}
		if hasDeadline {
			report.Set("x-interop-observed-deadline-ms", strconv.FormatInt(left.Milliseconds(), 10))
		}
		select {
		case o.named(name) <- report:
		default: // Another call of this name has not been asked for.
		}
	}
}

// wait returns the report about the call of this name, which it waits for.
func (o *observations) wait(ctx context.Context, name string) (metadata.MD, error) {
	select {
	case report := <-o.named(name):
		return report, nil
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
}
