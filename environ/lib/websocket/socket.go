package websocket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Times that are not the author's to choose.
const (
	sendTimeout  = 60 * time.Second // for the client to take a message
	closeTimeout = 5 * time.Second  // for the client to answer a close
)

// A socket is what fn is called with. It belongs to the call of fn.
type socket struct {
	host.Object
	thread *starlark.Thread
	app    *app
	conn   *websocket.Conn
	below  *line

	stepped   bool // see there
	reader    reader
	pending   pending // of whoever reads
	alive     alive
	receiving atomic.Bool  // recv waits
	sending   atomic.Int32 // messages that are being sent
	unread    int          // messages that were sent since the last recv; the script's
	ended     atomic.Bool  // fn has returned
	shut      atomic.Bool  // a close is under way, or over
	closing   sync.Once

	mu     sync.Mutex
	code   int // of the close, 0 while it is open
	reason string
}

// A line is the connection below a socket, which remembers whether it was that which failed.
type line struct {
	net.Conn
	failed atomic.Bool
}

func (l *line) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if err != nil {
		l.failed.Store(true)
	}
	return n, err
}

func newSocket(t *starlark.Thread, p *app) *socket {
	return &socket{Object: "websocket", thread: t, app: p}
}

// begin takes the connection.
func (w *socket) begin(conn *websocket.Conn, below *line) {
	w.conn, w.below = conn, below
	w.stepped = stepped(below.Conn)
	conn.SetReadLimit(int64(w.app.maxSize))
	w.alive.begin(w)
}

// stepped reports whether nothing happens on a connection by itself: its other end is in the
// goroutine of the script, as in a test.
func stepped(c net.Conn) bool {
	for {
		switch v := c.(type) {
		case interface{ Steps() }:
			return true
		case interface{ NetConn() net.Conn }:
			c = v.NetConn()
		default:
			return false
		}
	}
}

// run calls fn, and closes what that leaves open.
func (w *socket) run(fn starlark.Callable) error {
	code := websocket.StatusInternalError // unless fn returns: a panic of Go code goes on
	defer func() { w.end(code) }()
	_, err := starlark.Call(w.thread, fn, starlark.Tuple{w}, nil)
	if err == nil {
		code = websocket.StatusNormalClosure
	}
	return err
}

// end closes the socket for good. The call may have ended already: what it waits for is bounded.
func (w *socket) end(code websocket.StatusCode) {
	_ = host.CallOf(w.thread).Wait(func(context.Context) error {
		w.close(code, "")
		w.ended.Store(true)
		w.reader.end()
		return nil
	})
	w.alive.end()
}

// closed notes the first close.
func (w *socket) closed(code websocket.StatusCode, reason string) {
	w.shut.Store(true)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.code == 0 {
		w.code, w.reason = int(code), reason
	}
}

// close closes the connection in order, if it is not closed.
func (w *socket) close(code websocket.StatusCode, reason string) {
	w.closing.Do(func() {
		w.closed(code, reason)
		// The library reads the rest of a message without a limit of time.
		timer := time.AfterFunc(closeTimeout+time.Second, func() { _ = w.below.Close() })
		defer timer.Stop()
		_ = w.conn.Close(code, reason) // it fails if the client is gone
	})
}

// leave tells the client that the server ends. It may be called on any goroutine.
func (w *socket) leave() { w.close(websocket.StatusGoingAway, "") }

// progress gives the call the limits of a new request.
func progress(call host.Call) {
	if r, ok := call.(host.Renewer); ok {
		r.Renew()
		return
	}
	call.Extend()
}

var errEnded = errors.New("the WebSocket is over: it belongs to the call of fn, which has returned")

// next waits for a message; nil if none comes any more.
func (w *socket) next(t *starlark.Thread) (v starlark.Value, err error) {
	if w.ended.Load() {
		return nil, errEnded
	}
	if w.receiving.Swap(true) {
		return nil, errors.New("recv() is waiting already: wait for a message in one place")
	}
	defer w.receiving.Store(false)
	w.unread = 0
	call := host.CallOf(t)
	err = call.Wait(func(ctx context.Context) (err error) {
		v, err = w.reader.next(ctx, w)
		return err
	})
	if err != nil {
		return nil, err
	}
	progress(call)
	return v, nil
}

// manyUnread is how many messages are sent one after the other until it is taken for sure that the
// script does not wait for messages, so that somebody else has to hear what the client says.
const manyUnread = 2

// send sends a message, and reports whether it could.
func (w *socket) send(t *starlark.Thread, v starlark.Value) (sent bool, err error) {
	if w.ended.Load() {
		return false, errEnded
	}
	kind, data := websocket.MessageBinary, ""
	switch v := v.(type) {
	case starlark.String:
		if kind, data = websocket.MessageText, string(v); !utf8.ValidString(data) {
			return false, errors.New("the message is not UTF-8: send bytes, as bytes(message)")
		}
	case starlark.Bytes:
		data = string(v)
	default:
		return false, fmt.Errorf("the message is %s: send a string or bytes", v.Type())
	}
	if w.unread++; w.unread == manyUnread {
		w.reader.start(w)
	}
	call := host.CallOf(t)
	err = call.Wait(func(ctx context.Context) error {
		if w.shut.Load() {
			return nil
		}
		w.sending.Add(1)
		defer w.sending.Add(-1)
		ctx, cancel := context.WithTimeout(ctx, sendTimeout)
		defer cancel()
		if sent = w.conn.Write(ctx, kind, []byte(data)) == nil; !sent {
			_ = w.below.Close()
		}
		return nil
	})
	if sent {
		progress(call)
	}
	return sent, err
}
