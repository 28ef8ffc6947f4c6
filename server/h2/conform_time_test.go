package h2_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// ended tells whether and when the connection ended, waiting for at most that long.
func (v *visitor) ended(within time.Duration) (frames []frame, after time.Duration, ok bool) {
	start := time.Now()
	for time.Since(start) < within {
		time.Sleep(100 * time.Millisecond)
		frames = append(frames, v.heard()...)
		if n := len(frames); n > 0 && frames[n-1].gone != nil {
			return frames, time.Since(start), true
		}
	}
	return frames, within, false
}

// TestConformIdleTimeout: http.Server.IdleTimeout ends a connection without requests, with GOAWAY;
// a request stops the clock, PING does not.
func TestConformIdleTimeout(t *testing.T) {
	idle := site{limits: func(s *http.Server) { s.IdleTimeout = 10 * time.Second }}
	check := func(t *testing.T, c *visitor) {
		t.Helper()
		frames, after, ok := c.ended(20 * time.Second)
		if !ok || after < 9*time.Second || after > 15*time.Second {
			t.Errorf("the connection ended after %v (%v), want 10s", after, ok)
		}
		last, _ := c.goAways(frames)
		if len(last) == 0 {
			t.Errorf("no GOAWAY:%s", transcript(frames))
		}
	}
	idle.visit(t, check)
	idle.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		call := c.call()
		time.Sleep(time.Minute)
		c.want()
		call.finish()
		c.want("HEADERS 1 END ...")
		check(t, c)
	})
	idle.visit(t, func(t *testing.T, c *visitor) {
		for range 9 {
			time.Sleep(time.Second)
			c.ping("12345678")
		}
		c.heard()
		if _, after, ok := c.ended(10 * time.Second); !ok || after > 5*time.Second {
			t.Errorf("PING kept the connection: ended %v after %v", ok, after)
		}
	})
	// Without IdleTimeout it is ReadTimeout; without both there is an end all the same, or none: an
	// hour of silence is the operator's choice.
	site{limits: func(s *http.Server) { s.ReadTimeout = 10 * time.Second }}.visit(t, check)
}

// TestConformReadTimeout: http.Server.ReadTimeout bounds the time that a request may take to come.
func TestConformReadTimeout(t *testing.T) {
	site{limits: func(s *http.Server) { s.ReadTimeout = 10 * time.Second; s.IdleTimeout = time.Hour }}.visit(t, func(t *testing.T, c *visitor) {
		start := time.Now()
		c.post(1)
		call := c.call()
		c.data(1, "part")
		var read []byte
		var err error
		call.do(func(w http.ResponseWriter, r *http.Request) { read, err = io.ReadAll(r.Body) })
		if d := time.Since(start); err == nil || string(read) != "part" || d != 10*time.Second {
			t.Errorf("the handler read %q, %v after %v, want an error after 10s", read, err, d)
		}
		call.do(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(408) })
		call.finish()
		// A request that has come may take its time.
		c.get(3)
		call = c.call()
		time.Sleep(time.Minute)
		if err := call.r.Context().Err(); err != nil {
			t.Errorf("the context of a complete request ended: %v", err)
		}
		call.finish()
		c.await("HEADERS 3 END ...")
		c.wantAlive()
	})
}

// TestConformWriteTimeout: http.Server.WriteTimeout bounds the time for an answer.
func TestConformWriteTimeout(t *testing.T) {
	site{limits: func(s *http.Server) { s.WriteTimeout = 10 * time.Second; s.IdleTimeout = time.Hour }}.visit(t, func(t *testing.T, c *visitor) {
		start := time.Now()
		c.get(1)
		call := c.call()
		var err error
		call.do(func(w http.ResponseWriter, r *http.Request) {
			for err == nil {
				_, err = io.WriteString(w, strings.Repeat("x", 16<<10))
			}
		})
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("the write ended after %v with %v, want 10s", d, err)
		}
		call.finish()
		c.await("RST_STREAM 1 *")
		// The stream ends, the connection goes on; each request has a clock of its own.
		time.Sleep(time.Minute)
		c.get(3)
		c.call().finish()
		c.want("HEADERS 3 END ...")
		// ResponseController extends it.
		c.get(5)
		call = c.call()
		call.do(func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Hour))
			time.Sleep(time.Minute)
		})
		call.finish()
		c.want("HEADERS 5 END ...")
	})
}

// TestConformReadHeaderTimeout: a header block that does not end ends the connection.
func TestConformReadHeaderTimeout(t *testing.T) {
	limits := func(s *http.Server) { s.ReadHeaderTimeout = 5 * time.Second; s.IdleTimeout = 10 * time.Second }
	site{limits: limits, noisy: true}.visit(t, func(t *testing.T, c *visitor) {
		c.raw(http2.FrameHeaders, http2.FlagHeadersEndStream, 1, c.request())
		if _, after, ok := c.ended(30 * time.Second); !ok || after > 15*time.Second {
			t.Errorf("half a header block: ended %v after %v", ok, after)
		}
		c.noCall()
	})
	// Nor does one that comes in drops, with a request that runs beside it.
	site{limits: limits, noisy: true}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		c.call()
		c.raw(http2.FrameHeaders, http2.FlagHeadersEndStream, 3, c.request())
		gone := false
		for range 30 {
			time.Sleep(time.Second)
			c.raw(http2.FrameContinuation, 0, 3, nil)
			frames := c.heard()
			if n := len(frames); n > 0 && frames[n-1].gone != nil {
				gone = true
				break
			}
		}
		if !gone {
			t.Error("a header block may take 30s")
		}
	})
}

