package server

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/answer"
	"go.starlark.net/starlark"
)

// send sends the body that the application returned.
func (r *response) send(t *starlark.Thread, body starlark.Value) error {
	r.listen(body)
	switch body := body.(type) {
	case *environ.FileWrapper:
		return r.file(body)
	case *starlark.List:
		return r.blocks(body)
	case starlark.Tuple:
		return r.blocks(body)
	case starlark.Iterable:
		return r.iterate(body)
	case host.Answer:
		return answer.NotCalled(body, r.status != 0)
	case starlark.Callable:
		return r.stream(t, body)
	}
	return answer.NotBody(body)
}

// blocks sends a list or tuple. All of it exists, so it goes out as one, with its length (PEP 3333,
// "Handling the Content-Length Header"), and a wrong item is found before anything is sent.
func (r *response) blocks(body starlark.Indexable) error {
	n := body.Len()
	total, first, err := answer.Blocks(body)
	if err != nil {
		return err
	}
	if r.status != 0 && !r.sent && r.length < 0 && (total > 0 || !r.bodiless()) && !r.trails() {
		// RFC 9110, section 8.6: to HEAD, a length is that of GET or none at all.
		r.length = total
	}
	r.atOnce = true
	if n == 1 {
		return r.block(first, false)
	}
	for i := range n {
		s, _ := host.Octets(body.Index(i))
		if err := r.block(s, false); err != nil {
			return err
		}
	}
	return nil
}

// iterate sends each block before it asks for the next. A body that knows its length to be one is
// given its Content-Length.
func (r *response) iterate(body starlark.Iterable) error {
	if r.status != 0 && r.bodiless() && r.r.Method == http.MethodHead {
		return nil // nothing of it would be sent
	}
	r.duplex = true
	one := starlark.Len(body) == 1
	iter := body.Iterate()
	defer iter.Done()
	var v starlark.Value
	for i := 0; iter.Next(&v); i++ {
		s, ok := host.Octets(v)
		if !ok {
			return answer.NotBlock(v, "block "+strconv.Itoa(i)+" of the body")
		}
		if one && r.status != 0 && !r.sent && r.length < 0 && !r.trails() {
			r.length = int64(len(s))
		}
		if err := r.block(s, !one); err != nil {
			return err
		}
		if r.cut || r.sent && r.bodiless() {
			return nil // PEP 3333: stop iterating
		}
	}
	return host.IterError(iter)
}

// file sends a file wrapper's file, up to the declared length.
func (r *response) file(w *environ.FileWrapper) error {
	if r.status == 0 {
		return r.commit() // the error
	}
	if n, ok := w.Remaining(); ok && r.length < 0 && !r.sent {
		r.length = n
	}
	if r.bodiless() {
		return r.commit()
	}
	src := w.Reader()
	_, exists := src.(*host.File)
	if !exists {
		r.duplex = true
	}
	if f, ok := src.(io.WriterTo); ok && !r.sent {
		if n, known := w.Remaining(); known && n == r.length {
			return r.sendFile(f)
		}
	}
	buf := make([]byte, 32<<10)
	for r.length < 0 || r.written < r.length {
		p := buf
		if left := r.length - r.written; r.length >= 0 && left < int64(len(p)) {
			p = p[:left]
		}
		n, err := src.Read(p)
		if n > 0 {
			if err := r.block(string(p[:n]), r.length < 0 || !exists); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read file: %w", err)
		}
	}
	return nil
}

// sendFile lets f write itself, by sendfile where net/http can.
func (r *response) sendFile(f io.WriterTo) error {
	if err := r.commit(); err != nil {
		return err
	}
	r.rest() // nothing of the script has to run any more
	return r.wait(r.deadlines.call.Context(), "", func() error {
		n, err := f.WriteTo(deadlineWriter{r})
		r.written += n
		if err != nil {
			return errGone
		}
		return nil
	})
}

// A deadlineWriter writes to the client, which makes progress with each piece.
type deadlineWriter struct{ r *response }

func (d deadlineWriter) Write(p []byte) (int, error) {
	d.r.sending()
	n, err := d.r.w.Write(p)
	d.r.progress()
	return n, err
}

// maxSent is how many bytes of a file a client has the write timeout for.
const maxSent = 1 << 20

// ReadFrom hands a file to the http.ResponseWriter in pieces, so that each may take its time.
func (d deadlineWriter) ReadFrom(src io.Reader) (total int64, err error) {
	to, ok := d.r.w.(io.ReaderFrom)
	if !ok {
		return io.Copy(struct{ io.Writer }{d}, src)
	}
	// One io.LimitedReader over a file is what the kernel sends; not one over another.
	limited, ok := src.(*io.LimitedReader)
	if !ok {
		limited = &io.LimitedReader{R: src, N: math.MaxInt64}
	}
	for err == nil {
		d.r.sending()
		piece := io.LimitedReader{R: limited.R, N: min(limited.N, maxSent)}
		var n int64
		n, err = to.ReadFrom(&piece)
		total += n
		limited.N -= n
		d.r.progress()
		if n < maxSent {
			break
		}
	}
	return total, err
}
