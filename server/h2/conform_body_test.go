package h2_test

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// TestConformBody: the body that the handler reads is the DATA that the client sends.
func TestConformBody(t *testing.T) {
	cases := []struct {
		name   string
		length string // content-length
		send   func(c *visitor)
		want   string
		size   int64
	}{
		{"none", "", func(c *visitor) { c.end(1, "") }, "", -1},
		{"one frame", "", func(c *visitor) { c.end(1, "some content") }, "some content", -1},
		{"two frames", "", func(c *visitor) { c.data(1, "some "); c.end(1, "content") }, "some content", -1},
		{"an empty frame between", "", func(c *visitor) { c.data(1, "some "); c.data(1, ""); c.end(1, "content") }, "some content", -1},
		{"an empty frame at the end", "12", func(c *visitor) { c.data(1, "some content"); c.end(1, "") }, "some content", 12},
		{"a length", "12", func(c *visitor) { c.end(1, "some content") }, "some content", 12},
		{"a length of nothing", "0", func(c *visitor) { c.end(1, "") }, "", 0},
		{"padding is not content", "12", func(c *visitor) { // RFC 9113, section 6.1
			c.write(func(fr *http2.Framer) error {
				return fr.WriteDataPadded(1, true, []byte("some content"), make([]byte, 200))
			})
		}, "some content", 12},
		{"nothing but padding", "0", func(c *visitor) {
			c.write(func(fr *http2.Framer) error { return fr.WriteDataPadded(1, true, nil, make([]byte, 255)) })
		}, "", 0},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			site{}.visit(t, func(t *testing.T, c *visitor) {
				if tc.length != "" {
					c.post(1, "content-length", tc.length)
				} else {
					c.post(1)
				}
				call := c.call()
				if call.r.ContentLength != tc.size {
					t.Errorf("ContentLength = %d, want %d", call.r.ContentLength, tc.size)
				}
				tc.send(c)
				call.do(func(w http.ResponseWriter, r *http.Request) {
					got, err := io.ReadAll(r.Body)
					if string(got) != tc.want || err != nil {
						t.Errorf("the handler read %q, %v, want %q", got, err, tc.want)
					}
					if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
						t.Errorf("after the end Read = %d, %v, want 0, EOF", n, err)
					}
					if err := r.Body.Close(); err != nil {
						t.Errorf("Close = %v", err)
					}
				})
				call.finish()
				c.want("HEADERS 1 END :status=200 content-length=0")
			})
		})
	}
}

// TestConformBodyNone: a request that ends with its HEADERS has no body, whatever its method.
func TestConformBodyNone(t *testing.T) {
	for _, more := range [][]string{{":method", "POST"}, {":method", "POST", "content-length", "0"}, {":method", "HEAD"}, {":method", "DELETE"}} {
		site{}.visit(t, func(t *testing.T, c *visitor) {
			c.get(1, more...)
			c.call().do(func(w http.ResponseWriter, r *http.Request) {
				if got, err := io.ReadAll(r.Body); len(got) > 0 || err != nil || r.ContentLength != 0 {
					t.Errorf("%v: a body of %q, %v, ContentLength %d", more, got, err, r.ContentLength)
				}
			})
		})
	}
}

// TestConformBodyLength: content-length against DATA: a sum that differs is malformed, a stream error
// of type PROTOCOL_ERROR, and the handler's reads and its context tell: RFC 9113, section 8.1.1.
func TestConformBodyLength(t *testing.T) {
	cases := []struct {
		name   string
		length string
		send   func(c *visitor)
	}{
		{"too short", "4", func(c *visitor) { c.end(1, "123") }},
		{"nothing", "4", func(c *visitor) { c.end(1, "") }},
		{"too short, then trailers", "4", func(c *visitor) { c.data(1, "123"); c.headers(1, true, c.pack("x", "y")) }},
		{"too long", "4", func(c *visitor) { c.end(1, "12345") }},
		{"too long, and not the end", "4", func(c *visitor) { c.data(1, "12345") }},
		{"too long in two frames", "4", func(c *visitor) { c.data(1, "1234"); c.data(1, "5") }},
		{"something for nothing", "0", func(c *visitor) { c.end(1, "1") }},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			site{}.visit(t, func(t *testing.T, c *visitor) {
				c.post(1, "content-length", tc.length)
				call := c.call()
				tc.send(c)
				c.want("RST_STREAM 1 PROTOCOL_ERROR")
				call.do(func(w http.ResponseWriter, r *http.Request) {
					if got, err := io.ReadAll(r.Body); err == nil {
						t.Errorf("the handler read %q and no error", got)
					}
					<-r.Context().Done()
				})
				call.finish()
				c.wantAlive()
			})
		})
	}
	// The same when HEADERS ends the stream: no handler is called.
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1, ":method", "POST", "content-length", "4")
		c.want("RST_STREAM 1 PROTOCOL_ERROR")
		c.noCall()
	})
}

