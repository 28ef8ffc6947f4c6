package h2_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// TestConformFrameErrors: frames that end the connection, whatever its streams do.
func TestConformFrameErrors(t *testing.T) {
	const (
		headers      = http2.FrameHeaders
		endStream    = http2.FlagHeadersEndStream
		endHeaders   = http2.FlagHeadersEndHeaders
		continuation = http2.FrameContinuation
	)
	open := func(c *visitor) { c.post(1); c.call() }
	begin := func(c *visitor) { c.raw(headers, endStream, 1, c.request()) } // a block that must go on
	cases := []struct {
		name string
		send func(c *visitor)
		code http2.ErrCode
	}{
		// RFC 9113, section 5.1: idle streams.
		{"DATA on an idle stream", func(c *visitor) { c.end(123, "x") }, http2.ErrCodeProtocol},
		{"RST_STREAM on an idle stream", func(c *visitor) { c.reset(123, http2.ErrCodeCancel) }, http2.ErrCodeProtocol},
		{"WINDOW_UPDATE on an idle stream", func(c *visitor) { c.window(123, 456) }, http2.ErrCodeProtocol},
		{"CONTINUATION on an idle stream", func(c *visitor) { c.raw(continuation, endHeaders, 123, c.request()) }, http2.ErrCodeProtocol},
		// RFC 9113, section 5.1.1: identifiers.
		{"an even identifier", func(c *visitor) { c.get(2) }, http2.ErrCodeProtocol},
		{"an identifier that falls", func(c *visitor) { c.get(5); c.call(); c.get(3) }, http2.ErrCodeProtocol},
		{"RST_STREAM of a stream the server never promised", func(c *visitor) { c.reset(2, http2.ErrCodeCancel) }, http2.ErrCodeProtocol},
		// RFC 9113, section 6: frames on stream 0.
		{"DATA on stream 0", func(c *visitor) { c.data(0, "x") }, http2.ErrCodeProtocol},
		{"HEADERS on stream 0", func(c *visitor) { c.get(0) }, http2.ErrCodeProtocol},
		{"PRIORITY on stream 0", func(c *visitor) { c.raw(http2.FramePriority, 0, 0, make([]byte, 5)) }, http2.ErrCodeProtocol},
		{"RST_STREAM on stream 0", func(c *visitor) { c.reset(0, http2.ErrCodeCancel) }, http2.ErrCodeProtocol},
		{"CONTINUATION on stream 0", func(c *visitor) { c.raw(continuation, endHeaders, 0, nil) }, http2.ErrCodeProtocol},
		// and those that belong there.
		{"PING on a stream", func(c *visitor) { c.raw(http2.FramePing, 0, 1, make([]byte, 8)) }, http2.ErrCodeProtocol},
		{"GOAWAY on a stream", func(c *visitor) { c.raw(http2.FrameGoAway, 0, 1, make([]byte, 8)) }, http2.ErrCodeProtocol},
		// Sizes.
		{"PING of 7 octets", func(c *visitor) { c.raw(http2.FramePing, 0, 0, make([]byte, 7)) }, http2.ErrCodeFrameSize},
		{"GOAWAY of 7 octets", func(c *visitor) { c.raw(http2.FrameGoAway, 0, 0, make([]byte, 7)) }, http2.ErrCodeFrameSize},
		{"RST_STREAM of 3 octets", func(c *visitor) { open(c); c.raw(http2.FrameRSTStream, 0, 1, make([]byte, 3)) }, http2.ErrCodeFrameSize},
		{"WINDOW_UPDATE of 3 octets", func(c *visitor) { c.raw(http2.FrameWindowUpdate, 0, 0, make([]byte, 3)) }, http2.ErrCodeFrameSize},
		{"a frame larger than agreed", func(c *visitor) { open(c); c.raw(http2.FrameData, 0, 1, make([]byte, c.largest()+1)) }, http2.ErrCodeFrameSize},
		{"HEADERS larger than agreed", func(c *visitor) { c.raw(headers, endHeaders, 1, make([]byte, c.largest()+1)) }, http2.ErrCodeFrameSize},
		{"an unknown frame larger than agreed", func(c *visitor) { c.raw(0xfe, 0, 0, make([]byte, c.largest()+1)) }, http2.ErrCodeFrameSize},
		// RFC 9113, sections 6.1 and 6.2: padding beyond the frame.
		{"DATA padded beyond itself", func(c *visitor) { open(c); c.raw(http2.FrameData, http2.FlagDataPadded, 1, []byte{5, 'x', 'y'}) }, http2.ErrCodeProtocol},
		{"DATA padded by its whole length", func(c *visitor) { open(c); c.raw(http2.FrameData, http2.FlagDataPadded, 1, []byte{3, 'x', 'y'}) }, http2.ErrCodeProtocol},
		{"HEADERS padded beyond itself", func(c *visitor) {
			c.raw(headers, http2.FlagHeadersPadded|endHeaders|endStream, 1, append([]byte{200}, c.request()...))
		}, http2.ErrCodeProtocol},
		{"padded HEADERS of nothing", func(c *visitor) { c.raw(headers, http2.FlagHeadersPadded|endHeaders|endStream, 1, nil) }, http2.ErrCodeFrameSize},
		{"HEADERS too short for its priority", func(c *visitor) {
			c.raw(headers, http2.FlagHeadersPriority|endHeaders|endStream, 1, make([]byte, 4))
		}, http2.ErrCodeFrameSize},
		// RFC 9113, section 6.10: nothing comes between the frames of a header block.
		{"HEADERS within a header block", func(c *visitor) { begin(c); c.get(3) }, http2.ErrCodeProtocol},
		{"PING within a header block", func(c *visitor) { begin(c); c.ping("12345678") }, http2.ErrCodeProtocol},
		{"DATA within a header block", func(c *visitor) { begin(c); c.data(1, "x") }, http2.ErrCodeProtocol},
		{"an unknown frame within a header block", func(c *visitor) { begin(c); c.raw(0xfe, 0, 0, nil) }, http2.ErrCodeProtocol},
		{"CONTINUATION of another stream", func(c *visitor) { begin(c); c.raw(continuation, endHeaders, 3, nil) }, http2.ErrCodeProtocol},
		{"CONTINUATION of a block that has ended", func(c *visitor) { c.get(1); c.call(); c.raw(continuation, endHeaders, 1, nil) }, http2.ErrCodeProtocol},
		// RFC 9113, section 8.4: clients do not push.
		{"PUSH_PROMISE", func(c *visitor) {
			open(c)
			c.raw(http2.FramePushPromise, endHeaders, 1, append([]byte{0, 0, 0, 2}, c.request()...))
		}, http2.ErrCodeProtocol},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
				tc.send(c)
				c.wantClosed(tc.code)
			})
		})
	}
}

