// Command agent is a client that the interop tool controls. It reads requests as lines of JSON from stdin, makes their
// calls, and writes their outcomes to stdout.
//
// It reports outcomes and does not judge them. One agent makes the calls of many tests, and ends with stdin.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("agent: ")
	versions := flag.Bool("versions", false, "print the versions of Go and of the libraries, and exit")
	flag.Parse()
	run := answerRequests
	if *versions {
		run = printVersions
	}
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func answerRequests() error {
	stdin, stdout := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	pool := make(pool)
	for {
		request, err := readRequest(stdin)
		if errors.Is(err, io.EOF) {
			return nil
		}
		var result outcome
		if err == nil {
			result.Calls, err = pool.perform(request)
		}
		if reason, ok := errors.AsType[notSupported](err); ok {
			result.NotSupported = string(reason)
		} else if err != nil {
			return err
		}
		if err := result.write(stdout); err != nil {
			return err
		}
	}
}

func printVersions() error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("this program was built without information about its modules")
	}
	names := map[string]string{"google.golang.org/grpc": "grpc-go", "google.golang.org/protobuf": "protobuf-go"}
	for _, module := range info.Deps {
		if name, ok := names[module.Path]; ok {
			fmt.Println(name, strings.TrimPrefix(module.Version, "v"))
		}
	}
	fmt.Println("go", strings.TrimPrefix(runtime.Version(), "go"))
	return nil
}
