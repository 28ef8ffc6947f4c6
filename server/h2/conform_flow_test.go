package h2_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"golang.org/x/net/http2"
)

const maxWindow = math.MaxInt32 // RFC 9113, section 6.9.1

// page answers with n bytes.
func page(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "x/y")
		io.WriteString(w, strings.Repeat("x", n))
	}
}

// body requires DATA of so many bytes, on that stream only, and tells whether it ended.
func (v *visitor) body(id uint32, want int) (ended bool) {
	v.t.Helper()
	got := 0
	for _, f := range v.heard() {
		switch {
		case f.kind == http2.FrameHeaders && f.id == id:
		case f.kind == http2.FrameData && f.id == id:
			got, ended = got+len(f.data), f.end
		default:
			v.t.Fatalf("the server sent %v", f)
		}
	}
	if got != want {
		v.t.Fatalf("the server sent %d bytes on stream %d, want %d", got, id, want)
	}
	return ended
}

// TestConformWindowOut: the server sends what the client's windows allow, all of it and no more:
// RFC 9113, section 6.9.
func TestConformWindowOut(t *testing.T) {
	site{handler: page(100 << 10), settings: []http2.Setting{set(http2.SettingInitialWindowSize, 10)}}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		c.body(1, 10)
		c.window(1, 1) // by the byte
		c.body(1, 1)
		c.window(1, 5)
		c.body(1, 5)
		c.window(1, 100<<10) // now the connection's 65535 are the bound
		c.body(1, 65535-16)
		c.window(0, 1)
		c.body(1, 1)
		c.window(0, 1<<20)
		if !c.body(1, 100<<10-65535-1) {
			t.Error("the stream has not ended")
		}
	})
}

// TestConformWindowOutShared: of a used-up connection window nothing is lost to a stream that is reset.
func TestConformWindowOutShared(t *testing.T) {
	site{handler: page(100 << 10)}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		c.body(1, 65535)
		c.reset(1, http2.ErrCodeCancel)
		c.get(3)
		c.want("HEADERS 3 ...")
		c.window(0, 1000)
		c.body(3, 1000)
	})
}

// TestConformWindowNone: with no window at all HEADERS are sent, and so is an empty DATA: only
// content is counted (RFC 9113, section 6.9).
func TestConformWindowNone(t *testing.T) {
	site{settings: []http2.Setting{set(http2.SettingInitialWindowSize, 0)}}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		call := c.call()
		call.write("")
		c.want("HEADERS 1 :status=200")
		call.finish()
		c.want(`DATA 1 END ""`)
		c.get(3)
		c.call().finish()
		c.want("HEADERS 3 END ...")
		c.get(5, ":method", "HEAD")
		call = c.call()
		call.do(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "body") })
		call.finish()
		c.want("HEADERS 5 END ...")
		// A small answer that has ended goes out as the window opens, however slowly.
		c.get(7)
		call = c.call()
		call.begin(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "late"); call.bye = true })
		c.want("HEADERS 7 :status=200 content-length=4 " + text)
		for i := range 4 {
			c.window(7, 1)
			if ended := c.body(7, 1); ended != (i == 3) && i < 3 {
				t.Errorf("after %d bytes the stream has ended: %v", i+1, ended)
			}
		}
	})
}

