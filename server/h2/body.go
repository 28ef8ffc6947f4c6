package h2

import (
	"io"
	"sync"
)

// A body is a request's body: the reader writes what the client sends, never more
// than the stream's window, and the handler reads it, which gives it back to the
// window.
//
// st and declared do not change; mu guards the rest. conn.mu is not locked while mu
// is held.
type body struct {
	st       *stream
	declared int64 // what content-length says; -1: nothing

	mu     sync.Mutex
	wake   sync.Cond // of whoever reads
	chunks chunkList
	came   int64
	err    error // what a Read returns after the chunks
	shut   bool  // the handler has closed it: what comes is discarded
	expect bool  // the client waits for a 100
}

// newBody is a body of which nothing has come.
func newBody(st *stream, declared int64) *body {
	b := &body{st: st, declared: declared}
	b.wake.L = &b.mu
	return b
}

// write adds p. It reports whether p is kept, for a Read to give back to the
// window, and whether p is within the content-length.
func (b *body) write(p []byte) (kept, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.came += int64(len(p))
	if b.declared >= 0 && b.came > b.declared {
		return false, false
	}
	if b.shut || b.err != nil {
		return false, true
	}
	left := int64(-1)
	if b.declared >= 0 {
		left = b.declared - b.came
	}
	b.chunks.add(p, left)
	b.wake.Signal()
	return true, true
}

// end ends the body, and reports whether all came that was declared.
func (b *body) end() (whole bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.declared >= 0 && b.came != b.declared {
		return false
	}
	if b.err == nil {
		b.err = io.EOF
	}
	b.wake.Signal()
	return true
}

// fail has Reads return err, unless all has come, and returns how much was unread.
func (b *body) fail(err error) (unread int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
		unread = b.chunks.discard()
	}
	b.wake.Signal()
	return unread
}

// ExpectsContinue reports whether the client waits for a 100, which the first Read sends: whoever hands
// the request on to another server is to say so there.
func (b *body) ExpectsContinue() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.expect
}

// Read reads what the client has sent, and waits for it. It may be called by any
// one goroutine.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	if b.expect {
		// The handler wants the body: the client may send it. c.mu comes before
		// b.mu.
		b.expect = false
		b.mu.Unlock()
		b.st.sendContinue()
		b.mu.Lock()
	}
	if len(p) == 0 {
		b.mu.Unlock()
		return 0, nil
	}
	for len(b.chunks) == 0 && b.err == nil && !b.shut {
		// A client that is slow to send must not keep other handlers from running.
		b.st.c.srv.workers.releaseSlot(b.st)
		b.wake.Wait()
	}
	if b.shut {
		b.mu.Unlock()
		return 0, errBodyClosed
	}
	n := b.chunks.copyTo(p)
	err := b.err
	b.mu.Unlock()
	if n > 0 {
		// The error, if there is one, comes with the next Read: io.EOF then finds
		// the trailers there.
		b.st.c.consumed(b.st, n)
		return n, nil
	}
	if err == io.EOF {
		b.st.copyTrailers()
	}
	return 0, err
}

// Close discards what is unread and what is still to come, and gives it back to the
// window of the connection.
func (b *body) Close() error {
	b.mu.Lock()
	var unread int
	if !b.shut {
		b.shut = true
		unread = b.chunks.discard()
	}
	b.wake.Signal()
	b.mu.Unlock()
	if unread > 0 {
		c := b.st.c
		c.mu.Lock()
		c.refund(unread)
		c.scheduleFlush()
		c.mu.Unlock()
	}
	return nil
}
