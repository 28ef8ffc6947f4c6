package server

import (
	"bufio"
	"maps"
	"math"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// afterSocket is how long an application may go on whose connection is closed.
const afterSocket = 30 * time.Second

// An upgrade is environ["larkspur.websocket"].
type upgrade struct {
	host.Object
	r *response
}

var _ environ.Upgrader = (*upgrade)(nil)

// upgradable reports whether the application can take over the connection: the client asks for it,
// nothing else has been sent, and the server lets it go.
func (r *response) upgradable() bool {
	return !r.sent && !r.over && asksUpgrade(r.r) && r.r.ContentLength == 0 && hijacks(r.w)
}

// hijacks reports whether http.ResponseController can take the connection of w over.
func hijacks(w http.ResponseWriter) bool {
	for {
		switch v := w.(type) {
		case *exchange:
			if v.streams() {
				return true
			}
			w = v.ResponseWriter
		case http.Hijacker:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return false
		}
	}
}

// Handshake is [environ.Upgrader]'s.
func (u *upgrade) Handshake() *http.Request { return u.r.r }

// Upgrade is [environ.Upgrader]'s.
func (u *upgrade) Upgrade(header http.Header, ending func()) (net.Conn, *bufio.ReadWriter, error) {
	r := u.r
	switch {
	case r.over:
		return nil, nil, environ.Errorf(environ.CodeEnded, "use it during the request",
			"the connection was taken over after the response ended")
	case r.sent:
		return nil, nil, environ.Errorf(environ.CodeTwice, "",
			"the connection was taken over after a response was sent on it")
	}
	s := &switched{response: r}
	if y, ok := r.deadlines.call.(host.Yielder); ok {
		s.cancel = y.Cancel
	}
	s.socket = socket{id: hopID(r.r), ending: ending, cut: func() { s.cut(errEnding) }}
	s.registry = socketsOf(r.r)
	s.registry.enter(&s.socket) // a front may tell of its end as soon as it has the response
	h := r.w.Header()
	if r.status == http.StatusSwitchingProtocols {
		wire.SetFields(h, r.fields, r.declared())
	}
	maps.Copy(h, header)
	r.sent, r.status, r.length = true, http.StatusSwitchingProtocols, -1
	r.w.WriteHeader(http.StatusSwitchingProtocols)
	nc, rw, err := http.NewResponseController(r.w).Hijack()
	if err != nil {
		s.registry.leave(&s.socket)
		return nil, nil, err
	}
	r.switched = s
	conn := behindConn(nc)
	if conn == nil { // a writer between has its own
		conn = &takeover{Conn: nc}
		rw.Writer.Reset(conn)
	}
	conn.onClose = s.closed
	s.conn.Store(conn)
	if s.late.Load() != nil { // it was cut before there was a connection
		_ = conn.Close()
	}
	r.unlimit()
	return conn, rw, nil
}

// behindConn returns the takeover that nc is, nil if it is none.
func behindConn(nc net.Conn) *takeover {
	t, _ := nc.(*takeover)
	return t
}

// A switched is a response whose connection the application has taken over.
type switched struct {
	response *response
	conn     atomic.Pointer[takeover]
	socket   socket
	registry *sockets
	cancel   func() // ends the context of the call; may be nil
	timer    atomic.Pointer[time.Timer]
	shut     atomic.Bool                   // the connection is closed
	late     atomic.Pointer[environ.Error] // why the call must not go on
}

// closed is called when the connection is closed, by whoever does it: what the call waits for may
// never come.
func (s *switched) closed() {
	s.shut.Store(true)
	s.timer.Store(time.AfterFunc(afterSocket, func() { s.cut(errLate) }))
}

// cut ends the call, and what it waits for.
func (s *switched) cut(why *environ.Error) {
	s.late.CompareAndSwap(nil, why)
	if c := s.conn.Load(); c != nil {
		_ = c.Close() // it may be closed
	}
	if s.cancel != nil {
		s.cancel()
	}
}

// end closes the connection, when the application has returned.
func (s *switched) end() {
	if s == nil {
		return
	}
	_ = s.conn.Load().Close() // it may be closed
	if t := s.timer.Load(); t != nil {
		t.Stop()
	}
	s.registry.leave(&s.socket)
}

// errEnding ends a call that does not return although the server waits for it to end.
var errEnding = environ.Errorf(environ.CodeLimit, "return when recv() gives None or send() False",
	"the server ends, and the application goes on")

// errLate ends a call that does not return.
var errLate = environ.Errorf(environ.CodeLimit, "return when recv() gives None or send() False",
	"the connection has been closed for %v, and the application goes on", afterSocket)

// waitSwitched is Wait of a call that has taken over its connection: it waits for as long as that
// is open.
func (r *response) waitSwitched(y host.Yielder, f func() error) error {
	idle := time.Duration(math.MaxInt64)
	if r.switched.shut.Load() {
		idle = afterSocket
	}
	resume := y.Suspend(idle)
	err := f()
	if why := r.switched.late.Load(); why != nil {
		r.deadlines.call.Fail(why)
		return why
	}
	resume()
	return err
}