// TestConformInitialWindow: SETTINGS_INITIAL_WINDOW_SIZE changes the windows of streams that are
// open, by the difference, even below zero: RFC 9113, section 6.9.2.
func TestConformInitialWindow(t *testing.T) {
	resize := func(c *visitor, size uint32) {
		c.settings(set(http2.SettingInitialWindowSize, size))
		c.quiet()
	}
	ack := func(c *visitor) { c.await("SETTINGS ACK") }
	site{handler: page(50000)}.visit(t, func(t *testing.T, c *visitor) {
		resize(c, 100)
		ack(c)
		c.get(1)
		c.body(1, 100)
		resize(c, 300) // up, in the midst of an answer
		ack(c)
		c.body(1, 200)
		resize(c, 0) // down: the stream's window is -300
		ack(c)
		c.body(1, 0)
		c.window(1, 300) // 0
		c.body(1, 0)
		c.window(1, 7) // 7
		c.body(1, 7)
		resize(c, 1000) // 1000 + 307 - 307
		ack(c)
		c.body(1, 1000)
		c.get(3) // new streams have the new size
		c.body(3, 1000)
		resize(c, 50000)
		ack(c)
		got := map[uint32]int{}
		for _, f := range c.heard() {
			got[f.id] += len(f.data)
		}
		if want := 65535 - 1307 - 1000; got[1]+got[3] != want || got[1] == 0 {
			t.Errorf("with windows of 50000 and %d for both the server sent %v", want, got)
		}
	})
	// Twice in one frame: in order, the last one counts (RFC 9113, section 6.5).
	site{handler: page(50000)}.visit(t, func(t *testing.T, c *visitor) {
		c.settings(set(http2.SettingInitialWindowSize, 100), set(http2.SettingInitialWindowSize, 1))
		c.want("SETTINGS ACK")
		c.get(1)
		c.body(1, 1)
	})
}

// TestConformWindowOverflow: a window beyond 2^31-1 is a flow-control error, of the stream or of the
// connection: RFC 9113, section 6.9.1.
func TestConformWindowOverflow(t *testing.T) {
	racetest.Skip(t)
	open := func(c *visitor) *call {
		c.post(1)
		call := c.call()
		call.write("")
		c.want("HEADERS 1 ...")
		return call
	}
	s := site{noisy: true}
	t.Run("of a stream", func(t *testing.T) {
		s.visit(t, func(t *testing.T, c *visitor) {
			open(c)
			c.window(1, maxWindow)
			c.want("RST_STREAM 1 FLOW_CONTROL_ERROR")
			c.wantAlive()
		})
	})
	t.Run("of a stream, by little", func(t *testing.T) {
		s.visit(t, func(t *testing.T, c *visitor) {
			call := open(c)
			c.window(1, maxWindow-65535)
			c.want()
			c.window(1, 1)
			c.want("RST_STREAM 1 FLOW_CONTROL_ERROR")
			<-call.r.Context().Done()
		})
	})
	t.Run("of the connection", func(t *testing.T) {
		s.visit(t, func(t *testing.T, c *visitor) {
			c.window(0, maxWindow)
			c.wantClosed(http2.ErrCodeFlowControl)
		})
	})
	t.Run("by settings", func(t *testing.T) { // RFC 9113, section 6.9.2
		s.visit(t, func(t *testing.T, c *visitor) {
			call := open(c)
			c.window(1, 1000)
			c.settings(set(http2.SettingInitialWindowSize, maxWindow-1000+1))
			c.quiet()
			call.begin(func(w http.ResponseWriter, r *http.Request) { // a server may notice when it sends
				io.WriteString(w, "hello")
				w.(http.Flusher).Flush()
			})
			c.wantClosed(http2.ErrCodeFlowControl)
		})
	})
	t.Run("by settings, just not", func(t *testing.T) {
		s.visit(t, func(t *testing.T, c *visitor) {
			call := open(c)
			c.window(1, 1000)
			c.settings(set(http2.SettingInitialWindowSize, maxWindow-1000))
			c.want("SETTINGS ACK")
			call.write("hello")
			c.want(`DATA 1 "hello"`)
		})
	})
	t.Run("a setting beyond it", func(t *testing.T) { // RFC 9113, section 6.5.2
		s.visit(t, func(t *testing.T, c *visitor) {
			c.settings(set(http2.SettingInitialWindowSize, maxWindow+1))
			c.wantClosed(http2.ErrCodeFlowControl)
		})
	})
	t.Run("the largest window there is", func(t *testing.T) {
		site{handler: page(3 << 20), settings: []http2.Setting{set(http2.SettingInitialWindowSize, maxWindow)}}.visit(t, func(t *testing.T, c *visitor) {
			c.window(0, maxWindow-65535)
			c.get(1)
			if !c.body(1, 3<<20) {
				t.Error("the stream has not ended")
			}
		})
	})
}

