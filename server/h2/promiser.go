package h2

import (
	"errors"
	"net/http"
	"strings"
	"sync"
)

// A Promiser makes promises: it tells the client of a page of a request that the client has not made
// yet, and answers that. RFC 9113, section 8.4.
//
// Each http.ResponseWriter that a [Server] gives to its handler is one. A handler behind others finds it
// through their Unwrap methods, as [http.ResponseController] does. A package that only needs promises can
// declare the same methods itself, and so need not import this one.
//
// The methods may be called concurrently, also after the handler has returned.
//
// A promise that the server's handler is to answer, with whatever it will answer, is made by the Push
// of [http.Pusher], which each such http.ResponseWriter is as well.
type Promiser interface {
	// Promises reports whether the client accepts promises on this response now, and how many more of
	// them the client and the server allow. It is false for good if the request is itself promised, or
	// neither GET nor HEAD, and when the response has ended; it may change as long as the client
	// changes its SETTINGS.
	Promises() (n int, ok bool)

	// Promise promises the request r, which is for the origin of the page, and answers it with status
	// 200, header and body. Of r it reads Method (GET or HEAD; GET if empty), RequestURI (a path and
	// perhaps a query) and Header. Nothing of what it is given may be changed any more.
	//
	// The PUSH_PROMISE precedes all that is sent for the page afterwards, so that a client sees it
	// before what refers to it. The answer is not waited for. Its body gives way to the page's, unless
	// the promise is critical: then it goes before it.
	//
	// If Promise returns an error, no promise was made. Otherwise settled, if it is not nil, is called
	// once it is known what became of the promise: with nil when all has been sent; with a [ResetError]
	// whose Remote is set if the client did not want it (REFUSED_STREAM says that it took none of it,
	// CANCEL that it had no use for it, because it is in its cache, say); else with what ended the
	// connection. A promise so small that it was sent whole before its client could refuse it is
	// settled twice: with nil, and then with the client's reset. settled is called while the connection
	// is locked: it must not block, and not use the connection.
	Promise(r *http.Request, header http.Header, body []byte, critical bool, settled func(error)) error

	// Session is where others keep what they know of the connection. It lives as long as that.
	Session() *sync.Map
}

var (
	_ Promiser    = (*response)(nil)
	_ http.Pusher = (*response)(nil)
)

// Promises reports whether a promise can be made, as [Promiser] says.
func (w *response) Promises() (n int, ok bool) {
	c := w.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	switch w.st.promisable() {
	case nil:
		return c.promisesLeft(), true
	case errPushLimit:
		return 0, true
	}
	return 0, false
}

// Promise promises r with a prepared answer, as [Promiser] says.
func (w *response) Promise(r *http.Request, header http.Header, body []byte, critical bool, settled func(error)) error {
	return w.st.makePromise(r, promise{critical: critical, settled: settled, answer: &answer{header, body}})
}

// Push promises a request that the server's handler answers. Its error is [http.ErrNotSupported] where
// the client accepts no promises.
func (w *response) Push(target string, o *http.PushOptions) error {
	if o == nil {
		o = new(http.PushOptions)
	}
	if rest, ok := w.ownOrigin(target); ok {
		target = rest
	}
	r := &http.Request{Method: o.Method, RequestURI: target, Header: o.Header}
	err := w.st.makePromise(r, promise{})
	if errors.Is(err, errPushDisabled) {
		return http.ErrNotSupported
	}
	return err
}

// ownOrigin cuts the origin of the page from a URL.
func (w *response) ownOrigin(target string) (rest string, ok bool) {
	scheme := "http://"
	if w.st.c.tls != nil {
		scheme = "https://"
	}
	rest, ok = strings.CutPrefix(target, scheme+w.st.req.r.Host)
	if ok && rest == "" {
		rest = "/"
	}
	return rest, ok
}

// Session is where others keep what they know of the connection.
func (w *response) Session() *sync.Map { return &w.st.c.session }
