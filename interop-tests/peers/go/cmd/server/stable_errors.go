package main

import (
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/reflection"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionpbalpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// The errors of protobuf-go contain a space that differs from build to build, so that no program relies on their texts:
// https://github.com/protocolbuffers/protobuf-go/blob/master/internal/errors/errors.go. Clients receive these instead.
var (
	errMalformed = errors.New("malformed protobuf")
	errNotFound  = errors.New("not found")
)

// codec reads and writes the messages of the services.
type codec struct {
	encoding.CodecV2
}

func (c codec) Unmarshal(data mem.BufferSlice, message any) error {
	if c.CodecV2.Unmarshal(data, message) != nil {
		return errMalformed
	}
	return nil
}

// resolver looks up descriptors for reflection.
type resolver struct {
	*protoregistry.Files
}

func (r resolver) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	file, err := r.Files.FindFileByPath(path)
	return file, stable(err)
}

func (r resolver) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	descriptor, err := r.Files.FindDescriptorByName(name)
	return descriptor, stable(err)
}

func stable(err error) error {
	if errors.Is(err, protoregistry.NotFound) {
		return errNotFound
	}
	return err
}

func registerReflection(server *grpc.Server) {
	options := reflection.ServerOptions{Services: server, DescriptorResolver: resolver{protoregistry.GlobalFiles}}
	reflectionpb.RegisterServerReflectionServer(server, reflection.NewServerV1(options))
	reflectionpbalpha.RegisterServerReflectionServer(server, reflection.NewServer(options))
}
