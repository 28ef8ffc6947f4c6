package h2_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

const (
	text = `content-type="text/plain; charset=utf-8"`
	html = `content-type="text/html; charset=utf-8"`
)

// TestConformResponse: what a handler writes is what the client gets.
func TestConformResponse(t *testing.T) {
	flush := func(w http.ResponseWriter) { w.(http.Flusher).Flush() }
	cases := []struct {
		name    string
		handler func(w http.ResponseWriter, r *http.Request)
		more    []string
		want    []string
	}{
		{"nothing", func(w http.ResponseWriter, r *http.Request) {}, nil,
			[]string{"HEADERS 1 END :status=200 content-length=0"}},
		{"a field", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Foo-Bar", "v") }, nil,
			[]string{"HEADERS 1 END :status=200 content-length=0 foo-bar=v"}},
		{"a name as the map has it", func(w http.ResponseWriter, r *http.Request) { w.Header()["x-lOwEr"] = []string{"v"} }, nil,
			[]string{"HEADERS 1 END :status=200 content-length=0 x-lower=v"}}, // RFC 9113, section 8.2: names are lower case
		{"a repeated field", func(w http.ResponseWriter, r *http.Request) { w.Header()["X"] = []string{"1", "2"} }, nil,
			[]string{"HEADERS 1 END :status=200 content-length=0 x=1 x=2"}},
		{"a status", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) }, nil,
			[]string{"HEADERS 1 END :status=404 content-length=0"}},
		{"an odd status", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(799) }, nil,
			[]string{"HEADERS 1 END :status=799 content-length=0"}},
		{"a small body", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>this is HTML.") }, nil,
			[]string{"HEADERS 1 :status=200 content-length=19 " + html, `DATA 1 END "<html>this is HTML."`}},
		{"a body in two writes", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>"); io.WriteString(w, "two") }, nil,
			[]string{"HEADERS 1 :status=200 content-length=9 " + html, `DATA 1 END "<html>two"`}},
		{"a flush between", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "one")
			flush(w)
			io.WriteString(w, "two")
		}, nil,
			[]string{"HEADERS 1 :status=200 " + text, `DATA 1 END "onetwo"`}},
		{"a flush before the body", func(w http.ResponseWriter, r *http.Request) { flush(w); io.WriteString(w, "late") }, nil,
			[]string{"HEADERS 1 :status=200", `DATA 1 END "late"`}},
		{"a flush of nothing", func(w http.ResponseWriter, r *http.Request) { flush(w) }, nil,
			[]string{"HEADERS 1 :status=200", `DATA 1 END ""`}},
		{"an empty write", func(w http.ResponseWriter, r *http.Request) { w.Write(nil) }, nil,
			[]string{"HEADERS 1 END :status=200 content-length=0"}},
		{"fields after the body are too late", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("A", "in time")
			w.WriteHeader(200)
			w.Header().Set("A", "too late")
			w.Header().Set("B", "too late")
			io.WriteString(w, "body")
			w.Header().Set("C", "too late")
		}, nil, []string{`HEADERS 1 :status=200 a="in time" content-length=4 ` + text, `DATA 1 END "body"`}},
		{"the second status is too late", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(201); w.WriteHeader(500) }, nil,
			[]string{"HEADERS 1 END :status=201 content-length=0"}},
		{"a content-type of one's own", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "foo/bar")
			io.WriteString(w, "<html>")
		}, nil, []string{"HEADERS 1 :status=200 content-length=6 content-type=foo/bar", `DATA 1 END "<html>"`}},
		{"an empty content-type", func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = []string{""}
			io.WriteString(w, "<html>")
		}, nil, []string{`HEADERS 1 :status=200 content-length=6 content-type=""`, `DATA 1 END "<html>"`}},
		{"no content-type", func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = nil
			io.WriteString(w, "<html>")
		}, nil, []string{`HEADERS 1 :status=200 content-length=6`, `DATA 1 END "<html>"`}},
		{"no sniffing under an encoding", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "foo")
			io.WriteString(w, "<html>")
		}, nil, []string{`HEADERS 1 :status=200 content-encoding=foo content-length=6`, `DATA 1 END "<html>"`}},
		{"no content-length", func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Length"] = nil
			io.WriteString(w, "OK")
		}, nil, []string{`HEADERS 1 :status=200 ` + text, `DATA 1 END "OK"`}},
		{"a content-length of one's own", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "5")
			flush(w)
			io.WriteString(w, "hello")
		}, nil, []string{`HEADERS 1 :status=200 content-length=5`, `DATA 1 END "hello"`}},
		{"a content-length that is none", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "+5")
			io.WriteString(w, "hello")
		}, nil, []string{`HEADERS 1 :status=200 content-length=5 ` + text, `DATA 1 END "hello"`}},
		{"connection-specific fields", func(w http.ResponseWriter, r *http.Request) { // RFC 9113, section 8.2.2
			for _, name := range []string{"Transfer-Encoding", "Upgrade", "Keep-Alive", "Proxy-Connection"} {
				w.Header().Set(name, "chunked")
			}
			io.WriteString(w, "hi")
		}, nil, []string{"HEADERS 1 :status=200 content-length=2 " + text, `DATA 1 END "hi"`}},
		{"fields that may not be sent", func(w http.ResponseWriter, r *http.Request) { // RFC 9113, section 8.2.1
			h := w.Header()
			h["Ok"] = []string{"x"}
			h["Bad:Colon"] = []string{"x"}
			h["Bad\x00Nul"] = []string{"x"}
			h["Bad Space"] = []string{"x"}
			h["Bad"] = []string{"x\x00y"}
			h["Bad2"] = []string{"x\r\nset-cookie: y"}
		}, nil, []string{"HEADERS 1 END :status=200 content-length=0 ok=x"}},
		{"HEAD", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>") }, []string{":method", "HEAD"},
			[]string{"HEADERS 1 END :status=200 content-length=6 " + html}}, // RFC 9110, section 9.3.2
		{"HEAD of nothing", func(w http.ResponseWriter, r *http.Request) {}, []string{":method", "HEAD"},
			[]string{"HEADERS 1 END :status=200"}},
		{"HEAD of a large body", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000000")
			io.WriteString(w, strings.Repeat("x", 1000000))
		}, []string{":method", "HEAD"}, []string{"HEADERS 1 END :status=200 content-length=1000000 " + text}},
		{"HEAD of a body that GET gets in pieces", func(w http.ResponseWriter, r *http.Request) {
			for range 20 {
				io.WriteString(w, strings.Repeat("x", 50_000))
			}
		}, []string{":method", "HEAD"}, []string{"HEADERS 1 END :status=200 " + text}},
		{"204", func(w http.ResponseWriter, r *http.Request) { // RFC 9110, section 15.3.5
			w.WriteHeader(204)
			if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
				panic(fmt.Sprintf("a body for 204: %v", err))
			}
		}, nil, []string{"HEADERS 1 END :status=204"}},
		{"304", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304); io.WriteString(w, "x") }, nil,
			[]string{"HEADERS 1 END :status=304"}}, // RFC 9110, section 15.4.5
		{"102", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(102); io.WriteString(w, "stuff") }, nil,
			[]string{"HEADERS 1 :status=102", "HEADERS 1 :status=200 content-length=5 " + text, `DATA 1 END "stuff"`}},
		{"103, twice", func(w http.ResponseWriter, r *http.Request) { // RFC 8297, section 2
			w.Header().Set("Link", "</a.css>")
			w.Header().Set("Content-Length", "5")
			w.Header()["Transfer-Encoding"] = []string{"chunked"}
			w.WriteHeader(103)
			w.Header().Add("Link", "</b.js>")
			w.WriteHeader(103)
			io.WriteString(w, "stuff")
		}, nil, []string{
			"HEADERS 1 :status=103 link=</a.css>",
			"HEADERS 1 :status=103 link=</a.css> link=</b.js>",
			"HEADERS 1 :status=200 content-length=5 " + text + " link=</a.css> link=</b.js>",
			`DATA 1 END "stuff"`,
		}},
		{"too much for its content-length", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "3")
			io.WriteString(w, "abc")
			if _, err := io.WriteString(w, "d"); err == nil {
				panic("four bytes were written to content-length 3")
			}
		}, nil, []string{"HEADERS 1 :status=200 content-length=3 " + text, `DATA 1 END "abc"`}},
		{"a body with a GET", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }, []string{":method", "GET"},
			[]string{"HEADERS 1 END :status=200 content-length=0"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			site{handler: tc.handler, noisy: true}.visit(t, func(t *testing.T, c *visitor) {
				c.get(1, tc.more...)
				c.want(tc.want...)
				c.wantAlive()
				if s := c.log.String(); strings.Contains(s, "panic") {
					t.Errorf("the server logged:\n%s", s)
				}
			})
		})
	}
}

