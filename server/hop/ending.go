package hop

import (
	"errors"
	"io"
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

// Announce has r, which goes to a backend, have the trailer that [Break] sets. It is for a body whose
// length is not known.
func Announce(r *http.Request) { r.Trailer = http.Header{ending: nil} }

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
	trailer http.Header
	read    int64
}

// Read is io.Reader's.
func (b *received) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if err != io.EOF || len(b.trailer[ending]) == 0 {
		return n, err
	}
	switch b.trailer[ending][0] {
	case tooLarge:
		return n, &http.MaxBytesError{Limit: b.read}
	case tooSlow:
		return n, os.ErrDeadlineExceeded
	}
	return n, io.ErrUnexpectedEOF
}
