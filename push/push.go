// Package push decides which responses a client gets before it asks for them, and how it is told:
// by an HTTP/2 promise that carries the response, by a 103 (Early Hints) that names it, or by the
// Link field of the page alone.
//
// Chrome takes no promises since version 106 of 2022, Firefox since 132 of 2024: browsers use
// hints. Promises are for the other clients that allow them, programs and proxies. A client says in
// its SETTINGS which of the two it is, so that nothing has to be configured for either.
//
// # The model
//
// A [Handler] stands around any http.Handler and makes a [Plan] for each page. Resources come to
// the plan from four sources: an explicit call, a Link field of the final response, one of an early
// hint, and the [Map] of resources for the page. Each is a candidate, and each candidate gets
// exactly one [Verdict]:
//
//	promised   the client takes promises: PUSH_PROMISE goes out before what refers to it
//	hinted     it does not, or not this one, and the page has not begun: a 103 names it
//	linked     it does not, and the page begins: its Link field names it
//	skipped    neither, for a reason: nopush, anchor, foreign, self, diary, limit, budget, status,
//	           method, disabled, invalid, unverified, conditional, personal
//
// Whatever names the same resource twice, in a call, a 103 and the final response, is one
// candidate.
//
// What is promised is known. The handler runs the promised request first, inside the page's, into a
// buffer and within a deadline. Only a whole 200 that the client may keep, that sets no cookie, and
// that depends on nothing but what was copied from the page's request is promised, with that very
// answer; a handler that does not say so by Vary says it by [Depends]. A 404, a redirect or a login
// page never is.
//
// What the client has is not sent again. The diary of its connection knows what was sent, and in
// which state (ETag, Last-Modified, or a hash of the body); while that is fresh by its own
// Cache-Control nothing is run, otherwise the states are compared. A promise that the client
// refuses is forgotten, and a client that refuses more of them than it takes gets none for a while.
// A [Memory] does the same across connections, by a signed cookie, for those who want it.
//
// # Glossary
//
//   - promise: the frame PUSH_PROMISE with the request that the client need not make, and the
//     response that follows it. RFC 9113, section 8.4.
//   - hint: a response with status 103 before the final one, with fields that the final one will
//     have. RFC 8297.
//   - diary: what was sent on a connection, asked for or promised; elsewhere a cache digest. A
//     [Memory] is a cache digest in a cookie.
//   - verdict: what was decided about one candidate, and why.
//   - page: the request that the client made and its response, whatever its media type.
//
// # Use
//
// Promises need a server whose http.ResponseWriter is a [Promiser], as that of server/h2 is; on any
// other there are hints. The zero value of a Handler with Next set works:
//
//	http.Server{Handler: &push.Handler{Next: mux}}
//
// A handler that wants to promise before it has its page does so by [From]:
//
//	push.From(w).Push(push.Resource{Target: "/app.css"})
//
// The package knows no server and no script.
package push

import (
	"net/http"
	"sync"
)

// A Promiser is what the package needs of a connection. The http.ResponseWriter of a request is
// one, or one that its Unwrap methods lead to. Its methods are safe for concurrent use, and for use
// after the handler has returned.
type Promiser interface {
	// Promises reports whether the client accepts promises on this response now, and how many more
	// the client and the server allow.
	Promises() (n int, ok bool)

	// Promise promises the request r, which is for the origin of the page, and answers it with
	// status 200, header and body, none of which is changed any more. The PUSH_PROMISE precedes all
	// that is sent for the page afterwards. The body gives way to the page's, unless it is
	// critical: then it goes before it.
	//
	// If Promise returns an error, no promise was made, and no more will be accepted on this
	// response; one that is http.ErrNotSupported says that the client wants none. Otherwise settled
	// is called, from any goroutine: with nil when all was sent, else with what prevented that, a
	// reset by the client among others. It may be called once more, with an error, if the client
	// resets what was sent. It does not block.
	Promise(r *http.Request, header http.Header, body []byte, critical bool,
		settled func(error)) error

	// Session is where the package keeps what it knows of the connection. It lives as long as the
	// connection.
	Session() *sync.Map
}
