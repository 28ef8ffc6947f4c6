package files

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func readMembers() []host.Member {
	most := host.Param{
		Name: "max_size", Default: starlark.MakeInt(maxRead),
		Doc: "how many bytes it may have, 128 MiB at most",
	}
	large := host.Failure{
		When: "it has more than max_size bytes (kind size): blocks reads it in pieces",
	}
	return []host.Member{
		{
			Name: "read",
			Doc: "Reads a file as text, whole. What of it is no UTF-8 stays in the string as it is. " +
				"A file has 10 MiB at most, unless max_size says otherwise.",
			Params: []host.Param{pathParam("of the file"), most}, Result: "a string",
			Errors: []host.Failure{absent, large},
			Example: `files.read("a.txt")  # "hello"
files.read("none")  # error: "none" of the directory "notes" is not there`,
			Fn: func(d *Directory, t *starlark.Thread, name string, most int64) (starlark.String, error) {
				data, err := d.read(t, name, most)
				return starlark.String(data), err
			},
		},
		{
			Name: "read_bytes", Doc: "Reads a file whole, as read does, as bytes.",
			Params: []host.Param{pathParam("of the file"), most}, Result: "bytes",
			Errors:  []host.Failure{absent, large},
			Example: `files.read_bytes("a.txt")  # b"hello"`,
			Fn: func(d *Directory, t *starlark.Thread, name string, most int64) (starlark.Bytes, error) {
				data, err := d.read(t, name, most)
				return starlark.Bytes(data), err
			},
		},
		{
			Name: "blocks",
			Doc: "Gives a file in pieces, as they are asked for, however large it is: the body of a " +
				"response, or what is hashed. It belongs to the request, and has a close.",
			Params: []host.Param{pathParam("of the file"), {
				Name: "size", Doc: "how many bytes a block has, from 1 to 16 MiB",
				Default: starlark.MakeInt(blockSize),
			}},
			Result: "an iterable of bytes", Errors: []host.Failure{absent},
			Example: `list(files.blocks("a.txt", size = 3))  # [b"hel", b"lo"]`,
			Fn:      (*Directory).blocks,
		},
		{
			Name: "open",
			Doc: "Opens a file to be read, until it is closed or the request ends. A response of it " +
				"answers conditions and ranges: file(files.open(path)) of @response.",
			Params:  []host.Param{pathParam("of the file")},
			Result:  "an open file: read, readline, readlines, iteration, seek, tell, close, name, size",
			Errors:  []host.Failure{absent},
			Example: `files.open("a.txt").read(4)  # b"hell"`,
			Fn:      (*Directory).openFile,
		},
	}
}

// piece is how much is read or written between two looks at the context.
const piece = 256 << 10

// read returns what stands in a file.
func (s *store) read(t *starlark.Thread, name string, most int64) (data []byte, err error) {
	if most < 0 || most > host.MaxSize {
		return nil, &failure{kind: "size", text: "max_size is a number of bytes, 128 MiB at most"}
	}
	system, err := localFile(name)
	if err != nil {
		return nil, err
	}
	err = s.look(t, "read", name, "bytes", func(ctx context.Context, r *os.Root) (int64, error) {
		f, info, err := openRegular(r, system)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		large := s.failed("size", name, nil,
			"has more than %d bytes, which may be read at once; read it by blocks()", most)
		if info.Size() > most {
			return 0, large
		}
		data = make([]byte, 0, info.Size()+1) // one more, to see the end
		for {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			if len(data) == cap(data) {
				data = append(data, 0)[:len(data)]
			}
			n, err := f.Read(data[len(data):min(len(data)+piece, cap(data))])
			data = data[:len(data)+n]
			switch {
			case int64(len(data)) > most: // it grows
				return 0, large
			case err == io.EOF:
				return int64(len(data)), nil
			case err != nil:
				return 0, err
			}
		}
	})
	return data, err
}

// open opens a file for the call of t.
func (s *store) openFor(t *starlark.Thread, op, name string) (f *os.File, size int64, err error) {
	system, err := localFile(name)
	if err != nil {
		return nil, 0, err
	}
	err = s.look(t, op, name, "bytes", func(_ context.Context, r *os.Root) (int64, error) {
		opened, info, err := openRegular(r, system)
		if err != nil {
			return 0, err
		}
		f, size = opened, info.Size()
		return size, nil
	})
	return f, size, err
}

// openFile is open(path).
func (d *Directory) openFile(t *starlark.Thread, name string) (*host.File, error) {
	f, size, err := d.openFor(t, "open", name)
	if err != nil {
		return nil, err
	}
	file := host.NewFile(f, name, size)
	file.Own(t)
	file.Fail = host.CallOf(t).Fail
	return file, nil
}

// blocks is blocks(path, size).
func (d *Directory) blocks(t *starlark.Thread, name string, size int) (starlark.Value, error) {
	if size < 1 || size > maxBlock {
		return nil, &failure{kind: "size", text: "size is a number of bytes from 1 to 16 MiB"}
	}
	// What is not there is said where it is asked for, before a response has begun.
	f, _, err := d.openFor(t, "blocks", name)
	if err != nil {
		return nil, err
	}
	forget := host.CallOf(t).OnEnd(func() { f.Close() })
	done := func() { f.Close(); forget() }
	b := &host.Iterable{Object: "blocks", Thread: t}
	b.OnClose = starlark.NewBuiltin("close", func(
		*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple,
	) (starlark.Value, error) {
		done()
		return starlark.None, nil
	})
	b.Start = func() host.Steps {
		return host.Steps{Done: done, Next: func() (starlark.Value, bool, error) {
			block, err := d.block(t, f, name, size)
			return starlark.Bytes(block), block != "" && err == nil, err
		}}
	}
	return b.Sized(-1), nil
}

// block reads the next block of a file, which is the last one if it is not full; "" at the end.
func (s *store) block(t *starlark.Thread, f *os.File, name string, size int) (string, error) {
	began := time.Now()
	buf := make([]byte, size)
	n := 0
	err := host.CallOf(t).Wait(func(ctx context.Context) (err error) {
		for n < size && err == nil {
			if err = ctx.Err(); err != nil {
				return err
			}
			var m int
			m, err = f.Read(buf[n:min(n+piece, size)])
			n += m
		}
		if err == io.EOF {
			return nil
		}
		return err
	})
	if err != nil {
		err = s.fault(name, err)
		s.observe(t, "blocks", name, began, int64(n), "bytes", err)
		return "", err
	}
	return string(buf[:n]), nil
}
