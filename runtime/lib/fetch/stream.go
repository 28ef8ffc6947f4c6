package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// block is how much of a file is sent, and of a response read, at once.
const block = 64 << 10

// streamable returns an error if v is nothing that makes a body.
func streamable(v starlark.Value) error {
	if _, ok := v.(io.Reader); ok {
		return nil
	}
	if _, ok := v.(starlark.Mapping); ok {
		return fmt.Errorf("for parameter body: got %s: pass it as json or as form", v.Type())
	}
	switch v := v.(type) {
	case starlark.Iterable:
		return nil
	case starlark.HasAttrs:
		if read, err := v.Attr("read"); err == nil && read != nil {
			return nil
		}
	}
	return fmt.Errorf("for parameter body: got %s, want a string, bytes, an iterable or a file", v.Type())
}

// A blocks is a body that is made as it is sent. Its next runs a script: it belongs to the call.
type blocks struct {
	next   func() (string, bool, error)
	done   func()
	length int64 // -1 if it is not known
}

// blocksOf returns the blocks of what is [streamable].
func blocksOf(t *starlark.Thread, v starlark.Value) *blocks {
	b := &blocks{done: func() {}, length: -1}
	if r, ok := v.(host.Remainder); ok {
		if n, known := r.Remaining(); known {
			b.length = n
		}
	}
	_, file := v.(io.Reader)
	if all, ok := v.(starlark.Iterable); ok && !file {
		steps := host.Each(all, nil)
		b.done = steps.Done
		b.next = func() (string, bool, error) {
			x, ok, err := steps.Next()
			if !ok || err != nil {
				return "", false, err
			}
			text, ok := host.Octets(x)
			if !ok {
				return "", false, fmt.Errorf("a block of the body is %s: want a string or bytes", x.Type())
			}
			return text, true, nil
		}
		return b
	}
	r := host.Reader(t, v)
	buffer := make([]byte, block)
	b.next = func() (string, bool, error) {
		for range 100 {
			n, err := r.Read(buffer)
			switch {
			case n > 0:
				return string(buffer[:n]), true, nil
			case err == io.EOF:
				return "", false, nil
			case err != nil:
				return "", false, err
			}
		}
		return "", false, io.ErrNoProgress
	}
	return b
}

// A feed is the body of a request as the transport reads it, which does so on a goroutine of its own:
// the call gives it block by block.
type feed struct {
	blocks chan string
	closed chan struct{}   // nobody reads any more
	over   <-chan struct{} // the flight is
	once   sync.Once
	rest   string
}

func newFeed(over <-chan struct{}) *feed {
	return &feed{blocks: make(chan string), closed: make(chan struct{}), over: over}
}

// Read waits for the next block. It is the transport's.
func (f *feed) Read(p []byte) (int, error) {
	for f.rest == "" {
		select {
		case text, ok := <-f.blocks:
			if !ok {
				return 0, io.EOF
			}
			f.rest = text
		case <-f.closed:
			return 0, io.ErrClosedPipe
		case <-f.over: // the transport waits for this Read before it ends with its context
			return 0, context.Canceled
		}
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// Close has what is read end. It may be called from any goroutine, more than once.
func (f *feed) Close() error {
	f.once.Do(func() { close(f.closed) })
	return nil
}

// result is what came of a request that is sent on another goroutine.
type result struct {
	res  *http.Response
	done []host.Work
	err  error
}

// A feeder is a flight whose first request has the feed as its body.
type feeder struct {
	*flight
	length int64
	fed    bool
}

func (f *feeder) send(q *http.Request, to target) (*http.Response, error) {
	if !f.fed {
		q.Body, q.ContentLength, f.fed = f.feed, f.length, true
	}
	return f.flight.send(q, to)
}

// upload sends r, whose body is made by a script, on the call of t: the transport has a goroutine of
// its own meanwhile. A server that refuses before it has all gets no more of it.
func (f *flight) upload(t *starlark.Thread, r *request) (*http.Response, error) {
	b := blocksOf(t, r.stream)
	defer b.done()
	f.feed = newFeed(f.ctx.Done())
	ended := make(chan result, 1)
	go func() {
		var got result
		got.res, got.done, got.err = follow(f.ctx, r, &feeder{flight: f, length: b.length})
		ended <- got
	}()
	err := f.pump(t, b, ended)
	if err != nil {
		f.cancel(err)
	}
	var got *result
	waited := f.wait(t, func() error {
		first := <-ended // which comes: the flight has an end
		got = &first
		return got.err
	})
	if got == nil { // the call ended before the wait began
		f.cancel(waited)
		first := <-ended
		got = &first
	}
	f.done = got.done
	if err == nil {
		err = waited
	}
	if err != nil && got.res != nil {
		_ = got.res.Body.Close()
	}
	return got.res, err
}

// pump gives the blocks to the transport, until there are no more or nobody wants any.
func (f *flight) pump(t *starlark.Thread, b *blocks, ended chan result) error {
	for {
		text, ok, err := b.next()
		if err != nil {
			return err
		}
		if !ok {
			close(f.feed.blocks) // what was not sent whole does not end as if it were
			return nil
		}
		more := true
		err = f.wait(t, func() (err error) {
			more, err = f.give(text, ended)
			return err
		})
		if err != nil || !more {
			return err
		}
	}
}

// give passes a block on, and reports whether more are wanted. It blocks.
func (f *flight) give(text string, ended chan result) (more bool, err error) {
	if text == "" {
		return true, nil
	}
	come := ended
	for {
		select {
		case f.feed.blocks <- text:
			return true, nil
		case <-f.feed.closed:
			return false, nil
		case <-f.ctx.Done():
			return false, context.Cause(f.ctx)
		case got := <-come:
			ended <- got // for upload
			if got.err != nil || got.res.StatusCode >= http.StatusBadRequest {
				return false, nil
			}
			come = nil // a server that answers while it reads gets the rest
		}
	}
}
