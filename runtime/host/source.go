package host

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"go.starlark.net/starlark"
)

// A Source is what the reading methods of a file-like value read from. The value itself is one,
// or has one: an input whose methods are not for everybody.
type Source interface {
	// Buffer returns the buffered reader, or why there is none (any more).
	Buffer() (*bufio.Reader, error)
	// Broken makes what a read failed with into the error that the script gets, now and at every
	// later read.
	Broken(err error) error
	// Misused makes the error of wrong arguments into the one that the script gets.
	Misused(err error) error
}

// A reading is one of the methods that PEP 3333 ("Input and Error Streams") asks of a stream that
// is read. Each blocks until it has what it returns or the stream has ended; at the end it
// returns b"".
type reading func(s Source, n int) (starlark.Value, error)

var readings = map[string]reading{"read": read, "readline": readline, "readlines": readlines}

// ReadMethod returns the method of v, one of read, readline and readlines, that reads from s; nil
// if name is none of these.
func ReadMethod(v starlark.Value, s Source, name string) starlark.Value {
	do := readings[name]
	if do == nil {
		return nil
	}
	return starlark.NewBuiltin(name, func(
		_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
	) (starlark.Value, error) {
		n, err := sizeArgument(b.Name(), args, kwargs)
		if err != nil {
			return nil, s.Misused(err)
		}
		return do(s, n)
	}).BindReceiver(v)
}

// sizeArgument unpacks the one optional argument of a reading method: None and negative mean no
// bound.
func sizeArgument(name string, args starlark.Tuple, kwargs []starlark.Tuple) (int, error) {
	var v starlark.Value = starlark.None
	if err := starlark.UnpackArgs(name, args, kwargs, "size?", &v); err != nil {
		return 0, err
	}
	if v == starlark.None {
		return -1, nil
	}
	n, err := starlark.AsInt32(v)
	if err != nil {
		return 0, fmt.Errorf(
			"%s: size is a %s: %v; pass a number of bytes, or nothing for all", name, v.Type(), err,
		)
	}
	return n, nil
}

// read(size = -1) returns the next size bytes, fewer only at the end; all that is left if size is
// negative.
func read(s Source, n int) (starlark.Value, error) {
	r, err := s.Buffer()
	if err != nil {
		return nil, err
	}
	if n < 0 {
		p, err := io.ReadAll(r)
		if err != nil {
			return nil, s.Broken(err)
		}
		return starlark.Bytes(p), nil
	}
	// What is asked for may be far more than there is: the buffer grows with what comes.
	p := make([]byte, 0, min(n, 64<<10))
	for len(p) < n {
		if len(p) == cap(p) {
			p = append(p, 0)[:len(p)]
		}
		m, err := r.Read(p[len(p):min(cap(p), n)])
		p = p[:len(p)+m]
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, s.Broken(err)
		}
	}
	return starlark.Bytes(p), nil
}

// readline(size = -1) returns the next line with its newline, cut at size bytes.
func readline(s Source, n int) (starlark.Value, error) {
	line, err := readLine(s, n)
	if err != nil {
		return nil, err
	}
	return starlark.Bytes(line), nil
}

// readlines(hint = -1) returns a list of the lines that are left, or of those that begin in the
// next hint bytes.
func readlines(s Source, hint int) (starlark.Value, error) {
	var list []starlark.Value
	for total := 0; hint <= 0 || total < hint; {
		line, err := readLine(s, -1)
		if err != nil {
			return nil, err
		}
		if line == "" {
			break
		}
		total += len(line)
		list = append(list, starlark.Bytes(line))
	}
	return starlark.NewList(list), nil
}

// readLine returns the next line of s with its newline, at most n bytes of it if n is not
// negative; "" at the end.
func readLine(s Source, n int) (string, error) {
	r, err := s.Buffer()
	if err != nil || n == 0 {
		return "", err
	}
	var line []byte
	for {
		if _, err := r.Peek(1); err == io.EOF {
			return string(line), nil
		} else if err != nil {
			return "", s.Broken(err)
		}
		p, _ := r.Peek(r.Buffered())
		end := bytes.IndexByte(p, '\n') + 1
		if end > 0 {
			p = p[:end]
		}
		if n > 0 && len(p) >= n-len(line) {
			p, end = p[:n-len(line)], n
		}
		line = append(line, p...)
		_, _ = r.Discard(len(p)) // it is buffered
		if end > 0 {
			return string(line), nil
		}
	}
}

// Lines returns an iterator over the lines that s still has. A failure ends it early and stands
// in Err; fail, if not nil, is told, because a for loop in a script cannot ask.
func Lines(s Source, fail func(error)) Iterator { return &lineIterator{s: s, fail: fail} }

type lineIterator struct {
	s    Source
	fail func(error)
	err  error
}

func (i *lineIterator) Next(p *starlark.Value) bool {
	if i.err != nil {
		return false
	}
	line, err := readLine(i.s, -1)
	if err != nil {
		i.err = err
		if i.fail != nil {
			i.fail(err)
		}
		return false
	}
	if line == "" {
		return false
	}
	*p = starlark.Bytes(line)
	return true
}

func (i *lineIterator) Done()      {}
func (i *lineIterator) Err() error { return i.err }