// TestConformSilentClient: who connects and says nothing, or half the preface, is not kept.
func TestConformSilentClient(t *testing.T) {
	for name, first := range map[string]string{"nothing": "", "half a preface": http2.ClientPreface[:10], "a preface alone": http2.ClientPreface} {
		t.Run(name, func(t *testing.T) {
			site{silent: true, noisy: true, limits: func(s *http.Server) { s.ReadHeaderTimeout = 5 * time.Second; s.IdleTimeout = 10 * time.Second }}.visit(t, func(t *testing.T, c *visitor) {
				io.WriteString(c.conn, first)
				if _, after, ok := c.ended(time.Minute); !ok || after > 20*time.Second {
					t.Errorf("ended %v after %v", ok, after)
				}
			})
		})
	}
	// Whatever comes instead of a preface.
	for _, garbage := range []string{"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x01\ainfinfin\ad"} {
		site{silent: true, noisy: true, limits: func(s *http.Server) { s.ReadHeaderTimeout = 5 * time.Second; s.IdleTimeout = 10 * time.Second }}.visit(t, func(t *testing.T, c *visitor) {
			if strings.Contains(garbage, "XX") && c.scheme == "http" {
				return // a request of HTTP/1.1 to net/http
			}
			io.WriteString(c.conn, garbage)
			if _, _, ok := c.ended(time.Minute); !ok {
				t.Errorf("%q: the connection goes on", garbage)
			}
		})
	}
}

// TestConformWriteByteTimeout: http.HTTP2Config.WriteByteTimeout ends a connection that takes nothing,
// and only that.
func TestConformWriteByteTimeout(t *testing.T) {
	s := site{
		noisy: true,
		limits: func(s *http.Server) {
			s.HTTP2 = &http.HTTP2Config{WriteByteTimeout: 5 * time.Second}
			s.IdleTimeout = time.Hour
		},
		settings: []http2.Setting{set(http2.SettingInitialWindowSize, maxWindow)},
	}
	s.visit(t, func(t *testing.T, c *visitor) {
		c.window(0, maxWindow-65535)
		c.quiet()
		c.memory.deaf(1)
		c.get(1)
		call := c.call()
		write := call.begin(func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := io.WriteString(w, strings.Repeat("x", 64<<10)); err != nil {
					return
				}
			}
		})
		start := time.Now()
		<-write
		if d := time.Since(start); d < 4*time.Second || d > 30*time.Second {
			t.Errorf("the write ended after %v, want about 5s", d)
		}
		call.finish()
		c.memory.hear()
		if _, _, ok := c.ended(10 * time.Second); !ok {
			t.Error("the connection goes on")
		}
	})
	// Slow is not dead.
	s.visit(t, func(t *testing.T, c *visitor) {
		c.window(0, maxWindow-65535)
		c.get(1)
		call := c.call()
		write := call.begin(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, strings.Repeat("x", 1<<20))
			w.(http.Flusher).Flush()
		})
		for range 30 {
			c.memory.deaf(32 << 10)
			time.Sleep(3 * time.Second)
			c.memory.hear()
			c.quiet()
		}
		if !over(write) {
			t.Error("the write does not end")
		}
		c.wantAny("DATA 1 ...")
		c.wantAlive()
	})
}

// wantAny requires that among what came is a frame like want, and that the connection has not ended.
func (v *visitor) wantAny(want string) {
	v.t.Helper()
	frames := v.heard()
	found := false
	for _, f := range frames {
		found = found || alike(want, f.String())
		if f.gone != nil {
			v.t.Errorf("the connection ended")
		}
	}
	if !found {
		v.t.Errorf("the server sent:%s\nwant among it %s", transcript(frames), want)
	}
}

// TestConformPingTimeout: http.HTTP2Config.SendPingTimeout and PingTimeout find out who is gone.
func TestConformPingTimeout(t *testing.T) {
	s := site{noisy: true, limits: func(s *http.Server) {
		s.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second}
	}}
	s.visit(t, func(t *testing.T, c *visitor) {
		c.ignorePings()
		c.get(1)
		c.call()
		time.Sleep(14 * time.Second)
		c.want()
		time.Sleep(2 * time.Second)
		c.want("PING ...")
		time.Sleep(3 * time.Second)
		c.want()
		if _, after, ok := c.ended(10 * time.Second); !ok || after > 5*time.Second {
			t.Errorf("a PING without answer: ended %v after %v", ok, after)
		}
	})
	s.visit(t, func(t *testing.T, c *visitor) {
		c.ignorePings()
		c.get(1)
		call := c.call()
		for range 10 {
			time.Sleep(15*time.Second + time.Millisecond)
			f := c.heard()
			if len(f) != 1 || f[0].kind != http2.FramePing {
				t.Fatalf("the server sent:%s\nwant PING", transcript(f))
			}
			c.write(func(fr *http2.Framer) error { return fr.WritePing(true, [8]byte(f[0].data)) })
			c.quiet()
		}
		call.finish()
		c.wantAny("HEADERS 1 END ...")
	})
}
