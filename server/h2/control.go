package h2

import (
	"net/http"
	"time"
)

// What http.ResponseController, and handlers that are older than it, ask of a response.

// Flush sends what is gathered, and the header before it.
func (w *response) Flush() { w.FlushError() }

// FlushError is Flush, and returns an error if the stream or connection has failed.
func (w *response) FlushError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.s == nil {
		return errEnded
	}
	if w.lost.Load() {
		return w.failed()
	}
	if w.status == 0 {
		w.writeHeader(http.StatusOK)
	}
	if err := w.send(); err != nil {
		return err
	}
	c := w.st.c
	c.srv.workers.releaseSlot(w.st)
	c.mu.Lock()
	defer c.mu.Unlock()
	// A goroutine that is writing already will write this too.
	if !c.out.flushing && c.out.broken == nil {
		c.flush(w.st)
	}
	if w.lost.Load() {
		return w.st.state.err
	}
	return nil
}

// CloseNotify returns a channel that gets a value when the client has gone, or when
// the handler has returned. It is for handlers that know no request's context.
func (w *response) CloseNotify() <-chan bool {
	gone := make(chan bool, 1)
	w.st.req.ctx.AfterFunc(func() { gone <- true })
	return gone
}

// SetReadDeadline has reads of the request's body fail from t on, with
// os.ErrDeadlineExceeded. The zero time takes the deadline away.
func (w *response) SetReadDeadline(t time.Time) error {
	return w.setDeadline(&w.st.times.read, t)
}

// SetWriteDeadline has the stream reset at t, if it has not ended by then. The zero
// time takes the deadline away.
func (w *response) SetWriteDeadline(t time.Time) error {
	return w.setDeadline(&w.st.times.write, t)
}

// setDeadline sets one of the stream's deadlines. One in the past takes effect at
// once.
func (w *response) setDeadline(by *int64, t time.Time) error {
	c := w.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	*by = 0
	if t.IsZero() || w.st.state.closed {
		return nil
	}
	*by = max(1, int64(t.Sub(c.epoch)))
	if *by <= c.now() {
		c.expire(w.st, *by)
		c.scheduleFlush()
		return nil
	}
	c.arm(*by)
	return nil
}

// EnableFullDuplex does nothing: a stream is always so.
func (w *response) EnableFullDuplex() error { return nil }
