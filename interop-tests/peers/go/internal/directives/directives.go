// Package directives makes a server follow the test directives in the metadata of its calls.
//
// Interceptors follow them, so that the services contain only what a server of a user contains.
package directives

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// directives are what the metadata of one call requests.
type directives struct {
	initial, trailing metadata.MD
	delay             time.Duration
	status            *status.Status // follows a method that ends with OK
	endAfter          uint64         // how many messages of a stream the method receives
	compression       string
	observe, observed string
}

// parse returns an error for an invalid directive, so that a test with a typing error does not pass.
func parse(md metadata.MD) (*directives, error) {
	d := &directives{endAfter: math.MaxUint64}
	var code, milliseconds uint64
	var message string
	for key, values := range md {
		value := values[0]
		var err error
		switch key {
		case "x-grpc-test-echo-initial":
			d.initial = metadata.MD{key: values}
		case "x-grpc-test-echo-trailing-bin":
			d.trailing = metadata.MD{key: values}
		case "x-interop-delay-ms":
			milliseconds, err = strconv.ParseUint(value, 10, 32)
		case "x-interop-status":
			if code, err = strconv.ParseUint(value, 10, 8); code > uint64(codes.Unauthenticated) {
				err = errors.New("no status has this code")
			}
		case "x-interop-message-bin":
			if message = value; !utf8.ValidString(value) {
				err = errors.New("it is not UTF-8")
			}
		case "x-interop-end-after":
			d.endAfter, err = strconv.ParseUint(value, 10, 64)
		case "x-interop-compression":
			if d.compression = value; !slices.Contains([]string{"gzip", "deflate", "identity"}, value) {
				err = errors.New("it is not gzip, deflate or identity")
			}
		case "x-interop-observe":
			d.observe = value
		case "x-interop-observed":
			d.observed = value
		default:
			if strings.HasPrefix(key, "x-interop-") {
				err = errors.New("there is no such directive")
			}
		}
		if err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "the metadata %s is invalid: %v", key, err)
		}
	}
	d.delay = time.Duration(milliseconds) * time.Millisecond
	d.status = status.New(codes.Code(code), message)
	return d, nil
}
