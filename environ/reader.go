package environ

import (
	"bufio"
	"bytes"
	"io"

	"go.starlark.net/starlark"
)

// A source is what the reading methods of a script's file-like value read from.
type source interface {
	starlark.Value
	// lines returns the buffered reader, or why there is none (any more).
	lines() (*bufio.Reader, error)
	// broken makes what a read failed with into the error that the script gets, now and at every later read.
	broken(error) error
}

// The methods that PEP 3333 ("Input and Error Streams") asks of a stream that is read. Each
// blocks until it has what it returns or the stream has ended; at the end it returns b"".
var reading = map[string]*starlark.Builtin{
	"read":      starlark.NewBuiltin("read", readMethod),
	"readline":  starlark.NewBuiltin("readline", readlineMethod),
	"readlines": starlark.NewBuiltin("readlines", readlinesMethod),
}

// size unpacks the one optional argument of a reading method: None and negative mean no bound.
func size(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (int, error) {
	var v starlark.Value = starlark.None
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "size?", &v); err != nil {
		return 0, Errorf(CodeInputUse, "", "%v", err)
	}
	if v == starlark.None {
		return -1, nil
	}
	n, err := starlark.AsInt32(v)
	if err != nil {
		return 0, Errorf(CodeInputUse, "pass a number of bytes, or nothing for all", "%s: size is a %s: %v", b.Name(), v.Type(), err)
	}
	return n, nil
}

// read(size = -1) returns the next size bytes, fewer only at the end; all that is left if size is negative.
func readMethod(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	n, err := size(b, args, kwargs)
	if err != nil {
		return nil, err
	}
	s := b.Receiver().(source)
	r, err := s.lines()
	if err != nil {
		return nil, err
	}
	if n < 0 {
		p, err := io.ReadAll(r)
		if err != nil {
			return nil, s.broken(err)
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
			return nil, s.broken(err)
		}
	}
	return starlark.Bytes(p), nil
}

// readline(size = -1) returns the next line with its newline, cut at size bytes.
func readlineMethod(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	n, err := size(b, args, kwargs)
	if err != nil {
		return nil, err
	}
	s := b.Receiver().(source)
	line, err := readLine(s, n)
	if err != nil {
		return nil, err
	}
	return starlark.Bytes(line), nil
}

// readlines(hint = -1) returns a list of the lines that are left, or of those that begin in the next hint bytes.
func readlinesMethod(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	hint, err := size(b, args, kwargs)
	if err != nil {
		return nil, err
	}
	s := b.Receiver().(source)
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
func readLine(s source, n int) (string, error) {
	r, err := s.lines()
	if err != nil || n == 0 {
		return "", err
	}
	var line []byte
	for {
		if _, err := r.Peek(1); err == io.EOF {
			return string(line), nil
		} else if err != nil {
			return "", s.broken(err)
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

// Fail ends the call that t runs with err, for code that cannot return an error to the interpreter: the Next of an
// iterator, which a script's for loop would take for the end. On a thread of no call it does nothing.
func Fail(t *starlark.Thread, err error) {
	if call, ok := t.Local("larkspur").(interface{ Fail(error) }); ok {
		call.Fail(err)
	}
}

// A lineIterator gives the lines of a source. A failure ends it early and stands in Err; fail,
// if there is one, is told, because a script's for loop cannot ask.
type lineIterator struct {
	s    source
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