// largest is the largest frame that the server takes.
func (v *visitor) largest() int {
	if n, ok := v.theirs[http2.SettingMaxFrameSize]; ok {
		return int(n)
	}
	return 16 << 10
}

// TestConformFramesIgnored: what a server must not mind: RFC 9113, sections 4.1, 5.5 and 6.
func TestConformFramesIgnored(t *testing.T) {
	priority := func(dep uint32, weight byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, dep), weight)
	}
	cases := map[string]func(c *visitor){
		"an unknown type":                   func(c *visitor) { c.raw(0xfe, 0xff, 0, []byte("anything")) },
		"an unknown type on a stream":       func(c *visitor) { c.raw(0x0b, 0xff, 1, []byte("anything")) },
		"an unknown type on an idle stream": func(c *visitor) { c.raw(0xfe, 0xff, 99, nil) },
		"PRIORITY":                          func(c *visitor) { c.raw(http2.FramePriority, 0, 1, priority(0, 10)) },
		"PRIORITY on an idle stream":        func(c *visitor) { c.raw(http2.FramePriority, 0, 99, priority(1, 10)) },
		"PRIORITY on an even stream":        func(c *visitor) { c.raw(http2.FramePriority, 0, 98, priority(1, 10)) },
		"PING with an acknowledgement":      func(c *visitor) { c.write(func(fr *http2.Framer) error { return fr.WritePing(true, [8]byte{1}) }) },
		"PING with unknown flags":           func(c *visitor) { c.raw(http2.FramePing, http2.FlagPingAck|0xf0, 0, make([]byte, 8)) },
		"a reserved bit":                    func(c *visitor) { c.conn.Write([]byte{0, 0, 4, 8, 0, 0x80, 0, 0, 1, 0x80, 0, 0, 1}) }, // RFC 9113, sections 4.1 and 6.9
	}
	for name, send := range cases {
		t.Run(name, func(t *testing.T) {
			site{}.visit(t, func(t *testing.T, c *visitor) {
				c.post(1)
				call := c.call()
				send(c)
				c.want()
				c.wantAlive()
				c.end(1, "body")
				call.do(func(w http.ResponseWriter, r *http.Request) {
					if got, err := io.ReadAll(r.Body); string(got) != "body" || err != nil {
						t.Errorf("the handler read %q, %v", got, err)
					}
				})
				call.finish()
				c.want("HEADERS 1 END ...")
			})
		})
	}
	// They keep to themselves on an idle stream: it can still be opened.
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.raw(http2.FramePriority, 0, 3, priority(0, 10))
		c.raw(0xfe, 0, 5, nil)
		c.get(1)
		c.call()
		c.get(3)
		c.call()
		c.get(5)
		c.call()
	})
}