// TestConformDate: a response has a date (RFC 9110, section 6.6.1) of the second that it is sent in,
// unless the handler gives one or takes it away.
func TestConformDate(t *testing.T) {
	against(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/own":
			w.Header().Set("Date", "yesterday")
		case "/none":
			w.Header()["Date"] = nil
		}
	}, func(t *testing.T, c *visitor) {
		for i := range uint32(3) {
			c.get(2*i + 1)
			if got, want := c.heard()[0].field("date"), time.Now().UTC().Format(http.TimeFormat); got != want {
				t.Errorf("date %q, want %q", got, want)
			}
			time.Sleep(1500 * time.Millisecond)
		}
		c.get(11, ":path", "/own")
		c.get(13, ":path", "/none")
		for _, f := range c.heard() {
			if got := f.field("date"); f.id == 11 && got != "yesterday" || f.id == 13 && got != "" {
				t.Errorf("stream %d has date %q", f.id, got)
			}
		}
	})
}

// TestConformResponseTrailers: announced trailers, and those with http.TrailerPrefix, follow the body.
func TestConformResponseTrailers(t *testing.T) {
	for _, flush := range []bool{false, true} {
		site{noisy: true, handler: func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Trailer", "T-A, T-B")
			h.Add("Trailer", "T-C")
			h.Add("Trailer", "Transfer-Encoding, Content-Length, Trailer") // may not be trailers
			h.Set("Content-Length", "5")
			io.WriteString(w, "Hello")
			if flush {
				w.(http.Flusher).Flush()
			}
			h.Set("T-A", "a")
			h["T-C"] = []string{"c1", "c2"} // and no T-B
			h.Set("Surprise", "was not announced")
			h.Set(http.TrailerPrefix+"After", "x1")
			h.Set(http.TrailerPrefix+"after-too", "x2")
			h.Set(http.TrailerPrefix+"Range", "may not be a trailer") // RFC 9110, section 6.5.1
			h.Set(http.TrailerPrefix+"Bad\x01Name", "x")
			h.Set("Transfer-Encoding", "may not be a trailer")
		}}.visit(t, func(t *testing.T, c *visitor) {
			c.get(1)
			c.want(`HEADERS 1 :status=200 content-length=5 `+text+` trailer="T-A, T-B" trailer=T-C trailer="Transfer-Encoding, Content-Length, Trailer"`,
				`DATA 1 "Hello"`, "HEADERS 1 END after=x1 after-too=x2 t-a=a t-c=c1 t-c=c2")
			c.wantAlive()
		})
	}
	// Announced and never given: the body ends the stream.
	against(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Trailer", "T-A") }, func(t *testing.T, c *visitor) {
		c.get(1)
		got := c.heard()
		if n := len(got); n == 0 || n > 2 || !got[n-1].end || got[0].field(":status") != "200" {
			t.Errorf("the server sent:%s", transcript(got))
		}
	})
	// Without a body.
	against(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set(http.TrailerPrefix+"Late", "v") }, func(t *testing.T, c *visitor) {
		c.get(1)
		c.want("HEADERS 1 :status=200 ...", "HEADERS 1 END late=v")
	})
}

