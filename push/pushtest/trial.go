package pushtest

import (
	"net/http"
	"sync"

	"github.com/larkspur-web/larkspur/push"
)

// A Trial is an http.ResponseWriter that takes promises and hints, and keeps what it gets: with it
// one finds out what a handler would push, without a connection. The zero value is ready for one
// request. Its exported fields are for after the handler has returned.
type Trial struct {
	// Refuses is that of a client that takes no promises.
	Refuses bool

	Status   int           // of the final response; 200 if the handler did not say
	Fields   http.Header   // of the final response
	Body     int64         // bytes of it
	Hints    []http.Header // of 103s
	Promised []*http.Request

	mu      sync.Mutex
	header  http.Header
	session sync.Map
}

var _ push.Promiser = (*Trial)(nil)

// Header returns the fields of the response.
func (t *Trial) Header() http.Header {
	if t.header == nil {
		t.header = make(http.Header)
	}
	return t.header
}

// WriteHeader keeps the fields of a response, or of a 103.
func (t *Trial) WriteHeader(status int) {
	switch {
	case t.Status != 0:
	case status == http.StatusEarlyHints:
		t.Hints = append(t.Hints, t.Header().Clone())
	case status >= 200:
		t.Status, t.Fields = status, t.Header().Clone()
	}
}

// Write counts bytes of the body.
func (t *Trial) Write(b []byte) (int, error) {
	t.WriteHeader(http.StatusOK)
	t.Body += int64(len(b))
	return len(b), nil
}

// Flush does nothing.
func (t *Trial) Flush() {}

// Promises is that of a [push.Promiser] with room for all.
func (t *Trial) Promises() (n int, ok bool) { return 1 << 20, !t.Refuses }

// Promise is that of a [push.Promiser] whose client gets everything.
func (t *Trial) Promise(r *http.Request, _ http.Header, _ []byte, _ bool,
	settled func(error)) error {
	t.mu.Lock()
	t.Promised = append(t.Promised, r)
	t.mu.Unlock()
	settled(nil)
	return nil
}

// Session is that of a [push.Promiser].
func (t *Trial) Session() *sync.Map { return &t.session }
