package websocket

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	pongTimeout  = 20 * time.Second // for the answer to a ping, at most
	sendTimeout  = 60 * time.Second // for the client to take a message
	closeTimeout = 5 * time.Second  // for the client to answer a close
	drainTimeout = time.Second      // to read what a client still sends that is to read why it is closed
	drainBytes   = 4 << 20
)

// maxPings is how many pings of a client are answered in a second.
const maxPings = 100

// A socket is what fn is called with. It belongs to the call of fn.
type socket struct {
	host.Object
	thread *starlark.Thread
	app    *app
	conn   *websocket.Conn
	below  *line

	want     chan struct{} // room for one: the script waits for a message
	messages chan starlark.Value
	over     chan struct{} // closed when nothing more comes
	returned chan struct{} // closed when fn has returned
	closing  sync.Once

	receiving atomic.Bool  // recv waits
	reading   atomic.Bool  // the reader waits for the client, not for the script
	sending   atomic.Int32 // messages that are being sent
	heard     atomic.Int64 // when something came last, in nanoseconds since epoch
	ended     atomic.Bool  // fn has returned
	shut      atomic.Bool  // a close is under way, or over

	pings     int       // in the second since pingsFrom; the reader's
	pingsFrom time.Time // the reader's

	mu     sync.Mutex
	timer  *time.Timer
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

// epoch is what heard is counted from.
var epoch = time.Now()

func newSocket(t *starlark.Thread, p *app) *socket {
	return &socket{
		Object: "websocket", thread: t, app: p,
		want: make(chan struct{}, 1), messages: make(chan starlark.Value, 1),
		over: make(chan struct{}), returned: make(chan struct{}),
	}
}

// begin begins to read.
func (w *socket) begin(conn *websocket.Conn, below *line) {
	w.conn, w.below = conn, below
	conn.SetReadLimit(int64(w.app.maxSize))
	w.hear()
	w.mu.Lock()
	w.timer = time.AfterFunc(w.app.ping, w.beat)
	w.mu.Unlock()
	go w.read()
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

// end closes the socket for good.
func (w *socket) end(code websocket.StatusCode) {
	_ = host.CallOf(w.thread).Wait(func(context.Context) error {
		w.close(code, "")
		w.ended.Store(true)
		close(w.returned)
		<-w.over
		return nil
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
}

// read waits for messages until the connection ends. It runs on a goroutine of its own.
func (w *socket) read() {
	err := w.readAll()
	w.lost(err)
	close(w.over)
	_ = w.conn.CloseNow()
}

func (w *socket) readAll() error {
	for {
		w.reading.Store(true)
		kind, r, err := w.conn.Reader(context.Background())
		if err != nil {
			return err
		}
		w.hear()
		w.reading.Store(false)
		select {
		case <-w.want:
		case <-w.returned:
			return net.ErrClosed
		}
		w.reading.Store(true)
		data, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		w.hear()
		var v starlark.Value = starlark.Bytes(data)
		if kind == websocket.MessageText {
			if !utf8.Valid(data) { // RFC 6455, section 8.1
				w.refuse(websocket.StatusInvalidFramePayloadData, "text that is not UTF-8")
				return errors.New("text that is not UTF-8")
			}
			v = starlark.String(data)
		}
		w.messages <- v
	}
}

// refuse closes a connection whose client has broken the protocol.
func (w *socket) refuse(code websocket.StatusCode, reason string) {
	w.closed(code, reason)
	w.finish(func() { _ = w.conn.Close(code, reason) })
}

// lost notes how the connection has ended, and closes it.
func (w *socket) lost(err error) {
	var theirs websocket.CloseError
	switch {
	case errors.As(err, &theirs):
		w.closed(theirs.Code, theirs.Reason)
	case errors.Is(err, websocket.ErrMessageTooBig):
		w.closed(websocket.StatusMessageTooBig, "")
		w.drain()
	case w.below.failed.Load():
		w.closed(websocket.StatusAbnormalClosure, "")
	default:
		w.closed(websocket.StatusProtocolError, "")
		w.drain()
	}
}

// drain reads what a client still sends that is to read why it is closed: TCP would throw that away
// with a reset. RFC 6455, section 7.1.1.
func (w *socket) drain() {
	_ = w.below.SetReadDeadline(time.Now().Add(drainTimeout))
	_, _ = io.CopyN(io.Discard, w.below, drainBytes)
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
		w.finish(func() { _ = w.conn.Close(code, reason) })
	})
}

// finish runs f, which closes the connection and may wait for the client, for a limited time.
func (w *socket) finish(f func()) {
	timer := time.AfterFunc(closeTimeout+time.Second, func() { _ = w.below.Close() })
	defer timer.Stop()
	f()
}

// leave tells the client that the server ends. It may be called on any goroutine.
func (w *socket) leave() { w.close(websocket.StatusGoingAway, "") }

// hear notes that something has come.
func (w *socket) hear() { w.heard.Store(int64(time.Since(epoch))) }

// pinged answers a ping, unless there are too many. The reader calls it.
func (w *socket) pinged(context.Context, []byte) bool {
	w.hear()
	now := time.Now()
	if now.Sub(w.pingsFrom) > time.Second {
		w.pings, w.pingsFrom = 0, now
	}
	w.pings++
	return w.pings <= maxPings
}

// beat asks a silent client whether it is there. The timer calls it.
func (w *socket) beat() {
	next := w.app.ping
	silent := time.Since(epoch) - time.Duration(w.heard.Load())
	switch {
	case silent < w.app.ping:
		next = w.app.ping - silent
	case !w.reading.Load() || w.sending.Load() > 0:
		// Its answer would not be read; or a message is on its way, which has a time of its own.
	default:
		ctx, cancel := context.WithTimeout(context.Background(), min(pongTimeout, w.app.ping))
		err := w.conn.Ping(ctx)
		cancel()
		if err != nil {
			_ = w.below.Close()
			return
		}
		w.hear()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended.Load() && w.code == 0 {
		w.timer.Reset(next)
	}
}

// progress gives the call the limits of a new request.
func (w *socket) progress(call host.Call) {
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
	call := host.CallOf(t)
	err = call.Wait(func(ctx context.Context) error {
		select {
		case w.want <- struct{}{}:
		default: // one is wanted already: the last recv was given up
		}
		if i, ok := w.below.Conn.(interface{ Waits(bool) }); ok {
			i.Waits(true)
			defer i.Waits(false)
		}
		select {
		case v = <-w.messages:
		case <-w.over:
			select {
			case v = <-w.messages: // that came before the end
			default:
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	w.progress(call)
	return v, nil
}

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
	call := host.CallOf(t)
	err = call.Wait(func(ctx context.Context) error {
		if w.shut.Load() {
			return nil
		}
		w.sending.Add(1)
		defer w.sending.Add(-1)
		ctx, cancel := context.WithTimeout(ctx, sendTimeout)
		defer cancel()
		if err := w.conn.Write(ctx, kind, []byte(data)); err == nil {
			sent = true
		} else {
			_ = w.below.Close()
		}
		return nil
	})
	if sent {
		w.progress(call)
	}
	return sent, err
}
