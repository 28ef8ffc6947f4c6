// Package h2 serves HTTP/2 for any [http.Handler], with net/http's [http.Server]
// around it:
//
//	s := &http.Server{Addr: ":443", Handler: h}
//	if err := h2.Configure(s); err != nil { ... }
//	s.ListenAndServeTLS(cert, key)
//
// Limits of your own are fields of a [Server], whose Configure does the same.
//
// It knows what each client accepts and has been sent, so that a handler can
// promise (RFC 9113, section 8.4): its http.ResponseWriter is a [Promiser]. It
// sends a page before its promises; and it is fast. The client's side of a connection
// is a [ClientConn].
//
// # The model
//
// A [Server] has connections, and workers that it shares among them. A conn has one
// goroutine, the reader, which net/http gives it. It reads as much as there is,
// handles every frame that has come, and hands the requests among them to the
// workers as one batch (reader.go, request.go, workers.go). A worker runs the
// handler of one request after another, on a stack that has grown already; while
// one blocks, another goes on. What a response sends is encoded under the
// connection's lock into one output (response.go, header.go), and whoever finds
// that nobody writes it, writes all of it, without the lock (flush.go). There is no
// goroutine in the middle that everything has to pass, and nobody who holds the
// lock waits for a client.
//
// The reader writes nothing, so that a client that does not read cannot stop what
// it sends, its WINDOW_UPDATEs above all, from being heard. DATA that the windows
// or the output have no room for stays where the handler has it, and the handler
// waits; the scheduler (schedule.go) says whose DATA goes next. So a client that
// does not read costs its windows, 64 KiB of output and its waiting handlers, and
// no more. One timer for a connection sees to all its times (clock.go).
//
// # Who owns what
//
// The reader is a type of its own, whose fields only its goroutine touches. All
// that handlers, workers, the timer and the reader share of a connection, its
// streams included, is guarded by one lock, conn.mu; the types that it guards are
// named for what they hold: streamTable, admission, clientSettings, flow,
// scheduler, encoder, output, budget, clock and ending. A request's body, a
// response and the workers have locks of their own; conn says in which order they
// are taken. In a build with the race detector, a function that needs conn.mu
// panics if nobody holds it (lock_race.go).
//
// # Where a request's time goes
//
// A request with an answer of 13 bytes takes two to three microseconds of a core
// (TLS, fifty at once on each of ten connections). A tenth of that is the kernel's
// and a twentieth TLS's, because a batch of requests is read, and its answers
// written, by one call and in one record. A quarter is memory: the URL, context and
// response of a request are one allocation, the http.Request is a second, and its
// header three, none of them used again, since a handler may keep them. A tenth is
// HPACK's decoder, as much the encoding of the answer, and the rest is the making
// of the http.Request, the handler and net/http. What is not there: the start of a
// goroutine, the growth of a stack, a channel, a timer, a rendered date, a buffer.
// A finished answer waits for others only while requests of its own batch are still
// to be run before the write that is queued behind them, until there is a TLS
// record's worth, or for 200 microseconds; on a quiet connection it is written at
// once.
//
// BenchmarkServer measures it against the server of golang.org/x/net/http2 in one
// run.
//
// # The other side
//
// A [ClientConn] makes requests on a connection that somebody else has opened, by
// prior knowledge: from a front to a process that runs its handlers, over a pair of
// sockets. It dials nothing, keeps no pool and tries nothing again, but says when that
// is safe ([ErrUnprocessed]). It gives interim responses to whoever makes the request,
// who may make others meanwhile. It uses the same frames, field blocks, windows and
// encoder, and trusts the server as little as the server does a client. A round trip
// takes two to three microseconds of a core and five allocations, when fifty are made
// at once; BenchmarkClientConn measures it beside net/http's Transport.
//
// # Protection
//
// All of it is on by default, and each limit is a field of [Server] or
// [http.Server]. How many handlers run for a client does not depend on what it
// resets (Rapid Reset, MadeYouReset). What a client may do that makes work and
// brings nothing is a budget, [Server.ControlBudget], that it earns by taking
// answers and sending bodies. What the headers of its requests take is counted as they
// are when they are decoded ([Server.MaxHeaderMemory], memory.go). Malformed requests
// are refused by a reset with PROTOCOL_ERROR, among them some that others let pass: a
// method that is no token, two lengths, a host that differs from the authority, a
// target with a fragment, a backslash or a space.
package h2