// TestConformTrailers: trailers are there when the body has been read: RFC 9113, section 8.1. Which
// ones were announced is known before.
func TestConformTrailers(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.post(1, "trailer", "Foo, Bar", "trailer", "Baz")
		call := c.call()
		if want := (http.Header{"Foo": nil, "Bar": nil, "Baz": nil}); !reflect.DeepEqual(call.r.Trailer, want) {
			t.Errorf("before the body Trailer = %v, want %v", call.r.Trailer, want)
		}
		c.data(1, "body")
		c.headers(1, true, c.pack("foo", "foov", "bar", "barv", "baz", "bazv", "surprise", "was not announced"))
		call.do(func(w http.ResponseWriter, r *http.Request) {
			if got, err := io.ReadAll(r.Body); string(got) != "body" || err != nil {
				t.Errorf("the handler read %q, %v", got, err)
			}
			if want := (http.Header{"Foo": {"foov"}, "Bar": {"barv"}, "Baz": {"bazv"}}); !reflect.DeepEqual(r.Trailer, want) {
				t.Errorf("after the body Trailer = %v, want %v", r.Trailer, want)
			}
		})
	})
}

// TestConformTrailersMalformed: RFC 9113, section 8.1: trailers end the stream and have no
// pseudo-header fields.
func TestConformTrailersMalformed(t *testing.T) {
	cases := map[string]func(c *visitor){
		"they do not end the stream": func(c *visitor) { c.headers(1, false, c.pack("x", "y")) },
		"a pseudo-header field":      func(c *visitor) { c.headers(1, true, c.pack(":path", "/x")) },
		"an upper case name":         func(c *visitor) { c.headers(1, true, c.pack("Upper", "x")) },
		"a line feed":                func(c *visitor) { c.headers(1, true, c.pack("x", "a\nb")) },
	}
	for name, send := range cases {
		t.Run(name, func(t *testing.T) {
			site{}.visit(t, func(t *testing.T, c *visitor) {
				c.post(1, "trailer", "x")
				call := c.call()
				c.data(1, "body")
				send(c)
				c.want("RST_STREAM 1 PROTOCOL_ERROR")
				call.do(func(w http.ResponseWriter, r *http.Request) {
					if _, err := io.ReadAll(r.Body); err == nil {
						t.Error("the handler read the body without an error")
					}
				})
				c.wantAlive()
			})
		})
	}
}

// TestConformExpect: "Expect: 100-continue" is answered when the handler first reads, and not if it
// has answered before: RFC 9110, section 10.1.1.
func TestConformExpect(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.post(1, "expect", "100-Continue")
		call := c.call()
		if got := call.r.Header.Get("Expect"); got != "" {
			t.Errorf("the handler sees Expect: %q, want it to be the server's affair", got)
		}
		c.want()
		read := call.begin(func(w http.ResponseWriter, r *http.Request) {
			if got, err := io.ReadAll(r.Body); string(got) != "body" || err != nil {
				t.Errorf("the handler read %q, %v", got, err)
			}
		})
		c.want("HEADERS 1 :status=100")
		c.end(1, "body")
		<-read
		call.finish()
		c.want("HEADERS 1 END :status=200 content-length=0")

		c.post(3, "expect", "100-continue")
		call = c.call()
		call.write("no need")
		c.want("HEADERS 3 :status=200 ...", `DATA 3 "no need"`)
		read = call.begin(func(w http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body) })
		c.want()
		c.end(3, "")
		<-read
		call.finish()
		c.want(`DATA 3 END ""`)

		c.post(5, "expect", "100-continue")
		call = c.call()
		call.do(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) })
		call.finish()
		c.want("HEADERS 5 END :status=403 content-length=0", "RST_STREAM 5 NO_ERROR")
	})
}

