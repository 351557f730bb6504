package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// minPingInterval is grpc-go's own limit: https://pkg.go.dev/google.golang.org/grpc/keepalive#ClientParameters
const minPingInterval = 10 * time.Second

// pool has the channels that the next request with the same connections uses again.
type pool map[string][]*grpc.ClientConn

// perform makes all calls of a request at the same time.
func (p pool) perform(r *request) ([]callOutcome, error) {
	key, err := json.Marshal(r.connections)
	if err != nil {
		return nil, err
	}
	channels, isOpen := p[string(key)]
	if !isOpen {
		if channels, err = r.open(); err != nil {
			return nil, err
		}
	}
	p[string(key)] = channels
	if !r.KeepChannels {
		defer p.close(string(key))
	}
	prepared := make([]*preparedCall, len(r.Calls))
	for i := range r.Calls {
		if prepared[i], err = prepare(&r.Calls[i], channels[i%len(channels)]); err != nil {
			return nil, unsupported("calls[%d]: %v", i, err)
		}
	}
	outcomes := make([]callOutcome, len(prepared))
	var running sync.WaitGroup
	for i, call := range prepared {
		running.Go(func() { outcomes[i] = call.run() })
	}
	running.Wait()
	return outcomes, nil
}

func (p pool) close(key string) {
	for _, channel := range p[key] {
		// The only error is that the channel is closed already.
		_ = channel.Close()
	}
	delete(p, key)
}

func (c *connections) open() ([]*grpc.ClientConn, error) {
	if c.Channels < 1 {
		return nil, unsupported("channels is %d", c.Channels)
	}
	options, err := c.options()
	if err != nil {
		return nil, err
	}
	channels := make([]*grpc.ClientConn, c.Channels)
	for i := range channels {
		if channels[i], err = grpc.NewClient(c.Address, options...); err != nil {
			return nil, unsupported("address %s: %v", c.Address, err)
		}
	}
	return channels, nil
}

func (c *connections) options() ([]grpc.DialOption, error) {
	// The server is on this machine: a proxy in the environment must not be used.
	options := []grpc.DialOption{grpc.WithNoProxy()}
	if c.Keepalive != nil {
		interval := time.Duration(c.Keepalive.IntervalMS) * time.Millisecond
		if interval < minPingInterval {
			return nil, unsupported("grpc-go sends keepalive pings every %v at most, not every %v", minPingInterval, interval)
		}
		timeout := time.Duration(c.Keepalive.TimeoutMS) * time.Millisecond
		options = append(options, grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: interval, Timeout: timeout}))
	}
	if c.TLS == nil {
		return append(options, grpc.WithTransportCredentials(insecure.NewCredentials())), nil
	}
	config, err := c.TLS.config()
	if err != nil {
		return nil, unsupported("tls: %v", err)
	}
	return append(options, grpc.WithTransportCredentials(credentials.NewTLS(config))), nil
}

func (f *tlsFiles) config() (*tls.Config, error) {
	pem, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, err
	}
	// grpc-go uses the name as :authority, too.
	config := &tls.Config{ServerName: f.Name, RootCAs: x509.NewCertPool()}
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, unsupported("%s contains no certificate", f.CA)
	}
	if f.Certificate == "" && f.Key == "" {
		return config, nil
	}
	pair, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	config.Certificates = []tls.Certificate{pair}
	return config, err
}
