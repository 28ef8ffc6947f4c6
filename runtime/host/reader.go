package host

import (
	"io"

	"go.starlark.net/starlark"
)

// Octets returns the bytes of v, a string or bytes, and whether it is one of these.
func Octets(v starlark.Value) (string, bool) {
	switch v := v.(type) {
	case starlark.Bytes:
		return string(v), true
	case starlark.String:
		return string(v), true
	}
	return "", false
}

// Reader returns a reader of a file-like value: the value itself if it is an io.Reader, else one
// that calls its read method on t. The errors of the latter are the script's, or a
// [NotFileError].
func Reader(t *starlark.Thread, v starlark.Value) io.Reader {
	if r, ok := v.(io.Reader); ok {
		return r
	}
	return &scriptReader{thread: t, file: v}
}

// A NotFileError is the error of reading from a value that is no file.
type NotFileError struct{ msg string }

func (e *NotFileError) Error() string { return e.msg }

// A scriptReader reads from a value whose read is a function of a script.
type scriptReader struct {
	thread *starlark.Thread
	file   starlark.Value
	rest   string
	ended  bool
}

func (r *scriptReader) Read(p []byte) (int, error) {
	if r.rest == "" && !r.ended && len(p) > 0 {
		if err := r.fill(len(p)); err != nil {
			return 0, err
		}
	}
	if r.rest == "" && r.ended {
		return 0, io.EOF
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// fill calls read(n).
func (r *scriptReader) fill(n int) error {
	var read starlark.Value
	if f, ok := r.file.(starlark.HasAttrs); ok {
		var err error
		if read, err = f.Attr("read"); err != nil {
			return err
		}
	}
	if read == nil {
		return &NotFileError{r.file.Type() + " has no read method"}
	}
	v, err := starlark.Call(r.thread, read, starlark.Tuple{starlark.MakeInt(n)}, nil)
	if err != nil {
		return err
	}
	block, ok := Octets(v)
	if !ok {
		return &NotFileError{"read() returned " + v.Type() + ", not bytes"}
	}
	r.rest, r.ended = block, block == ""
	return nil
}
