package compress

import (
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// An encoder makes a coding of what is written to it.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(io.Writer)
}

// A coder is an encoder that is used once, and then waits to be used again.
type coder struct {
	encoder
	pool *sync.Pool
}

// free has it wait. It must not be used any more.
func (c *coder) free() {
	c.Reset(nil)
	c.pool.Put(c.encoder)
}

// The encoders that wait, by coding.
var pools = map[string]*sync.Pool{
	"gzip": {New: func() any {
		w, _ := gzip.NewWriterLevel(nil, gzipLevel) // there is such a level
		return w
	}},
	"br": {New: func() any {
		return brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: brotliQuality, LGWin: 18})
	}},
	"zstd": {New: func() any {
		w, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(zstdWindow)) // these are right
		return w
	}},
}

// How much work and memory goes into it. A response is made once for each client that asks, so what counts
// is the time of processors for a byte that is saved.
const (
	gzipLevel     = 5
	brotliQuality = 4
	zstdWindow    = 256 << 10 // RFC 9659: no more than 8 MiB
)

func newEncoder(coding string, to io.Writer) *coder {
	pool := pools[coding]
	e := pool.Get().(encoder)
	e.Reset(to)
	return &coder{e, pool}
}
