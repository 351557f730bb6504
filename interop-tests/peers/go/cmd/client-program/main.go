// Command client-program is the tutorial's client: it asks localhost:50051 for the root of 16.
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"strconv"
	"strings"

	codepb "google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"interop-peer/internal/rpc"
)

func main() {
	log.SetFlags(0)
	channel, err := grpc.NewClient("localhost:50051", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatalf("client-program: %v", err)
	}
	response, err := rpc.NewCalculatorClient(channel).SquareRoot(context.Background(), &rpc.Number{Value: 16})
	if err != nil {
		ended := status.Convert(err)
		// The last lines of the traceback of the tutorial's client.
		fmt.Fprintf(os.Stderr, "RPC that terminated with:\n\tstatus = StatusCode.%s\n\tdetails = \"%s\"\n>\n",
			codepb.Code(ended.Code()), ended.Message())
		os.Exit(1)
	}
	fmt.Println(pythonFloat(float64(response.GetValue())))
}

// pythonFloat returns the number as Python prints it.
func pythonFloat(x float64) string {
	format := byte('f')
	if magnitude := math.Abs(x); magnitude >= 1e16 || magnitude > 0 && magnitude < 1e-4 {
		format = 'e'
	}
	text := strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(x, format, -1, 64), "+"))
	if strings.ContainsAny(text, ".en") {
		return text
	}
	return text + ".0"
}
