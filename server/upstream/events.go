package upstream

import (
	"io"
	"net/http"
	"sync/atomic"

	"github.com/larkspur-web/larkspur/server"
)

// An eventStream is the body of a stream of server-sent events, which ends with the server that its
// client is connected to: what has come of it is good, and the client comes again.
type eventStream struct {
	io.ReadCloser
	ended atomic.Bool
	stop  func()
}

// endless has a response end with the front's server, if it has no end of its own. It is
// [httputil.ReverseProxy.ModifyResponse].
func endless(res *http.Response) error {
	if !server.EventSource(res.Request, res.Header["Content-Type"]) || res.Body == nil {
		return nil
	}
	e := &eventStream{ReadCloser: res.Body}
	e.stop = server.OnEnding(res.Request, func() {
		e.ended.Store(true)
		e.ReadCloser.Close() // which ends a Read
	})
	res.Body = e
	return nil
}

// Read is io.Reader's.
func (e *eventStream) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	if err != nil && e.ended.Load() {
		err = io.EOF
	}
	return n, err
}

// Close is io.Closer's.
func (e *eventStream) Close() error {
	e.stop()
	return e.ReadCloser.Close()
}