// TestConformHalfClosed: a client that has ended its stream may send no more on it: RFC 9113, section 5.1.
func TestConformHalfClosed(t *testing.T) {
	cases := map[string]func(c *visitor){
		"DATA":                       func(c *visitor) { c.data(1, "x") },
		"the end of a stream twice":  func(c *visitor) { c.end(1, "") },
		"HEADERS":                    func(c *visitor) { c.headers(1, true, c.request()) },
		"HEADERS that do not end it": func(c *visitor) { c.headers(1, false, c.request()) },
	}
	for name, send := range cases {
		t.Run(name, func(t *testing.T) {
			site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
				c.get(1)
				call := c.call()
				send(c)
				got := c.heard()
				if len(got) == 0 || !alike("RST_STREAM 1 STREAM_CLOSED | GOAWAY * STREAM_CLOSED", got[0].String()) {
					t.Errorf("the server sent:%s\nwant STREAM_CLOSED", transcript(got))
				}
				<-call.r.Context().Done() // the handler is told
			})
		})
	}
	// WINDOW_UPDATE, PRIORITY and RST_STREAM it may.
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		call := c.call()
		c.window(1, 10)
		c.raw(http2.FramePriority, 0, 1, make([]byte, 5))
		c.want()
		c.reset(1, http2.ErrCodeCancel)
		<-call.r.Context().Done()
		c.wantAlive()
	})
}

// TestConformClosed: on a stream that has ended, both ways or by a reset, little is an error, but new
// HEADERS are: RFC 9113, section 5.1.
func TestConformClosed(t *testing.T) {
	end := map[string]func(c *visitor){
		"answered": func(c *visitor) {
			c.get(1)
			c.call().finish()
			c.want("HEADERS 1 END ...")
		},
		"reset": func(c *visitor) {
			c.post(1)
			call := c.call()
			c.reset(1, http2.ErrCodeCancel)
			c.quiet()
			call.finish()
			c.want()
		},
	}
	bad := map[string]func(c *visitor){
		"DATA":         func(c *visitor) { c.data(1, "x") },
		"HEADERS":      func(c *visitor) { c.get(1) },
		"CONTINUATION": func(c *visitor) { c.raw(http2.FrameContinuation, http2.FlagContinuationEndHeaders, 1, nil) },
	}
	fine := map[string]func(c *visitor){
		"RST_STREAM":    func(c *visitor) { c.reset(1, http2.ErrCodeCancel) },
		"WINDOW_UPDATE": func(c *visitor) { c.window(1, 1) },
		"PRIORITY":      func(c *visitor) { c.raw(http2.FramePriority, 0, 1, make([]byte, 5)) },
	}
	for state, begin := range end {
		for name, send := range bad {
			t.Run(state+", then "+name, func(t *testing.T) {
				site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
					begin(c)
					send(c)
					got := c.heard()
					if len(got) == 0 || !alike("RST_STREAM 1 STREAM_CLOSED | GOAWAY * STREAM_CLOSED | GOAWAY * PROTOCOL_ERROR", got[0].String()) {
						t.Errorf("the server sent:%s\nwant STREAM_CLOSED", transcript(got))
					}
					c.noCall()
				})
			})
		}
		for name, send := range fine {
			t.Run(state+", then "+name, func(t *testing.T) {
				site{}.visit(t, func(t *testing.T, c *visitor) {
					begin(c)
					send(c)
					c.want()
					c.wantAlive()
				})
			})
		}
	}
}

