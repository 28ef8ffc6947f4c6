package websocket

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"go.starlark.net/starlark"
)

// What is read of a client that is to read why it is closed, at most.
const (
	drainTimeout = time.Second
	drainBytes   = 4 << 20
)

// A reader reads what the client sends: pings and the close as they come, a message when the script
// asks for it. A script that waits for a message reads itself. For one that does not, there is a
// goroutine from some time on: see [socket.send] and [alive.beat]. A socket that waits costs less
// without.
type reader struct {
	waits atomic.Bool // for the client, not for the script

	mu     sync.Mutex
	direct bool    // the script reads
	own    *behind // nil before there is a goroutine
	over   bool    // nothing comes any more
}

// A behind is what a reader with a goroutine has.
type behind struct {
	want     chan struct{} // room for one: the script waits for a message
	messages chan starlark.Value
	over     chan struct{} // closed when nothing more comes
	returned chan struct{} // closed when fn has returned

	mu   sync.Mutex
	news chan struct{} // closed when a message has come, or nothing more does
}

// next waits for a message; nil if none comes any more.
func (r *reader) next(ctx context.Context, w *socket) (v starlark.Value, err error) {
	r.mu.Lock()
	own := r.own
	switch {
	case own != nil:
		r.mu.Unlock()
		return own.next(ctx)
	case r.over:
		r.mu.Unlock()
		return nil, ctx.Err()
	}
	r.direct = true
	r.mu.Unlock()
	if err = r.await(w); err == nil {
		v, err = r.take(w)
	}
	if err != nil {
		w.lost(err)
		v = nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.direct, r.over = false, err != nil
	return v, ctx.Err()
}

// next waits for a message of the goroutine.
func (b *behind) next(ctx context.Context) (starlark.Value, error) {
	select {
	case b.want <- struct{}{}:
	default: // one is wanted already: the last wait was given up
	}
	select {
	case v := <-b.messages:
		return v, nil
	case <-b.over:
		select {
		case v := <-b.messages: // it came before the end
			return v, nil
		default:
			return nil, nil
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// poll asks for a message. If none has come yet it returns a channel that is closed when one may have; else nil if
// nothing more comes.
func (b *behind) poll() (v starlark.Value, later <-chan struct{}) {
	select {
	case b.want <- struct{}{}:
	default: // one is wanted already
	}
	b.mu.Lock()
	later = b.news
	b.mu.Unlock()
	over := false
	select {
	case <-b.over:
		over = true
	default:
	}
	select {
	case v := <-b.messages:
		return v, nil
	default:
	}
	if over {
		return nil, nil
	}
	return nil, later
}

// tell tells who polls that something has come.
func (b *behind) tell() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.news)
	b.news = make(chan struct{})
}

// behind returns what there is with a goroutine, nil if there is none.
func (r *reader) behind() *behind {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.own
}

// start has a goroutine read from now on, unless the script does, or one does.
func (r *reader) start(w *socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.direct || r.own != nil || r.over || w.stepped {
		return
	}
	r.own = &behind{
		want: make(chan struct{}, 1), messages: make(chan starlark.Value, 1),
		over: make(chan struct{}), returned: make(chan struct{}), news: make(chan struct{}),
	}
	go func(b *behind) {
		w.lost(r.run(w, b))
		close(b.over)
		b.tell()
	}(r.own)
}

// run reads until the connection ends.
func (r *reader) run(w *socket, b *behind) error {
	for {
		if err := r.await(w); err != nil {
			return err
		}
		select {
		case <-b.want:
		case <-b.returned:
			return nil
		}
		v, err := r.take(w)
		if err != nil {
			return err
		}
		b.messages <- v // there is room: one was asked for
		b.tell()
	}
}

// end waits for the goroutine, if there is one. The connection is closed.
func (r *reader) end() {
	r.mu.Lock()
	own := r.own
	r.over = true
	r.mu.Unlock()
	if own != nil {
		close(own.returned)
		<-own.over
	}
}

// A pending is a message of which the beginning has come.
type pending struct {
	kind websocket.MessageType
	r    io.Reader
}

// await waits for the beginning of a message.
func (r *reader) await(w *socket) (err error) {
	r.waits.Store(true)
	defer r.waits.Store(false)
	w.pending.kind, w.pending.r, err = w.conn.Reader(context.Background())
	if err == nil {
		w.alive.hear()
	}
	return err
}

var errText = errors.New("a message of text is not UTF-8")

// take reads the rest of it.
func (r *reader) take(w *socket) (starlark.Value, error) {
	r.waits.Store(true)
	defer r.waits.Store(false)
	data, err := io.ReadAll(w.pending.r)
	if err != nil {
		return nil, err
	}
	w.alive.hear()
	if w.pending.kind == websocket.MessageBinary {
		return starlark.Bytes(data), nil
	}
	if !utf8.Valid(data) { // RFC 6455, section 8.1
		return nil, errText
	}
	return starlark.String(data), nil
}

// lost notes how the connection has ended, and closes it. A nil error is no end of it.
func (w *socket) lost(err error) {
	var theirs websocket.CloseError
	switch {
	case err == nil:
		return
	case errors.As(err, &theirs):
		w.closed(theirs.Code, theirs.Reason)
	case errors.Is(err, errText):
		w.close(websocket.StatusInvalidFramePayloadData, "text that is not UTF-8")
	case errors.Is(err, websocket.ErrMessageTooBig):
		w.closed(websocket.StatusMessageTooBig, "")
		w.drain()
	case w.below.failed.Load():
		w.closed(websocket.StatusAbnormalClosure, "")
	default: // the library has said why
		w.closed(websocket.StatusProtocolError, "")
		w.drain()
	}
	_ = w.below.Close()
}

// drain reads what a client still sends that is to read why it is closed: TCP would throw that away
// with a reset. RFC 6455, section 7.1.1.
func (w *socket) drain() {
	_ = w.below.SetReadDeadline(time.Now().Add(drainTimeout))
	_, _ = io.CopyN(io.Discard, w.below, drainBytes)
}
