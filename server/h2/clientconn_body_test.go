package h2_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// A response is sent no faster than it is read.
func TestClientInboundWindow(t *testing.T) {
	dialBackend(t, h2.ClientConfig{Window: 1000}, nil, func(t *testing.T, s *backend) {
		s.granted(0)
		p := s.get("/")
		s.await("HEADERS 1 END ...")
		s.answer(1, false, ":status", "200")
		<-p.done
		s.data(1, strings.Repeat("x", 1000))
		s.wantWindow(1, 0)
		b := make([]byte, 100)
		p.res.Body.Read(b)
		s.wantWindow(1, 1000) // one window is in the reader's hands, one may come
		s.data(1, strings.Repeat("y", 1000))
		s.wantWindow(1, 0)
		for n := 100; n < 1000; n += 100 {
			p.res.Body.Read(b)
		}
		s.wantWindow(1, 0)
		p.res.Body.Read(b)
		s.wantWindow(1, 1000)
		// Padding is given back at once, as nobody reads it.
		s.raw(http2.FrameData, http2.FlagDataPadded, 1, append([]byte{255}, make([]byte, 255)...))
		s.wantWindow(1, 256)
	})
}

// A request's body goes out as the windows of stream and connection allow, which may shrink.
func TestClientOutboundWindow(t *testing.T) {
	dialBackend(t, h2.ClientConfig{}, []http2.Setting{set(http2.SettingInitialWindowSize, 3)},
		func(t *testing.T, s *backend) {
			p := s.do(newRequest("POST", "/", strings.NewReader("0123456789abcdef")), nil)
			s.want("HEADERS 1 * * * * content-length=16", `DATA 1 "012"`)
			s.window(1, 2)
			s.want(`DATA 1 "34"`)
			s.settings(set(http2.SettingInitialWindowSize, 0))
			s.window(1, 4)
			s.want("SETTINGS ACK", `DATA 1 "5"`)
			s.settings(set(http2.SettingInitialWindowSize, 1), set(http2.SettingInitialWindowSize, 4))
			s.want("SETTINGS ACK", `DATA 1 "6789"`)
			s.answer(1, false, ":status", "200")
			s.window(1, 100)
			s.want(`DATA 1 END "abcdef"`)
			s.end(1, "")
			s.wantReply(p, "200 OK")
		})
	dialBackend(t, h2.ClientConfig{}, []http2.Setting{set(http2.SettingInitialWindowSize, 1<<20)},
		func(t *testing.T, s *backend) {
			body := bytes.Repeat([]byte("x"), 60_000)
			s.do(newRequest("POST", "/a", bytes.NewReader(body)), nil)
			s.want("HEADERS 1 ...", "DATA 1 END 60000 bytes")
			s.do(newRequest("POST", "/b", bytes.NewReader(body)), nil)
			s.want("HEADERS 3 ...", "DATA 3 5535 bytes")
			s.do(newRequest("POST", "/c", bytes.NewReader(body)), nil)
			s.want("HEADERS 5 ...")
			s.window(0, 200_000)
			got := s.heard()
			n := 0
			for _, f := range got {
				n += len(f.data)
			}
			if want := 2*60_000 - 5535; n != want {
				t.Errorf("%d bytes came, want %d:%s", n, want, transcript(got))
			}
		})
}

// What goes wrong with a request's body resets the stream.
func TestClientBodyErrors(t *testing.T) {
	failing := errors.New("the disk is gone")
	for _, test := range []struct {
		name   string
		body   io.Reader
		length int64
		want   string
	}{
		{"it fails", io.MultiReader(strings.NewReader("abc"), &failingReader{failing}), -1, failing.Error()},
		{"it is too short", strings.NewReader("abc"), 5, "Request.ContentLength"},
		{"it is too long", strings.NewReader("abcdef"), 5, "Request.ContentLength"},
		{"it is much too long", strings.NewReader("abcdef"), 1, "Request.ContentLength"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
				r := newRequest("POST", "/", test.body)
				r.ContentLength = test.length
				body := &countedBody{Reader: test.body}
				r.Body = body
				p := s.do(r, nil)
				s.wantReply(p, test.want)
				got := s.heard()
				if last := got[len(got)-1].String(); last != "RST_STREAM 1 CANCEL" {
					t.Errorf("sent:%s", transcript(got))
				}
				if body.closed != 1 {
					t.Errorf("the body was closed %d times", body.closed)
				}
			})
		})
	}
}

type failingReader struct{ err error }

func (r *failingReader) Read([]byte) (int, error) { return 0, r.err }

type countedBody struct {
	io.Reader
	closed int
}

func (b *countedBody) Close() error {
	b.closed++
	return nil
}