// TestConformBodyUnread: a handler that ends before its request does has answered it; the client is
// asked to stop without an error (RFC 9113, section 8.1), and what it has sent on the connection's
// window is granted again, once.
func TestConformBodyUnread(t *testing.T) {
	const some = 32 << 10
	wants := []struct {
		name string
		read func(r *http.Request)
	}{
		{"not read", func(r *http.Request) {}},
		{"closed", func(r *http.Request) { r.Body.Close() }},
		{"read a little and closed", func(r *http.Request) { r.Body.Read(make([]byte, 1)); r.Body.Close() }},
		{"replaced", func(r *http.Request) { r.Body = http.MaxBytesReader(nil, r.Body, 5) }},
	}
	for _, tc := range wants {
		t.Run(tc.name, func(t *testing.T) {
			site{limits: uploads(1<<20, 1<<20)}.visit(t, func(t *testing.T, c *visitor) {
				c.granted(0)
				c.post(1)
				call := c.call()
				c.data(1, strings.Repeat("x", some))
				call.do(func(w http.ResponseWriter, r *http.Request) { tc.read(r) })
				call.finish()
				c.want("HEADERS 1 END :status=200 content-length=0", "RST_STREAM 1 NO_ERROR")
				// DATA in flight when the stream was reset is dropped and its credit granted.
				c.data(1, strings.Repeat("y", some))
				c.heard()
				spend(c, some*2)
			})
		})
	}
	t.Run("reset", func(t *testing.T) {
		site{limits: uploads(1<<20, 1<<20)}.visit(t, func(t *testing.T, c *visitor) {
			c.granted(0)
			c.post(1)
			call := c.call()
			c.data(1, strings.Repeat("x", some))
			c.reset(1, http2.ErrCodeCancel)
			c.want()
			call.do(func(w http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body) })
			call.finish()
			c.want()
			spend(c, some)
		})
	})
	t.Run("read when the handler is gone", func(t *testing.T) {
		site{limits: uploads(1<<20, 1<<20)}.visit(t, func(t *testing.T, c *visitor) {
			c.granted(0)
			c.post(1)
			call := c.call()
			c.data(1, strings.Repeat("x", some))
			c.quiet()
			call.finish()
			c.quiet()
			if _, err := io.ReadAll(call.r.Body); err == nil {
				t.Error("the body can be read after the handler has returned")
			}
			c.want("HEADERS 1 END :status=200 content-length=0", "RST_STREAM 1 NO_ERROR")
			spend(c, some)
		})
	})
}

// uploads sets the windows for what clients send.
func uploads(conn, stream int) func(*http.Server) {
	return func(s *http.Server) {
		s.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerConnection: conn, MaxReceiveBufferPerStream: stream}
	}
}

// spend uses up the connection's window, of 1 MiB of which used has been spent, in uploads that are
// read to their end. It fails if the server has not granted what it took: never more than half of the
// window may be held back.
func spend(c *visitor, used int64) {
	c.t.Helper()
	window := int64(1<<20) - used + c.granted(0)
	if window > 1<<20 {
		c.t.Fatalf("the server granted %d bytes more than it took", window-1<<20)
	}
	for id := uint32(101); id < 131; id += 2 {
		n := min(window, 128<<10)
		c.post(id)
		call := c.call()
		c.end(id, strings.Repeat("z", int(n)))
		call.do(func(w http.ResponseWriter, r *http.Request) {
			if got, err := io.ReadAll(r.Body); int64(len(got)) != n || err != nil {
				c.t.Errorf("upload %d: %d bytes, %v", id, len(got), err)
			}
		})
		call.finish()
		window += c.granted(0) - n
		if window < 512<<10 || window > 1<<20 {
			c.t.Fatalf("after upload %d the connection's window is %d, want 512 KiB to 1 MiB", id, window)
		}
	}
}

// TestConformBodyClosed: a handler that closes the body still answers at its leisure; the client may
// go on sending, which is dropped.
func TestConformBodyClosed(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.post(1)
		call := c.call()
		call.write("one")
		c.want("HEADERS 1 :status=200 ...", `DATA 1 "one"`)
		call.do(func(w http.ResponseWriter, r *http.Request) {
			r.Body.Close()
			if _, err := r.Body.Read(make([]byte, 1)); err == nil {
				t.Error("a closed body can be read")
			}
		})
		c.data(1, "sent in vain")
		c.want()
		call.write("two")
		c.want(`DATA 1 "two"`)
	})
}

