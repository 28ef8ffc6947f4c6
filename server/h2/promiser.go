package h2

import (
	"errors"
	"net/http"
	"strings"
	"sync"
)

// A Promiser makes promises: a server tells the client of a page about a request
// that the client has not made yet, and answers it. RFC 9113, section 8.4.
//
// Every http.ResponseWriter of a [Server] is one. A handler that is called through
// middleware finds it by the Unwrap methods, as [http.ResponseController] does. A
// package that makes promises can declare the same methods in an interface of its
// own, and need not import this one.
//
// The methods may be called concurrently, and after the handler has returned.
//
// To promise a request that the server's handler answers, use the Push method of
// [http.Pusher], which every http.ResponseWriter of a Server implements too.
type Promiser interface {
	// Promises reports whether a promise can be made on this response now, and how
	// many more the client and the server allow. It is false if the request is
	// itself promised or neither GET nor HEAD, if the response has ended, and if
	// the client accepts no promises, which it may change at any time.
	Promises() (n int, ok bool)

	// Promise promises the request r, and answers it with status 200, header and
	// body. It reads r.Method (GET or HEAD; empty means GET), r.RequestURI (a path
	// with or without a query, on the origin of the page) and r.Header. The caller
	// must not change any of the arguments afterwards.
	//
	// The PUSH_PROMISE precedes everything that is sent for the page afterwards, so
	// that the client sees it before what refers to it. Promise does not wait for
	// the answer to be sent. Its body yields to that of the page, unless the
	// promise is critical; then it is sent before the page.
	//
	// If Promise returns an error, no promise was made; one that wraps
	// [http.ErrNotSupported] means that the client accepts none. Otherwise settled,
	// if it is not nil, is called when the outcome is known: with nil when the
	// answer has been sent; with a [ResetError] that has Remote set when the client
	// has refused it (REFUSED_STREAM: it has taken nothing; CANCEL: it has no use
	// for it, because the resource is in its cache, say); or with the error that
	// ended the connection. A client may reset the stream after the answer was sent
	// whole; then settled is called a second time. It is called with the connection
	// locked: it must not block, and must not use the connection.
	Promise(
		r *http.Request, header http.Header, body []byte, critical bool, settled func(error),
	) error

	// Session holds what others know about the connection, and lives as long as it.
	Session() *sync.Map
}

var (
	_ Promiser    = (*response)(nil)
	_ http.Pusher = (*response)(nil)
	//lint:ignore SA1019 there are frameworks that ask for it
	_ http.CloseNotifier = (*response)(nil)
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
func (w *response) Promise(
	r *http.Request, header http.Header, body []byte, critical bool, settled func(error),
) error {
	p := promise{critical: critical, settled: settled, answer: &answer{header, body}}
	return w.st.makePromise(r, p)
}

// Push promises a request that the server's handler answers. Its error is
// [http.ErrNotSupported] where the client accepts no promises.
func (w *response) Push(target string, o *http.PushOptions) error {
	if o == nil {
		o = new(http.PushOptions)
	}
	if rest, ok := w.ownOrigin(target); ok {
		target = rest
	}
	r := &http.Request{Method: o.Method, RequestURI: target, Header: o.Header}
	err := w.st.makePromise(r, promise{})
	if errors.Is(err, http.ErrNotSupported) {
		return http.ErrNotSupported // callers may compare
	}
	return err
}

// ownOrigin cuts the origin of the page from a URL.
func (w *response) ownOrigin(target string) (rest string, ok bool) {
	scheme := "http://"
	if w.st.c.tls != nil {
		scheme = "https://"
	}
	rest, ok = strings.CutPrefix(target, scheme+w.st.req.host)
	if ok && rest == "" {
		rest = "/"
	}
	return rest, ok
}

// Session holds what others know about the connection.
func (w *response) Session() *sync.Map { return &w.st.c.session }