// A body that nobody waits for any more is read no more, and closed.
func TestClientResponseEndsFirst(t *testing.T) {
	for _, polite := range []bool{true, false} {
		dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
			r, w := io.Pipe()
			p := s.do(newRequest("POST", "/", r), nil)
			s.want("HEADERS 1 ...")
			w.Write([]byte("some"))
			s.want(`DATA 1 "some"`)
			s.answer(1, false, ":status", "403")
			s.end(1, "no")
			if polite {
				s.reset(1, http2.ErrCodeNo) // RFC 9113, section 8.1
			}
			s.wantReply(p, `403 Forbidden  length=-1 "no"`)
			s.want("RST_STREAM 1 CANCEL")
			if _, err := w.Write([]byte("more")); err != io.ErrClosedPipe {
				t.Errorf("the body is not closed: %v", err)
			}
			s.wantAlive()
		})
	}
	// One that waits for a window is ended too.
	dialBackend(t, h2.ClientConfig{}, []http2.Setting{set(http2.SettingInitialWindowSize, 1)},
		func(t *testing.T, s *backend) {
			body := &countedBody{Reader: strings.NewReader("abc")}
			s.do(newRequest("POST", "/", body), nil)
			s.want("HEADERS 1 ...", `DATA 1 "a"`)
			s.answer(1, true, ":status", "403")
			if s.want("RST_STREAM 1 CANCEL"); body.closed != 1 {
				t.Errorf("the body was closed %d times", body.closed)
			}
		})
}

// Trailers follow the body. They may become known while it is read.
func TestClientTrailers(t *testing.T) {
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		r := newRequest("POST", "/", strings.NewReader("abc"))
		r.Trailer = http.Header{"X-Sum": nil}
		r.Body = &trailingBody{r, r.Body}
		s.do(r, nil)
		s.want("HEADERS 1 * * * * content-length=3 trailer=X-Sum", `DATA 1 "abc"`, "HEADERS 1 END x-sum=6")
	})
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		r := newRequest("POST", "/", strings.NewReader("abc"))
		r.Trailer = http.Header{"X-Sum": {"\n"}}
		p := s.do(r, nil)
		s.wantReply(p, "the value of the trailer x-sum is invalid")
		s.want("HEADERS 1 ...", `DATA 1 "abc"`, "RST_STREAM 1 CANCEL")
	})
	// Those of a response are seen at the end of its body, also if all of it has come before Do returns.
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		hold := make(chan bool)
		p := s.do(newRequest("GET", "/", nil), func(int, http.Header) error { <-hold; return nil })
		s.await("HEADERS 1 END ...")
		s.answer(1, false, ":status", "103")
		s.answer(1, false, ":status", "200", "trailer", "X-First")
		s.data(1, "abc")
		s.answer(1, true, "x-first", "1", "x-sum", "6")
		s.quiet()
		close(hold)
		<-p.done
		if got, want := fieldList(p.res.Trailer), "X-First=[]"; got != want {
			t.Errorf("before the body is read the trailers are %s, want %s", got, want)
		}
		s.wantReply(p, `trailer X-First=["1"] X-Sum=["6"]`)
	})
}

type trailingBody struct {
	r *http.Request
	io.ReadCloser
}

func (b *trailingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.r.Trailer.Set("X-Sum", "6")
	}
	return n, err
}

// Interim responses are seen in order, on the caller's goroutine, which may make requests of its own
// meanwhile. An error ends the request.
func TestClientInterim(t *testing.T) {
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		var seen []string
		p := s.do(newRequest("GET", "/page", nil), func(status int, h http.Header) error {
			res, err := s.conn.RoundTrip(newRequest("GET", h.Get("Link"), nil))
			if err == nil {
				seen = append(seen, fmt.Sprint(status, h, res.StatusCode))
			}
			return err
		})
		s.await("HEADERS 1 END ...")
		s.answer(1, false, ":status", "103", "link", "/a")
		s.answer(1, false, ":status", "199", "link", "/b")
		s.answer(1, false, ":status", "200")
		s.end(1, "page")
		s.want("HEADERS 3 END :method=GET :scheme=http :path=/a ...")
		s.answer(3, true, ":status", "201")
		s.want("HEADERS 5 END :method=GET :scheme=http :path=/b ...")
		s.answer(5, true, ":status", "202")
		s.wantReply(p, `"page"`)
		want := []string{"103 map[Link:[/a]] 201", "199 map[Link:[/b]] 202"}
		if !slices.Equal(seen, want) {
			t.Errorf("saw %q, want %q", seen, want)
		}
	})
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		p := s.do(newRequest("GET", "/", nil), func(int, http.Header) error { return errors.New("enough") })
		s.await("HEADERS 1 END ...")
		s.answer(1, false, ":status", "103")
		s.wantReply(p, "enough")
		s.want("RST_STREAM 1 CANCEL")
	})
	// Those that wait to be seen are bounded.
	dialBackend(t, h2.ClientConfig{MaxHeaderBytes: 1000}, nil, func(t *testing.T, s *backend) {
		hold := make(chan bool)
		p := s.do(newRequest("GET", "/", nil), func(int, http.Header) error { <-hold; return nil })
		s.await("HEADERS 1 END ...")
		for range 20 {
			s.answer(1, false, ":status", "103", "link", strings.Repeat("x", 200))
		}
		s.want("RST_STREAM 1 ENHANCE_YOUR_CALM")
		close(hold)
		s.wantReply(p, "interim responses")
	})
}

