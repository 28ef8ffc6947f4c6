package h2_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// goAways takes the GOAWAY frames among those heard and returns the last identifier of each, in order.
func (v *visitor) goAways(frames []frame) (last []uint32, rest []frame) {
	for _, f := range frames {
		if f.kind == http2.FrameGoAway && f.gone == nil {
			if f.code != http2.ErrCodeNo {
				v.t.Errorf("the server sent %v, want NO_ERROR", f)
			}
			last = append(last, f.last)
			continue
		}
		rest = append(rest, f)
	}
	return last, rest
}

// TestConformShutdown: a graceful end: what was begun is answered, what comes later is not, and then
// the connection closes: RFC 9113, section 6.8.
func TestConformShutdown(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		first := c.call()
		done := c.shutdown()
		// Sent before the client can have heard of the end: a server that warns before it counts
		// still answers this one; one that does not must not have counted it.
		c.get(3)
		time.Sleep(5 * time.Second)
		last, rest := c.goAways(c.heard())
		if len(rest) > 0 || len(last) == 0 {
			t.Fatalf("the server sent GOAWAY %v and besides:%s", last, transcript(rest))
		}
		final := last[len(last)-1]
		if len(last) == 2 && (last[0] != 1<<31-1 || final > 3) {
			t.Errorf("the server sent GOAWAY %v, want 2147483647 and then what it has", last)
		}
		if len(last) == 1 && final != 1 {
			t.Errorf("the server sent GOAWAY %v, want 1", last)
		}
		if final == 3 {
			c.call().finish()
			c.want("HEADERS 3 END :status=200 content-length=0")
		}
		c.noCall()
		select {
		case err := <-done:
			t.Fatalf("Shutdown returned %v while a handler runs", err)
		default:
		}
		c.get(5) // too late
		c.noCall()
		c.wantAlive2()
		first.write("answered")
		first.finish()
		time.Sleep(5 * time.Second)
		c.want("HEADERS 1 :status=200 "+text, `DATA 1 END "answered"`, "EOF")
		if err := <-done; err != nil {
			t.Errorf("Shutdown = %v", err)
		}
	})
}

// wantAlive2 is wantAlive during a shutdown, when frames for refused streams may come.
func (v *visitor) wantAlive2() {
	v.t.Helper()
	v.ping("alive???")
	for _, f := range v.heard() {
		switch s := f.String(); {
		case s == `PING ACK "alive???"`:
			return
		case !alike("RST_STREAM 5 REFUSED_STREAM | GOAWAY ...", s):
			v.t.Errorf("the server sent %v", f)
		}
	}
	v.t.Error("the connection does not answer a PING")
}

// TestConformShutdownIdle: connections without requests do not hold up the end.
func TestConformShutdownIdle(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		second := c.dial()
		second.greet()
		start := time.Now()
		err := <-c.shutdown()
		if d := time.Since(start); err != nil || d > 3*time.Second {
			t.Errorf("Shutdown = %v after %v", err, d)
		}
		time.Sleep(5 * time.Second)
		last, rest := c.goAways(c.heard())
		if len(last) == 0 || len(rest) != 1 || rest[0].gone == nil {
			t.Errorf("the server sent GOAWAY %v and:%s\nwant a GOAWAY and the end", last, transcript(rest))
		}
	})
}

// TestConformShutdownUpload: a request that was begun may go on, and is read to its end.
func TestConformShutdownUpload(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.post(1)
		call := c.call()
		c.data(1, "one ")
		done := c.shutdown()
		time.Sleep(10 * time.Second)
		c.heard()
		c.end(1, "two")
		call.do(func(w http.ResponseWriter, r *http.Request) {
			if got, err := io.ReadAll(r.Body); string(got) != "one two" || err != nil {
				t.Errorf("the handler read %q, %v", got, err)
			}
		})
		call.finish()
		if err := <-done; err != nil {
			t.Errorf("Shutdown = %v", err)
		}
		time.Sleep(5 * time.Second)
		c.want("HEADERS 1 END ...", "EOF")
	})
}

// TestConformShutdownTimeout: Shutdown gives up with its context, and Close ends all at once.
func TestConformShutdownTimeout(t *testing.T) {
	site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		call := c.call()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown = %v, want a time-out", err)
		}
		if call.r.Context().Err() != nil {
			t.Error("Shutdown cancels handlers")
		}
		if err := c.server.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		c.quiet()
		if call.r.Context().Err() == nil {
			t.Error("Close does not cancel handlers")
		}
		call.finish()
		frames := c.heard()
		if n := len(frames); n == 0 || frames[n-1].gone == nil {
			t.Errorf("the connection goes on after Close:%s", transcript(frames))
		}
	})
}

// TestConformConnectionClose: "Connection: close" of a handler ends the connection, gracefully, and is
// not sent: RFC 9113, section 8.2.2.
func TestConformConnectionClose(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		call := c.call()
		c.get(3)
		other := c.call()
		call.do(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			w.Header().Set("Foo", "bar")
		})
		call.finish()
		time.Sleep(5 * time.Second)
		last, rest := c.goAways(c.heard())
		if len(last) == 0 || last[len(last)-1] < 3 {
			t.Errorf("GOAWAY %v, want one that covers stream 3", last)
		}
		if len(rest) != 1 || rest[0].String() != "HEADERS 1 END :status=200 content-length=0 foo=bar" {
			t.Errorf("the server sent:%s", transcript(rest))
		}
		other.finish()
		time.Sleep(5 * time.Second)
		c.want("HEADERS 3 END ...", "EOF")
	})
}

// TestConformClientGoAway: a client that says GOAWAY is answered what it has asked; errors after
// that still are errors.
func TestConformClientGoAway(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.post(1)
		call := c.call()
		c.goAway(0, http2.ErrCodeNo)
		c.end(1, "body")
		call.do(func(w http.ResponseWriter, r *http.Request) {
			if got, err := io.ReadAll(r.Body); string(got) != "body" || err != nil {
				t.Errorf("the handler read %q, %v", got, err)
			}
		})
		call.finish()
		_, rest := c.goAways(c.heard())
		if len(rest) == 0 || rest[0].String() != "HEADERS 1 END :status=200 content-length=0" {
			t.Errorf("the server sent:%s", transcript(rest))
		}
	})
	site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
		c.post(1)
		c.call()
		c.goAway(0, http2.ErrCodeNo)
		c.window(0, 1<<31-1)
		time.Sleep(5 * time.Second)
		frames := c.heard()
		if n := len(frames); n == 0 || frames[n-1].gone == nil {
			t.Errorf("the connection goes on after an error:%s", transcript(frames))
		}
	})
}

// TestConformGoAwayLast: GOAWAY tells the last stream that may have been served: a client may try
// again what lies beyond.
func TestConformGoAwayLast(t *testing.T) {
	site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
		for _, id := range []uint32{1, 3, 5} {
			c.get(id)
			c.call()
		}
		c.raw(http2.FramePing, 0, 1, make([]byte, 8)) // an error
		if f := c.await("GOAWAY ..."); f.last != 5 {
			t.Errorf("the server sent %v, want last stream 5", f)
		}
	})
}