// TestConformSkippedStreams: identifiers that are skipped are closed: RFC 9113, section 5.1.1.
func TestConformSkippedStreams(t *testing.T) {
	site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
		c.get(7)
		c.call().finish()
		c.want("HEADERS 7 END ...")
		c.window(3, 1) // a closed stream, so no error
		c.want()
		c.wantAlive()
	})
}

// TestConformLastStreams: the last identifiers there are.
func TestConformLastStreams(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		for _, id := range []uint32{1, 1<<31 - 3, 1<<31 - 1} {
			c.get(id)
			c.call().finish()
			c.want(fmt.Sprintf("HEADERS %d END ...", id))
		}
		c.wantAlive()
	})
}

// TestConformReset: a reset cancels the handler and frees its place; the server sends no more on that stream.
func TestConformReset(t *testing.T) {
	for _, code := range []http2.ErrCode{http2.ErrCodeCancel, http2.ErrCodeNo, http2.ErrCodeRefusedStream, 0xfafafafa} {
		site{}.visit(t, func(t *testing.T, c *visitor) {
			c.get(1)
			call := c.call()
			call.write("part")
			c.want("HEADERS 1 ...", `DATA 1 "part"`)
			c.reset(1, code)
			c.quiet()
			if call.r.Context().Err() == nil {
				t.Errorf("%v: the context goes on", code)
			}
			call.do(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, strings.Repeat("more", 10000))
				w.(http.Flusher).Flush()
			})
			call.finish()
			c.want()
			c.wantAlive()
		})
	}
	// Before the handler has written.
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.post(1)
		call := c.call()
		c.reset(1, http2.ErrCodeCancel)
		c.quiet()
		call.do(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("foo", "bar")
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
		})
		call.finish()
		c.want()
	})
}

// TestConformTooManyStreams: beyond SETTINGS_MAX_CONCURRENT_STREAMS a stream is refused, its header
// block decoded all the same; as one ends another may begin: RFC 9113, section 5.1.2.
func TestConformTooManyStreams(t *testing.T) {
	const limit = 10
	site{limits: func(s *http.Server) { s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: limit} }}.visit(t, func(t *testing.T, c *visitor) {
		var calls []*call
		id := uint32(1)
		for range limit {
			c.get(id)
			calls = append(calls, c.call())
			id += 2
		}
		block := c.request("x-indexed", "value")
		c.raw(http2.FrameHeaders, http2.FlagHeadersEndStream, id, block[:3])
		c.raw(http2.FrameContinuation, http2.FlagContinuationEndHeaders, id, block[3:])
		// RFC 9113, section 8.7: REFUSED_STREAM says that it may be tried again; PROTOCOL_ERROR is
		// right for a client that has acknowledged the limit.
		c.want(fmt.Sprintf("RST_STREAM %d REFUSED_STREAM | RST_STREAM %d PROTOCOL_ERROR", id, id))
		c.noCall()
		calls[0].finish()
		c.want("HEADERS 1 END ...")
		id += 2
		c.get(id, "x-indexed", "value")
		if got := c.call().r.Header.Get("X-Indexed"); got != "value" {
			t.Errorf("X-Indexed = %q", got)
		}
	})
	// Before the acknowledgement a client cannot know the limit, and is refused in a way that lets it try again.
	site{silent: true, limits: func(s *http.Server) { s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: limit} }}.visit(t, func(t *testing.T, c *visitor) {
		c.preface()
		for id := uint32(1); id < 2*limit+4; id += 2 {
			c.get(id)
		}
		c.want("SETTINGS ...", "SETTINGS ACK", "RST_STREAM 21 REFUSED_STREAM", "RST_STREAM 23 REFUSED_STREAM")
	})
}