// An Extended CONNECT waits for the SETTINGS that allow it, and is open in both directions.
func TestClientExtendedConnect(t *testing.T) {
	connect := func(body io.Reader) *http.Request {
		return newRequest("CONNECT", "/chat", body, ":protocol", "websocket")
	}
	synctest.Test(t, func(t *testing.T) {
		s := newBackend(t, h2.ClientConfig{})
		defer s.close()
		r, w := io.Pipe()
		p := s.do(connect(r), nil)
		s.want("SETTINGS ...")
		s.settings(set(8, 1))
		s.want("SETTINGS ACK",
			"HEADERS 1 :method=CONNECT :scheme=http :path=/chat :authority=example.test :protocol=websocket")
		s.answer(1, false, ":status", "200")
		<-p.done
		b := make([]byte, 10)
		for i := range 3 {
			word := fmt.Sprint("word", i)
			io.WriteString(w, word)
			s.want(fmt.Sprintf("DATA 1 %q", word))
			s.data(1, word)
			if n, err := p.res.Body.Read(b); string(b[:n]) != word || err != nil {
				t.Fatalf("read %q, %v", b[:n], err)
			}
		}
		w.Close()
		s.want(`DATA 1 END ""`)
		s.end(1, "bye")
		s.wantReply(p, `"bye"`)
	})
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		p := s.do(connect(strings.NewReader("")), nil)
		s.wantReply(p, "takes no Extended CONNECT")
		if !errors.Is(p.err, http.ErrNotSupported) {
			t.Error("it is not ErrNotSupported")
		}
		s.want()
	})
	synctest.Test(t, func(t *testing.T) {
		s := newBackend(t, h2.ClientConfig{})
		defer s.close()
		p := s.do(connect(nil), nil)
		s.quiet()
		s.memory.Close()
		s.wantUnprocessed(p, true)
	})
}

// A server that does not read holds up its requests, but neither their contexts nor Close; what they
// put into the output is bounded. One that wants answers that it does not read is left.
func TestClientServerDoesNotRead(t *testing.T) {
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		s.memory.in.set(func() { s.memory.in.held, s.memory.in.room = true, 1 })
		ctx, cancel := context.WithCancel(context.Background())
		var all []*reply
		for range 50 {
			r := newRequest("GET", "/", nil, "X-Large", strings.Repeat("~", 10_000))
			all = append(all, s.do(r.WithContext(ctx), nil))
		}
		s.quiet()
		if n := s.conn.Streams(); n != 50 {
			t.Errorf("%d streams are open or are about to be", n)
		}
		cancel()
		for _, p := range all {
			s.wantReply(p, "context canceled")
		}
		if n := s.conn.Streams(); n != 0 {
			t.Errorf("%d streams are open", n)
		}
	})
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		s.memory.in.set(func() { s.memory.in.held, s.memory.in.room = true, 1 })
		for range 25_000 {
			s.ping("12345678")
		}
		s.quiet()
		if err := s.conn.Err(); err == nil || !strings.Contains(err.Error(), "ENHANCE_YOUR_CALM") {
			t.Errorf("the connection's error is %v", err)
		}
		time.Sleep(2 * time.Second) // the bubble's
		<-s.conn.Done()
	})
}

// A body that its request expects a 100 for waits for that, for a final response, or for a second.
func TestClientExpect(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(s *backend)
		want   []string
	}{
		{"100", func(s *backend) { s.answer(1, false, ":status", "100") }, []string{`DATA 1 END "abc"`}},
		{"another interim", func(s *backend) { s.answer(1, false, ":status", "103") }, nil},
		{"a response", func(s *backend) { s.answer(1, false, ":status", "200") }, []string{`DATA 1 END "abc"`}},
		{"a whole response", func(s *backend) {
			s.answer(1, true, ":status", "417")
		}, []string{"RST_STREAM 1 CANCEL"}},
		{"nothing", func(s *backend) { time.Sleep(2 * time.Second) }, []string{`DATA 1 END "abc"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
				body := &countedBody{Reader: strings.NewReader("abc")}
				r := newRequest("POST", "/", body, "Expect", "100-Continue")
				r.ContentLength = 3
				s.do(r, nil)
				s.want("HEADERS 1 * * * * content-length=3 expect=100-Continue")
				test.answer(s)
				s.want(test.want...)
				s.conn.Close()
				if s.quiet(); body.closed != 1 {
					t.Errorf("the body was closed %d times", body.closed)
				}
			})
		})
	}
}