// TestConformWindowZero: an increment of 0 is an error of the stream, or of the connection: RFC 9113, section 6.9.
func TestConformWindowZero(t *testing.T) {
	site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
		c.post(1)
		call := c.call()
		c.window(1, 0)
		c.want("RST_STREAM 1 PROTOCOL_ERROR")
		<-call.r.Context().Done()
		c.wantAlive()
		c.window(0, 0)
		c.wantClosed(http2.ErrCodeProtocol)
	})
}

// TestConformWindowIn: what a handler has read is granted again, of the stream and of the connection,
// and what it has not read is not: a client may send ahead by the stream's window, no more.
func TestConformWindowIn(t *testing.T) {
	for _, tc := range []struct{ window, padding, frames int64 }{
		{256 << 10, 0, 40},
		{256 << 10, 100, 40},
		{256, 100, 400}, // small enough to show an octet that is lost with each frame
	} {
		window, padding, room := tc.window, tc.padding, max(2*tc.window, 128<<10)
		t.Run(fmt.Sprintf("window %d, padding %d", window, padding), func(t *testing.T) {
			site{limits: uploads(int(room), int(window))}.visit(t, func(t *testing.T, c *visitor) {
				if got := c.theirs[http2.SettingInitialWindowSize]; got != uint32(window) {
					t.Fatalf("SETTINGS_INITIAL_WINDOW_SIZE = %d, want %d", got, window)
				}
				c.wantWindow(0, room-65535) // RFC 9113, section 6.9.2: only WINDOW_UPDATE changes the connection's
				c.post(1)
				call := c.call()
				stream, conn := window, room
				for range tc.frames {
					n := min(stream, 16<<10) - padding - 1
					if n <= 0 {
						t.Fatalf("the stream's window is used up: %d", stream)
					}
					c.write(func(fr *http2.Framer) error {
						if padding == 0 {
							return fr.WriteData(1, false, make([]byte, n))
						}
						return fr.WriteDataPadded(1, false, make([]byte, n), make([]byte, padding))
					})
					cost := n
					if padding > 0 {
						cost = n + padding + 1 // RFC 9113, section 6.1: padding and its length are counted
					}
					call.do(func(w http.ResponseWriter, r *http.Request) {
						if _, err := io.ReadFull(r.Body, make([]byte, n)); err != nil {
							t.Errorf("the handler read: %v", err)
						}
					})
					stream += c.granted(1) - cost
					conn += c.granted(0) - cost
					if stream > window || conn > room {
						t.Fatalf("the server has granted more than it took: the windows are %d and %d", stream, conn)
					}
					if stream < window/2 || conn < room/2 {
						t.Fatalf("half of a window is held back: the windows are %d and %d", stream, conn)
					}
				}
				// Unread now.
				c.granted(0)
				before := stream
				for stream > 0 {
					n := min(stream, 16<<10)
					c.data(1, strings.Repeat("x", int(n)))
					stream -= n
				}
				if got := c.granted(1); got > window-before {
					t.Errorf("of %d unread bytes the server granted %d on the stream", before, got)
				}
			})
		})
	}
}