// TestConformHandlersAfterReset: a handler lives on after its stream was reset, and it still counts:
// no more handlers than streams are allowed run for one connection.
func TestConformHandlersAfterReset(t *testing.T) {
	const limit = 10
	site{limits: func(s *http.Server) { s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: limit} }}.visit(t, func(t *testing.T, c *visitor) {
		var calls []*call
		id := uint32(1)
		for range limit {
			c.get(id)
			calls = append(calls, c.call())
			c.reset(id, http2.ErrCodeCancel)
			id += 2
		}
		c.get(id) // reset before it can start: it never does
		c.reset(id, http2.ErrCodeCancel)
		// One more may wait for its turn, or be refused so that it can be tried again.
		c.get(id+2, ":path", "/waits")
		c.noCall()
		refused := fmt.Sprintf("RST_STREAM %d REFUSED_STREAM", id+2)
		waits := true
		for _, f := range c.heard() {
			waits = waits && f.String() != refused
		}
		calls[0].finish()
		if waits {
			if got := c.call().r.URL.Path; got != "/waits" {
				t.Errorf("the handler was called for %s, want /waits", got)
			}
		} else {
			c.get(id + 4)
			c.call()
		}
		for _, call := range calls[1:] {
			call.finish()
		}
	})
}

// TestConformPing: RFC 9113, section 6.7.
func TestConformPing(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.ping("\x00\x01\x02\x03\xff\xfe\xfd\xfc")
		c.want(`PING ACK "\x00\x01\x02\x03\xff\xfe\xfd\xfc"`)
		c.get(1)
		call := c.call()
		c.wantAlive()
		// A ping is answered at once, even when a handler waits for a window.
		write := call.begin(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", 200<<10)) })
		c.heard()
		c.wantAlive()
		c.reset(1, http2.ErrCodeCancel)
		<-write
	})
}

// TestConformConcurrent: a hundred requests at once, answered in any order, none mixed with another.
func TestConformConcurrent(t *testing.T) {
	site{limits: func(s *http.Server) { s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 200} }}.visit(t, func(t *testing.T, c *visitor) {
		c.window(0, 1<<30)
		calls := map[string]*call{}
		for i := range uint32(100) {
			c.get(2*i+1, ":path", fmt.Sprint("/", 2*i+1), "x-id", fmt.Sprint(2*i+1))
		}
		for range 100 {
			call := c.call()
			calls[call.r.URL.Path] = call
		}
		for path, call := range calls {
			if call.r.Header.Get("X-Id") != path[1:] {
				t.Errorf("%s has X-Id %s", path, call.r.Header.Get("X-Id"))
			}
			call.do(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Id", path[1:])
				io.WriteString(w, strings.Repeat(path, 2000))
			})
			call.finish()
		}
		bodies, ended := map[uint32]string{}, 0
		for _, f := range c.heard() {
			if f.kind == http2.FrameHeaders && f.field("x-id") != fmt.Sprint(f.id) {
				t.Errorf("stream %d has x-id %s", f.id, f.field("x-id"))
			}
			bodies[f.id] += string(f.data)
			if f.end {
				ended++
			}
		}
		for id, body := range bodies {
			if want := strings.Repeat(fmt.Sprint("/", id), 2000); body != want {
				t.Errorf("stream %d has a body of %d bytes %.10q..., want %d", id, len(body), body, len(want))
			}
		}
		if ended != 100 {
			t.Errorf("%d streams ended", ended)
		}
	})
}
