// Package deflate registers gRPC's compression "deflate", which is zlib's format. grpc-go has only gzip.
package deflate

import (
	"compress/zlib"
	"io"

	"google.golang.org/grpc/encoding"
)

func init() {
	encoding.RegisterCompressor(compressor{})
}

type compressor struct{}

func (compressor) Name() string { return "deflate" }

func (compressor) Compress(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil }

func (compressor) Decompress(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }
