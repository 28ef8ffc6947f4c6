// Package gzip is the host module @gzip: RFC 1952, whole texts at a time. What is decompressed is
// bounded: a megabyte that a client sends can stand for a gigabyte.
package gzip

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// maxSize is how many bytes decompress returns at most if nothing else is said.
const maxSize = 32 << 20

// block is how much is done between two looks at the context of the call.
const block = 64 << 10

// Module describes @gzip.
func Module() *host.Module {
	return &host.Module{
		Name:    "gzip",
		Doc:     "Compresses and decompresses as gzip does.",
		Members: []host.Member{compressMember(), decompressMember()},
		Whole:   true,
	}
}

func compressMember() host.Member {
	return host.Member{
		Name: "compress",
		Doc: "Compresses bytes. The same bytes give the same result: no time and no name stand " +
			"in it.",
		Params: []host.Param{
			{Name: "data", Doc: "bytes, or a string, whose UTF-8 is meant"},
			{
				Name:    "compresslevel",
				Doc:     "from 1, which is fast, to 9, which is small; 0 does not compress",
				Default: starlark.MakeInt(9),
			},
		},
		Result:  "bytes",
		Errors:  []host.Failure{{When: "compresslevel is not from 0 to 9"}},
		Example: `decompress(compress("hello, hello, hello"))  # b"hello, hello, hello"`,
		Pure:    true,
		Fn:      compress,
	}
}

func compress(ctx context.Context, data []byte, level int) ([]byte, error) {
	if level < gzip.NoCompression || level > gzip.BestCompression {
		return nil, fmt.Errorf("compresslevel is %d, not from 0 to 9", level)
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(data, block) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if _, err := w.Write(part); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func decompressMember() host.Member {
	return host.Member{
		Name: "decompress",
		Doc: "Returns what was compressed, by whatever wrote gzip; several texts in a row are " +
			"one.",
		Params: []host.Param{
			{Name: "data", Doc: "bytes", Type: "bytes"},
			{
				Name: "max_size", Doc: "how many bytes the result may have, 128 MiB at most",
				Default: starlark.MakeInt(maxSize),
			},
		},
		Result: "bytes",
		Errors: []host.Failure{
			{When: "data is no gzip, or a part of it, or its checksum is wrong"},
			{When: "the result would be longer than max_size"},
		},
		Example: `decompress(compress(b"\x00" * 1000), max_size = 10)  # ` +
			`error: decompress: it stands for more than max_size, 10 bytes
decompress("hello")  # error: decompress: it is not gzip`,
		Pure: true,
		Fn:   decompress,
	}
}

func decompress(ctx context.Context, data []byte, most int) ([]byte, error) {
	if most < 0 || most > host.MaxSize {
		return nil, fmt.Errorf("max_size is %d, not from 0 to %d", most, host.MaxSize)
	}
	if len(data) == 0 {
		return nil, nil // no text at all, as in Python
	}
	if !bytes.HasPrefix(data, []byte("\x1f\x8b")) {
		return nil, fault(gzip.ErrHeader)
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fault(err)
	}
	var b bytes.Buffer
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		_, err := io.CopyN(&b, r, int64(min(block, most-b.Len()+1)))
		switch {
		case b.Len() > most:
			return nil, fmt.Errorf("it stands for more than max_size, %d bytes", most)
		case err == io.EOF:
			return b.Bytes(), nil
		case err != nil:
			return nil, fault(err)
		}
	}
}

// fault says what is wrong with a gzip text.
func fault(err error) error {
	switch {
	case errors.Is(err, gzip.ErrHeader):
		return errors.New("it is not gzip")
	case errors.Is(err, gzip.ErrChecksum):
		return errors.New("its checksum is wrong")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends too early")
	}
	return err // flate: corrupt input before offset N
}