// TestConformBigResponseHeader: RFC 9113, section 6.10: a header block beyond a frame goes on in
// CONTINUATION frames, nothing between them (the client's reading half checks that).
func TestConformBigResponseHeader(t *testing.T) {
	const n = 5000
	against(t, func(w http.ResponseWriter, r *http.Request) {
		for i := range n {
			w.Header().Set(fmt.Sprintf("x-header-%d", i), fmt.Sprintf("x-value-%d", i))
		}
		io.WriteString(w, "hi")
	}, func(t *testing.T, c *visitor) {
		c.get(1)
		c.get(3)
		for _, f := range c.heard() {
			if f.kind != http2.FrameHeaders {
				continue
			}
			if f.pieces < 3 {
				t.Errorf("%d bytes of header came in %d frames", len(f.block), f.pieces)
			}
			if len(f.fields) < n {
				t.Errorf("%d fields came, want %d and more", len(f.fields), n)
			}
			came := map[string]string{}
			for _, field := range f.fields {
				came[field.Name] = field.Value
			}
			for i := range n {
				if got, want := came[fmt.Sprintf("x-header-%d", i)], fmt.Sprintf("x-value-%d", i); got != want {
					t.Fatalf("x-header-%d = %q, want %q", i, got, want)
				}
			}
		}
	})
}

// TestConformFlushed: what a handler flushes is sent, whatever the handler does next.
func TestConformFlushed(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		call := c.call()
		call.do(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200) })
		call.do(func(w http.ResponseWriter, r *http.Request) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Errorf("Flush = %v", err)
			}
		})
		c.want("HEADERS 1 :status=200")
		for i := range 10 {
			word := strconv.Itoa(i)
			call.write(word)
			c.want(fmt.Sprintf("DATA 1 %q", word))
		}
		// A large write is sent without a flush; a small one waits for one.
		call.begin(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", 1<<20)) })
		if got := c.heard(); len(got) == 0 {
			t.Error("of 1 MiB written nothing was sent")
		}
		c.reset(1, http2.ErrCodeCancel)
	})
}

