package hop

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
)

// ending is the trailer of a request whose body the front has not got whole, of which it does not
// know the length: the application is to find out by reading, and may answer.
const ending = "Larkspur-Body"

// The values of ending.
const (
	tooLarge = "too-large"
	tooSlow  = "too-slow"
	broken   = "broken"
)

// Announce has r, which goes to a backend, have a trailer, whose values are set when its body has been
// read to the end.
func Announce(r *http.Request, name string) {
	if r.Trailer == nil {
		r.Trailer = make(http.Header)
	}
	r.Trailer[name] = nil
}

// AnnounceBreak has r have the trailer that [Break] sets. It is for a body whose length is not known.
func AnnounceBreak(r *http.Request) { Announce(r, ending) }

// Break says in the trailer of r why its body ends where it does.
func Break(r *http.Request, err error) {
	var large *http.MaxBytesError
	why := broken
	switch {
	case errors.As(err, &large):
		why = tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		why = tooSlow
	}
	r.Trailer[ending] = []string{why}
}

// A received body is one that may have been broken off at the front.
type received struct {
	io.ReadCloser
	trailer http.Header // with that of the hop
	client  http.Header // without
	read    int64
}

// receive takes the trailer of the hop out of a request, if it has one.
func receive(m *http.Request) {
	if _, ok := m.Trailer[ending]; !ok {
		return
	}
	b := &received{ReadCloser: m.Body, trailer: m.Trailer}
	if len(m.Trailer) > 1 {
		b.client = maps.Clone(m.Trailer)
		delete(b.client, ending)
	}
	m.Body, m.Trailer = b, b.client
}

// Read is io.Reader's.
func (b *received) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if err != io.EOF {
		return n, err
	}
	for name := range b.client {
		b.client[name] = b.trailer[name]
	}
	if len(b.trailer[ending]) == 0 {
		return n, io.EOF
	}
	switch b.trailer[ending][0] {
	case tooLarge:
		return n, &http.MaxBytesError{Limit: b.read}
	case tooSlow:
		return n, os.ErrDeadlineExceeded
	}
	return n, io.ErrUnexpectedEOF
}
