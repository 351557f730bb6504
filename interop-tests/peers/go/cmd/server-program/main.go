// Command server-program is the tutorial's server: it serves Calculator on port 50051 until Ctrl-C.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"

	"google.golang.org/grpc"

	"interop-peer/internal/calculator"
	"interop-peer/internal/rpc"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("server-program: ")
	if err := serve(); err != nil {
		log.Fatal(err)
	}
}

func serve() error {
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	listener, err := net.Listen("tcp", ":50051")
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	rpc.RegisterCalculatorServer(server, calculator.Calculator{})
	context.AfterFunc(interrupted, server.Stop)
	fmt.Println("Starting server. Listening on port 50051.")
	return server.Serve(listener)
}