// TestConformPanic: a panic of the handler resets the stream with INTERNAL_ERROR and is logged, but
// for http.ErrAbortHandler, which says "no more of this" and nothing else.
func TestConformPanic(t *testing.T) {
	cases := []struct {
		name  string
		value any
		late  bool // after a part of the body
		log   string
	}{
		{"early", "boom", false, "boom"},
		{"late", "boom", true, "boom"},
		{"abort early", http.ErrAbortHandler, false, ""},
		{"abort late", http.ErrAbortHandler, true, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			site{noisy: true, handler: func(w http.ResponseWriter, r *http.Request) {
				if tc.late {
					io.WriteString(w, "partial")
					w.(http.Flusher).Flush()
				}
				if r.URL.Path == "/panic" {
					panic(tc.value)
				}
			}}.visit(t, func(t *testing.T, c *visitor) {
				c.get(1, ":path", "/panic")
				if tc.late {
					c.want("HEADERS 1 :status=200 "+text, `DATA 1 "partial"`, "RST_STREAM 1 INTERNAL_ERROR")
				} else {
					c.want("RST_STREAM 1 INTERNAL_ERROR")
				}
				if got := c.log.String(); !strings.Contains(got, tc.log) || tc.log == "" && got != "" {
					t.Errorf("the server logged %q, want %q in it", got, tc.log)
				}
				c.get(3)
				if got := c.heard(); len(got) == 0 || got[0].field(":status") != "200" {
					t.Errorf("the next request got:%s", transcript(got))
				}
			})
		})
	}
}

// TestConformShortBody: a body shorter than its content-length is not a complete answer; the stream
// must not end as one: RFC 9113, section 8.1.1.
func TestConformShortBody(t *testing.T) {
	site{noisy: true, handler: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "short")
	}}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		got := c.heard()
		if last := got[len(got)-1]; last.String() != "RST_STREAM 1 INTERNAL_ERROR" {
			t.Errorf("the server sent:%s\nwant a reset at the end", transcript(got))
		}
		c.wantAlive()
	})
}

// TestConformAfterReturn: a ResponseWriter that outlives its handler does no harm.
func TestConformAfterReturn(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		call := c.call()
		call.write("body")
		call.finish()
		c.want("HEADERS 1 :status=200 "+text, `DATA 1 END "body"`)
		func() {
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("a write after the handler panics: %v", v)
				}
			}()
			if n, err := call.w.Write([]byte("more")); err == nil {
				t.Errorf("Write after the handler = %d, nil", n)
			}
			call.w.WriteHeader(500)
			http.NewResponseController(call.w).Flush()
			call.w.Header().Set("X", "y")
		}()
		c.get(3)
		c.call().finish()
		c.want("HEADERS 3 END :status=200 content-length=0")
	})
}

// TestConformStatusBounds: a status that HTTP has no room for is the handler's mistake, as net/http has it.
func TestConformStatusBounds(t *testing.T) {
	for _, code := range []int{-1, 0, 99, 1000} {
		site{noisy: true, handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) }}.visit(t, func(t *testing.T, c *visitor) {
			c.get(1)
			c.want("RST_STREAM 1 INTERNAL_ERROR")
			if got := c.log.String(); !strings.Contains(got, "invalid") {
				t.Errorf("status %d: the server logged %q", code, got)
			}
		})
	}
}

// TestConformWriteDeadline: ResponseController.SetWriteDeadline ends a write that the client's window holds up.
func TestConformWriteDeadline(t *testing.T) {
	site{settings: []http2.Setting{set(http2.SettingInitialWindowSize, 10)}}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		call := c.call()
		start := time.Now()
		call.do(func(w http.ResponseWriter, r *http.Request) {
			ctl := http.NewResponseController(w)
			if err := ctl.SetWriteDeadline(start.Add(time.Second)); err != nil {
				t.Errorf("SetWriteDeadline = %v", err)
			}
			_, err := io.WriteString(w, strings.Repeat("x", 100<<10))
			if err == nil {
				err = ctl.Flush()
			}
			if err == nil {
				t.Error("100 KiB were written to a window of 10 bytes")
			}
		})
		if d := time.Since(start); d != time.Second {
			t.Errorf("the write ended after %v, want 1s", d)
		}
		c.want("HEADERS 1 :status=200 "+text, `DATA 1 "xxxxxxxxxx"`, "RST_STREAM 1 *")
		call.finish()
		// A deadline of the past, and one that is taken back.
		c.get(3)
		call = c.call()
		call.do(func(w http.ResponseWriter, r *http.Request) {
			ctl := http.NewResponseController(w)
			ctl.SetWriteDeadline(time.Now().Add(time.Second))
			ctl.SetWriteDeadline(time.Time{})
			time.Sleep(time.Hour)
			io.WriteString(w, "late")
		})
		call.finish()
		c.want("HEADERS 3 :status=200 content-length=4 "+text, `DATA 3 END "late"`)
	})
}
