package h2

import (
	"runtime"

	"golang.org/x/net/http2"
)

// maxBatch is how many requests, or responses, a reader hands on before it lets those go first who
// have them. What was made for the first of more is in no cache of the processor any more by the time
// that it is used: with 500 a request costs a third more.
const maxBatch = 64

// A reader reads and handles a connection's frames. All requests that one Read has
// brought are handed to the workers together. It does not write: a client that does
// not read must still be heard, its WINDOW_UPDATEs above all.
//
// It belongs to the goroutine on which net/http serves the connection. That calls
// its methods without conn.mu, which they lock for what they change in conn.
type reader struct {
	c *conn

	fieldReader
	in      input
	cookies cookies   // of the requests
	data    dataFrame // the DATA frame that is being read
	batch   []*stream // requests since the last dispatch
	begun   bool      // the client's first frame has come
}

// run reads until the connection ends. It returns the error that ends it, if any.
func (r *reader) run(prefaceRead bool) error {
	c := r.c
	c.mu.Lock()
	c.sendSettings()
	c.scheduleFlush()
	c.mu.Unlock()
	// The server's preface does not wait for the client's: RFC 9113, section 3.4.
	if !prefaceRead {
		if over, err := r.readPreface(); over || err != nil {
			return err
		}
	}
	for {
		need, err := r.handleBuffered()
		full := r.full()
		// Requests that came before an error are served.
		if over := r.dispatch(); over || err != nil {
			return err
		}
		if full {
			runtime.Gosched()
			continue
		}
		if err := r.in.fill(c.nc, need); err != nil && err != errWoken {
			return err
		}
		c.clock.heard.Store(c.now())
	}
}

// readPreface reads the fixed octets of the client's preface. The SETTINGS frame
// that follows is read as any other. It reports whether the connection was over
// before.
func (r *reader) readPreface() (over bool, err error) {
	for seen := 0; seen < len(http2.ClientPreface); {
		if r.dispatch() {
			return true, nil
		}
		if err := r.in.fill(r.c.nc, 0); err != nil && err != errWoken {
			return false, err
		}
		p := r.in.bytes()
		n := min(len(p), len(http2.ClientPreface)-seen)
		if string(p[:n]) != http2.ClientPreface[seen:seen+n] {
			// RFC 9113, section 3.4: an invalid preface is a connection error.
			return false, protocolError("the client's preface is invalid")
		}
		r.in.skip(n)
		seen += n
	}
	return false, nil
}

// full reports whether the batch is handed on although more is in the buffer: not that of a client
// which may have reset the requests there.
func (r *reader) full() bool { return r.c.srv.Backend && len(r.batch) >= maxBatch }

// handleBuffered handles the frames in the buffer, or as many of them as make a batch. It
// returns the size of the next frame as far as that is known. An error ends the
// connection.
func (r *reader) handleBuffered() (need int, err error) {
	for !r.full() {
		p := r.in.bytes()
		if r.data.active {
			// An empty frame is complete as it is.
			if len(p) == 0 && r.data.left+r.data.pad > 0 {
				return 0, nil
			}
			n, err := r.handlePayload(p)
			r.in.skip(n)
			if err := r.resetOn(err); err != nil {
				return 0, err
			}
			continue
		}
		if len(p) < frameHeaderLen {
			return frameHeaderLen, nil
		}
		f := parseFrame(p)
		if err := r.check(f); err != nil {
			return 0, err
		}
		// DATA is handled as it comes, other frames when they are complete.
		if f.kind == http2.FrameData {
			r.in.skip(frameHeaderLen)
			if err := r.resetOn(r.handleData(f)); err != nil {
				return 0, err
			}
			continue
		}
		if len(p) < frameHeaderLen+f.length {
			return frameHeaderLen + f.length, nil
		}
		f.payload = p[frameHeaderLen : frameHeaderLen+f.length]
		err := r.resetOn(r.handle(f))
		r.in.skip(frameHeaderLen + f.length)
		if err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// check makes the checks that apply to all frames.
func (r *reader) check(f frame) error {
	if f.length > r.c.lim.frameSize {
		// RFC 9113, section 4.2.
		return frameSizeError("the frame is larger than SETTINGS_MAX_FRAME_SIZE")
	}
	if !r.begun {
		if f.kind != http2.FrameSettings || f.flags.Has(flagAck) {
			// RFC 9113, section 3.4: the preface ends with a SETTINGS frame.
			return protocolError("the first frame is not SETTINGS")
		}
		r.begun = true
	}
	if r.block.id != 0 && (f.kind != http2.FrameContinuation || f.id != r.block.id) {
		// RFC 9113, section 4.3: a field block is "a contiguous sequence of
		// frames".
		return protocolError("a frame within a field block")
	}
	return nil
}

// handle handles a complete frame.
func (r *reader) handle(f frame) error {
	switch f.kind {
	case http2.FrameHeaders:
		return r.handleHeaders(f)
	case http2.FrameContinuation:
		return r.handleContinuation(f)
	}
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.spend(costFrame) {
		return errFlood
	}
	return c.handle(f)
}

// resetOn resets the stream of a stream error. It returns any other error, which
// ends the connection.
func (r *reader) resetOn(err error) error {
	s, ok := err.(streamError)
	if !ok {
		return err
	}
	c := r.c
	c.count("stream", s.code, s.reason)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reset(s.id, s.code)
	// A reset that the client provokes costs as much as one that it sends
	// (MadeYouReset, CVE-2025-8671).
	cost := costReset
	if s.code == http2.ErrCodeRefusedStream && c.client.unacked > 0 {
		cost = costFrame // it may not have seen the limit yet
	}
	if !c.spend(cost) {
		return errFlood
	}
	return nil
}