// TestConformBodyGone: what ends a stream ends the handler's reads and its context.
func TestConformBodyGone(t *testing.T) {
	ends := map[string]func(c *visitor){
		"RST_STREAM":               func(c *visitor) { c.reset(1, http2.ErrCodeCancel) },
		"disconnect":               func(c *visitor) { c.conn.Close() },
		"stream error":             func(c *visitor) { c.window(1, 1<<31-1) },
		"more than content-length": func(c *visitor) { c.data(1, "12345") },
		"connection error":         func(c *visitor) { c.raw(http2.FramePing, 0, 1, make([]byte, 8)) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
				c.post(1, "content-length", "4")
				call := c.call()
				read := call.begin(func(w http.ResponseWriter, r *http.Request) {
					if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
						t.Errorf("Read = %d, %v, want an error", n, err)
					}
					<-r.Context().Done()
				})
				if over(read) {
					t.Fatal("the read does not wait")
				}
				end(c)
				time.Sleep(3 * time.Second) // a server may wait for its GOAWAY to arrive
				if !over(read) {
					t.Error("the read does not end")
				}
				call.do(func(w http.ResponseWriter, r *http.Request) {
					_, err := w.Write(make([]byte, 64<<10))
					if err == nil {
						err = http.NewResponseController(w).Flush()
					}
					if err == nil {
						t.Error("a write succeeds after that")
					}
				})
				call.finish()
			})
		})
	}
}

// TestConformContextAfter: the context of a request ends with its handler.
func TestConformContextAfter(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		call := c.call()
		ctx := call.r.Context()
		if ctx.Err() != nil {
			t.Error("the context has ended before the handler")
		}
		call.finish()
		c.want("HEADERS 1 END ...")
		if ctx.Err() == nil {
			t.Error("the context goes on after the handler")
		}
	})
}

// TestConformBodyRace: closing a body while it is read is not a race.
func TestConformBodyRace(t *testing.T) {
	against(t, func(w http.ResponseWriter, r *http.Request) {
		go r.Body.Close()
		io.Copy(io.Discard, r.Body)
	}, func(t *testing.T, c *visitor) {
		for id := uint32(1); id < 100; id += 2 {
			c.post(id)
			c.data(id, strings.Repeat("x", 1024))
			c.end(id, "")
			got := transcript(c.heard())
			if !strings.Contains(got, fmt.Sprintf("HEADERS %d ", id)) && !strings.Contains(got, fmt.Sprintf("RST_STREAM %d ", id)) {
				t.Fatalf("no answer for stream %d:%s", id, got)
			}
		}
	})
}

// TestConformFullDuplex: an answer may begin, and end in parts, while the request is still coming.
func TestConformFullDuplex(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.post(1)
		call := c.call()
		call.do(func(w http.ResponseWriter, r *http.Request) {
			if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
				t.Errorf("EnableFullDuplex = %v, want nil: HTTP/2 always is", err)
			}
		})
		buf := make([]byte, 100)
		for i := range 5 {
			word := fmt.Sprint("word ", i)
			c.data(1, word)
			call.do(func(w http.ResponseWriter, r *http.Request) {
				n, err := r.Body.Read(buf)
				if err != nil {
					t.Errorf("Body.Read = %v", err)
				}
				w.Write(buf[:n])
				w.(http.Flusher).Flush()
			})
			if i == 0 {
				c.want(`HEADERS 1 :status=200 content-type="text/plain; charset=utf-8"`, fmt.Sprintf("DATA 1 %q", word))
			} else {
				c.want(fmt.Sprintf("DATA 1 %q", word))
			}
		}
		c.end(1, "")
		c.quiet()
		call.finish()
		c.want(`DATA 1 END ""`)
	})
}

// TestConformReadDeadline: ResponseController.SetReadDeadline.
func TestConformReadDeadline(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.post(1)
		call := c.call()
		start := time.Now()
		call.do(func(w http.ResponseWriter, r *http.Request) {
			ctl := http.NewResponseController(w)
			if err := ctl.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
				t.Errorf("SetReadDeadline = %v", err)
			}
			if _, err := r.Body.Read(make([]byte, 1)); err == nil || err == io.EOF {
				t.Errorf("Read = %v, want a time-out", err)
			}
		})
		if d := time.Since(start); d != time.Second {
			t.Errorf("the read ended after %v, want 1s", d)
		}
		// A deadline that is taken back, or moved on, does not ring.
		c.post(3)
		call = c.call()
		read := call.begin(func(w http.ResponseWriter, r *http.Request) {
			ctl := http.NewResponseController(w)
			ctl.SetReadDeadline(time.Now().Add(time.Second))
			ctl.SetReadDeadline(time.Time{})
			if got, err := io.ReadAll(r.Body); string(got) != "late" || err != nil {
				t.Errorf("the handler read %q, %v", got, err)
			}
		})
		time.Sleep(time.Hour)
		c.end(3, "late")
		if !over(read) {
			t.Error("the read does not end")
		}
	})
}
