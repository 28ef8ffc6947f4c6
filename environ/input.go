package environ

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// An Input is wsgi.input: the body of a request. It is an io.Reader for host code and a file-like
// value with read, readline, readlines and iteration for scripts.
//
// It ends by itself, at the end of the body. Once a read has failed, every later one fails in the
// same way, so that half a body is never taken for a whole one; and once the request is over, every
// read fails.
type Input struct {
	// Wait, if not nil, is called with each read of the body, and is to run it: the client may let it
	// wait. It is [host.Call.Wait] of the call that reads, or something around it.
	Wait func(read func(context.Context) error) error
	// Fail, if not nil, is told when an iteration fails, because a for loop in a script cannot ask.
	Fail func(error)

	host.Object
	body  io.Reader
	limit int64 // bytes that may still be read; negative for no bound
	max   int64
	buf   *bufio.Reader // made by the first method that a script calls
	err   error         // the failure that every later read repeats
	over  atomic.Bool   // a script may have kept it for another request's goroutine
	atEnd bool
}

// NewInput returns an input that reads from r, for middleware that puts another in the place of
// wsgi.input.
func NewInput(r io.Reader) *Input {
	i := new(Input)
	i.start(r, -1)
	return i
}

func (i *Input) start(body io.Reader, limit int64) {
	if body == nil { // of a request that no server has read
		body = http.NoBody
	}
	i.Object, i.body, i.limit, i.max = "wsgi.input", body, limit, limit
}

// AtEnd reports whether the body has been read to its end.
func (i *Input) AtEnd() bool { return i.atEnd }

func (i *Input) finish() { i.over.Store(true) }

// Read is io.Reader's. Its errors are io.EOF or an *Error.
func (i *Input) Read(p []byte) (int, error) {
	if err := i.ended(); err != nil {
		return 0, err
	}
	if i.buf != nil && i.buf.Buffered() > 0 {
		return i.buf.Read(p)
	}
	return (*body)(i).Read(p)
}

// ended returns the error of an input whose request is over.
func (i *Input) ended() error {
	if !i.over.Load() {
		return nil
	}
	return Errorf(
		CodeInputEnded, "read what you need during the request",
		"wsgi.input used after the request was over",
	)
}

// body is the Input below its buffer.
type body Input

func (b *body) Read(p []byte) (int, error) {
	i := (*Input)(b)
	if err := i.ended(); err != nil {
		return 0, err
	}
	if i.err != nil {
		return 0, i.err
	}
	if i.atEnd {
		return 0, io.EOF // net/http closes a body that was read to its end when the response begins
	}
	if i.body == nil {
		return 0, io.EOF
	}
	if i.limit < 0 || len(p) == 0 {
		n, err := i.receive(p)
		return n, i.broken(err)
	}
	// One byte more than the limit tells a body that fits from one that does not.
	if int64(len(p)) > i.limit+1 {
		p = p[:i.limit+1]
	}
	n, err := i.receive(p)
	if int64(n) > i.limit {
		n = int(i.limit)
		i.limit = 0
		tooLong := Errorf(CodeInputTooLong, "", "the request body has more than %d bytes", i.max)
		tooLong.Status = 413 // RFC 9110, section 15.5.14
		i.err = tooLong
		return n, i.err
	}
	i.limit -= int64(n)
	return n, i.broken(err)
}

func (i *Input) receive(p []byte) (n int, err error) {
	if i.Wait == nil {
		return i.body.Read(p)
	}
	waited := i.Wait(func(context.Context) error {
		n, err = i.body.Read(p)
		return nil
	})
	if waited != nil {
		err = waited
	}
	return n, err
}

// lines is the Input as what the reading methods of a script read from.
type lines Input

func (l *lines) Buffer() (*bufio.Reader, error) {
	i := (*Input)(l)
	if err := i.ended(); err != nil {
		return nil, err
	}
	if i.buf == nil {
		i.buf = bufio.NewReader((*body)(i))
	}
	return i.buf, nil
}

func (l *lines) Broken(err error) error { return (*Input)(l).broken(err) }

func (l *lines) Misused(err error) error { return Errorf(CodeInputUse, "", "%v", err) }

func (i *Input) broken(err error) error {
	i.atEnd = i.atEnd || err == io.EOF
	if err == nil || err == io.EOF {
		return err
	}
	if i.err != nil {
		return i.err
	}
	var own *Error
	if errors.As(err, &own) {
		i.err = own
		return own
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		e := Errorf(CodeInputTooLong, "", "the request body has more than %d bytes", large.Limit)
		e.Status = 413 // RFC 9110, section 15.5.14
		i.err = e
		return e
	}
	e := Errorf(CodeInputBroken, "", "the client's request body broke off before its end: %v", err)
	e.Status, e.Err = 400, err
	if errors.Is(err, os.ErrDeadlineExceeded) {
		e.Msg = "the client's request body did not come in time"
		e.Status = 408 // RFC 9110, section 15.5.9
		e.Err = nil    // it is a context.DeadlineExceeded too, which would be the application's
	}
	i.err = e
	return e
}

var (
	_ host.Source       = (*lines)(nil)
	_ io.Reader         = (*Input)(nil)
	_ starlark.Iterable = (*Input)(nil)
	_ starlark.HasAttrs = (*Input)(nil)
)

// Freeze ends it: one that a module made would be read for all requests at once.
func (i *Input) Freeze() { i.finish() }

// AttrNames returns the names of the methods.
func (i *Input) AttrNames() []string { return []string{"read", "readline", "readlines"} }

// Attr gives the methods of PEP 3333, "Input and Error Streams": an application must use no other,
// and must not close it.
func (i *Input) Attr(name string) (starlark.Value, error) {
	return host.ReadMethod(i, (*lines)(i), name), nil
}

// Iterate gives the lines that are left.
func (i *Input) Iterate() starlark.Iterator { return host.Lines((*lines)(i), i.Fail) }