// TestConformWindowInOverrun: more than a window is a FLOW_CONTROL_ERROR: RFC 9113, section 6.9.1.
func TestConformWindowInOverrun(t *testing.T) {
	const window = 64 << 10
	t.Run("of a stream", func(t *testing.T) {
		site{limits: uploads(4*window, window), noisy: true}.visit(t, func(t *testing.T, c *visitor) {
			c.post(1)
			call := c.call()
			c.data(1, strings.Repeat("x", window))
			c.want()
			c.data(1, "x")
			c.want("RST_STREAM 1 FLOW_CONTROL_ERROR")
			call.do(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			c.wantAlive()
		})
	})
	t.Run("of the connection", func(t *testing.T) {
		site{limits: uploads(4*window, 4*window), noisy: true}.visit(t, func(t *testing.T, c *visitor) {
			c.post(1)
			c.call()
			c.post(3)
			c.call()
			c.data(1, strings.Repeat("x", 3*window))
			c.want()
			c.data(3, strings.Repeat("x", window+16<<10))
			if got := c.heard(); len(got) == 0 || !alike("GOAWAY * FLOW_CONTROL_ERROR | RST_STREAM 3 FLOW_CONTROL_ERROR", got[0].String()) {
				t.Errorf("the server sent:%s", transcript(got))
			}
		})
	})
}

// TestConformWindowInitial: http.HTTP2Config sets the windows, and one that RFC 9113 has no room for
// is replaced by the default.
func TestConformWindowInitial(t *testing.T) {
	for _, want := range []int{65535 * 2, 1 << 19, 1 << 21} {
		site{limits: uploads(want, 0)}.visit(t, func(t *testing.T, c *visitor) {
			c.wantWindow(0, int64(want-65535))
		})
	}
}

// TestConformWindowLate: WINDOW_UPDATE for a stream that has ended is no error: RFC 9113, section 5.1.
func TestConformWindowLate(t *testing.T) {
	against(t, page(10), func(t *testing.T, c *visitor) {
		c.get(1)
		c.body(1, 10)
		c.window(1, 100)
		c.want()
		c.wantAlive()
	})
}

// TestConformWindowOneByte: answers through windows of one byte, several at once, none starves.
func TestConformWindowOneByte(t *testing.T) {
	site{handler: page(200), settings: []http2.Setting{set(http2.SettingInitialWindowSize, 1)}}.visit(t, func(t *testing.T, c *visitor) {
		for id := uint32(1); id < 20; id += 2 {
			c.get(id)
		}
		got := map[uint32]int{}
		ended := 0
		for range 300 {
			for _, f := range c.heard() {
				got[f.id] += len(f.data)
				if f.end {
					ended++
				} else if f.kind == http2.FrameData {
					c.window(f.id, 1)
				}
			}
		}
		if ended != 10 {
			t.Errorf("%d of 10 answers ended; the bytes sent: %v", ended, got)
		}
	})
}

// TestConformWriteAfterReset: a writer that waits for a window is woken when its stream is reset or
// its connection is gone.
func TestConformWriteAfterReset(t *testing.T) {
	ends := map[string]func(c *visitor){
		"RST_STREAM": func(c *visitor) { c.reset(1, http2.ErrCodeCancel) },
		"disconnect": func(c *visitor) { c.conn.Close() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
				c.get(1)
				call := c.call()
				write := call.begin(func(w http.ResponseWriter, r *http.Request) {
					for {
						if _, err := io.WriteString(w, strings.Repeat("x", 100<<10)); err != nil {
							return
						}
					}
				})
				c.body(1, 65535)
				if over(write) {
					t.Fatal("the write does not wait")
				}
				end(c)
				if !over(write) {
					t.Error("the write does not end")
				}
				<-call.r.Context().Done()
				call.finish()
				c.heard()
			})
		})
	}
}

// TestConformBackPressure: a handler whose client does not read is held up: the server does not take
// in what it cannot give away.
func TestConformBackPressure(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		call := c.call()
		written := 0
		write := call.begin(func(w http.ResponseWriter, r *http.Request) {
			for {
				n, err := io.WriteString(w, strings.Repeat("x", 16<<10))
				written += n
				if err != nil {
					return
				}
			}
		})
		if over(write) {
			t.Fatal("the writes do not wait")
		}
		if written > 1<<20 {
			t.Errorf("%d bytes were taken from a handler for a window of 65535", written)
		}
		c.reset(1, http2.ErrCodeCancel)
		<-write
	})
}
