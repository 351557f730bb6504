// Command server is the server for tests. It prints its address when it accepts calls.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // serves gzip
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"interop-peer/internal/calculator"
	_ "interop-peer/internal/deflate" // serves deflate
	"interop-peer/internal/directives"
	"interop-peer/internal/rpc"
)

const unix = "unix:"

var (
	address       = flag.String("address", "127.0.0.1:0", "listen at `HOST:PORT or unix:PATH`; port 0 means any free port")
	certificate   = flag.String("tls-certificate", "", "serve over TLS with the certificate chain in this `file`")
	key           = flag.String("tls-key", "", "the private key of the certificate is in this `file`")
	clientCA      = flag.String("tls-client-ca", "", "require a client certificate that the CA in this `file` has signed")
	age           = flag.Float64("max-connection-age", 0, "end each connection with GOAWAY after this number of `seconds`")
	testBehaviour = flag.Bool("test-behaviour", false, "follow test directives in the metadata of calls")
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("server: ")
	flag.Parse()
	if err := serve(); err != nil {
		log.Fatal(err)
	}
}

func serve() error {
	options, err := serverOptions()
	if err != nil {
		return err
	}
	server := grpc.NewServer(options...)
	rpc.RegisterCalculatorServer(server, calculator.Calculator{})
	rpc.RegisterStreamingCalculatorServer(server, calculator.StreamingCalculator{})
	healthServer := health.NewServer()
	for name := range server.GetServiceInfo() {
		healthServer.SetServingStatus(name, healthpb.HealthCheckResponse_SERVING)
	}
	healthpb.RegisterHealthServer(server, healthServer)
	registerReflection(server)

	listener, err := listen(*address)
	if err != nil {
		return err
	}
	bound := listener.Addr().String()
	if strings.HasPrefix(*address, unix) {
		bound = *address
	}
	fmt.Println("Listening on", bound)
	return server.Serve(listener)
}

func serverOptions() ([]grpc.ServerOption, error) {
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(codec{encoding.GetCodecV2(proto.Name)}),
		// By default grpc-go closes a connection that pings more than once in five minutes.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 100 * time.Millisecond, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: time.Duration(*age * float64(time.Second))}),
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error {
			return status.Error(codes.Unimplemented, "Method not found!")
		}),
	}
	if *testBehaviour {
		options = append(options, directives.ServerOptions()...)
	}
	if *certificate == "" && *key == "" && *clientCA == "" {
		return options, nil
	}
	config, err := tlsConfig()
	return append(options, grpc.Creds(credentials.NewTLS(config))), err
}

func tlsConfig() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(*certificate, *key)
	if err != nil {
		return nil, fmt.Errorf("-tls-certificate %s, -tls-key %s: %w", *certificate, *key, err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	if *clientCA == "" {
		return config, nil
	}
	pem, err := os.ReadFile(*clientCA)
	if err != nil {
		return nil, fmt.Errorf("-tls-client-ca: %w", err)
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("-tls-client-ca %s contains no certificate", *clientCA)
	}
	return config, nil
}

func listen(address string) (net.Listener, error) {
	path, isUnix := strings.CutPrefix(address, unix)
	if !isUnix {
		return net.Listen("tcp", address)
	}
	if err := removeStaleSocket(path); err != nil {
		return nil, err
	}
	return net.Listen("unix", path)
}

// removeStaleSocket removes a socket file that a killed server has left.
func removeStaleSocket(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&fs.ModeSocket == 0 {
		return nil // net.Listen reports what is wrong with the path.
	}
	connection, err := net.Dial("unix", path)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return os.Remove(path)
	}
	if err == nil {
		err = connection.Close()
	}
	return err // If another server listens there, net.Listen reports that the address is in use.
}
