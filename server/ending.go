package server

import (
	"context"
	"net"
	"net/http"
)

// An ending sees to it that a response whose end may be that of the connection cannot be taken for
// whole when it is broken off: without a length, a client of HTTP/1.0 has nothing else to go by.
// From begin to end, that is unless the handler returns, the connection is closed by a reset,
// whoever closes it: net/http after a panic, a shutdown whose time is over, or the kernel when the
// process ends.
//
// It belongs to the goroutine that serves its connection. A nil one does nothing.
type ending struct {
	conn  lingerer
	begun bool
}

// A lingerer is a connection that can be reset: SetLinger(0) has its Close do so. TCP is one, and
// what package http1 makes of it; a unix socket is not, and has no way to be.
type lingerer interface{ SetLinger(sec int) error }

// endingKey is the context key of the *ending of a connection.
type endingKey struct{}

// keepEndings has s give each connection an ending.
func keepEndings(s *http.Server) {
	more := s.ConnContext
	s.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
		if more != nil {
			ctx = more(ctx, nc)
		}
		if l, ok := nc.(lingerer); ok {
			ctx = context.WithValue(ctx, endingKey{}, &ending{conn: l})
		}
		return ctx
	}
}

// beginning begins the ending of the response to r. It returns nil if another handler of r has, or
// if the response says itself where it ends.
func beginning(r *http.Request) *ending {
	if r.ProtoMajor != 1 || r.ProtoMinor > 0 && !r.Close {
		return nil
	}
	e, _ := r.Context().Value(endingKey{}).(*ending)
	if e == nil || e.begun || e.conn.SetLinger(0) != nil {
		return nil
	}
	e.begun = true
	return e
}

// unended has a connection that a handler has taken over end as that wants.
func unended(nc net.Conn) {
	if l, ok := nc.(lingerer); ok {
		_ = l.SetLinger(-1) // as in end
	}
}

// end says that the response is whole.
func (e *ending) end() {
	if e != nil && e.begun {
		e.begun = false
		_ = e.conn.SetLinger(-1) // if it fails the connection is closed already
	}
}
