package h2_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// backend is the server that a ClientConn talks to. It speaks frame by frame, as a client of the
// tests of the server does, and wrongly when a test wants that.
type backend struct {
	*client
	conn *h2.ClientConn
}

// dialBackend runs f in a bubble with a ClientConn and its server, which has told its settings. All
// goroutines of the connection must end when it is closed: a bubble does not end before.
func dialBackend(
	t *testing.T, config h2.ClientConfig, settings []http2.Setting, f func(t *testing.T, s *backend),
) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		s := newBackend(t, config)
		defer s.close()
		s.settings(settings...)
		s.ack()
		s.want("SETTINGS ENABLE_PUSH=0 ...", "SETTINGS ACK")
		f(t, s)
	})
}

// newBackend is a backend that has said nothing. It is to be used in a bubble.
func newBackend(t *testing.T, config h2.ClientConfig) *backend {
	near, far := newMemory()
	s := &backend{conn: h2.NewClientConn(near, config)}
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(far, preface); err != nil || string(preface) != http2.ClientPreface {
		t.Fatalf("the client begins with %q, %v", preface, err)
	}
	s.client = newClient(t, far, "http")
	s.memory = far
	return s
}

func (s *backend) close() {
	s.conn.Close()
	s.memory.Close()
	<-s.conn.Done()
}

// answer sends the header of a response.
func (s *backend) answer(id uint32, end bool, pairs ...string) { s.headers(id, end, s.pack(pairs...)) }

// A reply is what Do returned, once it has.
type reply struct {
	res  *http.Response
	err  error
	done chan struct{}
}

// do makes a request on a goroutine of its own, and waits until that waits.
func (s *backend) do(r *http.Request, interim func(int, http.Header) error) *reply {
	p := &reply{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.res, p.err = s.conn.Do(r, interim)
	}()
	s.quiet()
	return p
}

// get makes a GET of a path.
func (s *backend) get(path string) *reply { return s.do(newRequest("GET", path, nil), nil) }

func newRequest(method, target string, body io.Reader, fields ...string) *http.Request {
	r, err := http.NewRequest(method, "http://example.test"+target, body)
	if err != nil {
		panic(err)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header[fields[i]] = append(r.Header[fields[i]], fields[i+1])
	}
	return r
}

// String is the reply in a line: what Do or the body's reader returned.
func (p *reply) String() string {
	select {
	case <-p.done:
	default:
		return "waits"
	}
	if p.err != nil {
		return p.err.Error()
	}
	body, err := io.ReadAll(p.res.Body)
	line := fmt.Sprintf("%s %s length=%d", p.res.Status, fieldList(p.res.Header), p.res.ContentLength)
	line += fmt.Sprintf(" %q", body)
	if len(p.res.Trailer) > 0 {
		line += " trailer " + fieldList(p.res.Trailer)
	}
	if err != nil {
		line += " " + err.Error()
	}
	return line
}

func fieldList(h http.Header) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		words = append(words, fmt.Sprintf("%s=%q", name, h[name]))
	}
	return strings.Join(words, " ")
}

// wantReply requires that the reply is there, and contains want.
func (s *backend) wantReply(p *reply, want string) {
	s.t.Helper()
	s.quiet()
	if got := p.String(); !strings.Contains(got, want) {
		s.t.Fatalf("the reply is  %s\nwant it with  %s", got, want)
	}
}

// wantUnprocessed requires an error that says so, or one that does not.
func (s *backend) wantUnprocessed(p *reply, want bool) {
	s.t.Helper()
	s.quiet()
	if got := errors.Is(p.err, h2.ErrUnprocessed); got != want || p.err == nil {
		s.t.Fatalf("ErrUnprocessed is %v, want %v: %v", got, want, p.err)
	}
}

// A request is sent with the fields that it has, and no others.
func TestClientRequest(t *testing.T) {
	withHeader := func(r *http.Request, change func(*http.Request)) *http.Request {
		change(r)
		return r
	}
	for _, test := range []struct {
		name string
		r    *http.Request
		want string // the frame, or a part of the error
	}{
		{"plain", newRequest("GET", "/a?b=c", nil),
			"HEADERS 1 END :method=GET :scheme=http :path=/a?b=c :authority=example.test"},
		{"fields are lower-cased", newRequest("HEAD", "/", nil, "X-Own", "a", "Accept", "b", "x-low", "c"),
			"HEADERS 1 END :method=HEAD :scheme=http :path=/ :authority=example.test accept=b x-low=c x-own=a"},
		{"fields of a connection", newRequest("GET", "/", nil, "Connection", "close", "Keep-Alive", "1",
			"Proxy-Connection", "1", "Transfer-Encoding", "chunked", "Upgrade", "h3", "Te", "trailers", "TE", "gzip",
			"Host", "other.test", "Content-Length", "3"),
			"HEADERS 1 END :method=GET :scheme=http :path=/ :authority=example.test te=trailers"},
		{"a value without its blanks", newRequest("GET", "/", nil, "X", " \t"),
			`HEADERS 1 END :method=GET :scheme=http :path=/ :authority=example.test x=""`},
		{"https and a host of its own", withHeader(newRequest("GET", "/", nil), func(r *http.Request) {
			r.URL.Scheme, r.Host = "https", "own.test:1"
		}), "HEADERS 1 END :method=GET :scheme=https :path=/ :authority=own.test:1"},
		{"a raw target", withHeader(newRequest("GET", "/", nil), func(r *http.Request) {
			r.RequestURI = "/%2f/../a?%zz"
		}), "HEADERS 1 END :method=GET :scheme=http :path=/%2f/../a?%zz :authority=example.test"},
		{"without a URL", &http.Request{RequestURI: "/x", Host: "a.test"},
			"HEADERS 1 END :method=GET :scheme=http :path=/x :authority=a.test"},
		{"OPTIONS *", withHeader(newRequest("OPTIONS", "/", nil), func(r *http.Request) { r.RequestURI = "*" }),
			"HEADERS 1 END :method=OPTIONS :scheme=http :path=* :authority=example.test"},
		{"CONNECT", withHeader(newRequest("CONNECT", "/", nil), func(r *http.Request) { r.Host = "b.test:443" }),
			"HEADERS 1 END :method=CONNECT :authority=b.test:443"},
		{"POST without a body", newRequest("POST", "/", nil),
			"HEADERS 1 END :method=POST :scheme=http :path=/ :authority=example.test content-length=0"},
		{"POST with NoBody", newRequest("POST", "/", http.NoBody),
			"HEADERS 1 END :method=POST :scheme=http :path=/ :authority=example.test content-length=0"},
		{"trailers are announced", withHeader(newRequest("POST", "/", io.NopCloser(strings.NewReader(""))), func(r *http.Request) {
			r.Trailer = http.Header{"X-B": {"2"}, "X-A": {"1"}}
		}), "HEADERS 1 :method=POST :scheme=http :path=/ :authority=example.test trailer=X-A,X-B"},

		{"no method", &http.Request{Method: "G T", RequestURI: "/", Host: "a"}, "token"},
		{"no authority", &http.Request{Method: "GET", RequestURI: "/", Host: "a b"}, ":authority"},
		{"no target", &http.Request{RequestURI: "x", Host: "a"}, ":path"},
		{"a target with a space", &http.Request{RequestURI: "/a b", Host: "a"}, ":path"},
		{"no scheme", withHeader(newRequest("GET", "/", nil), func(r *http.Request) { r.URL.Scheme = "ftp" }), ":scheme"},
		{"a bad name", newRequest("GET", "/", nil, "a b", "c"), `the name "a b" is invalid`},
		{"a bad value", newRequest("GET", "/", nil, "A", "b\nc"), "the value of a is invalid"},
		{"a bad trailer", withHeader(newRequest("POST", "/", strings.NewReader("x")), func(r *http.Request) {
			r.Trailer = http.Header{"Content-Length": nil}
		}), `the name "Content-Length" is invalid`},
		{":protocol without CONNECT", newRequest("GET", "/", nil, ":protocol", "websocket"), "Extended CONNECT"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
				p := s.do(test.r, nil)
				if !strings.HasPrefix(test.want, "HEADERS") {
					s.wantReply(p, test.want)
					s.want()
					return
				}
				got := s.heard()
				if len(got) == 0 || got[0].String() != test.want {
					t.Fatalf("sent:%s\nwant:\n\t%s", transcript(got), test.want)
				}
				s.answer(1, true, ":status", "204")
				s.wantReply(p, "204 No Content")
			})
		})
	}
}

// A field is indexed when it is sent again.
func TestClientRequestIndexes(t *testing.T) {
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		var sizes []int
		for id := uint32(1); id < 9; id += 2 {
			s.do(newRequest("GET", "/some/path", nil, "X-Forwarded-For", "192.0.2.1", "User-Agent", "tests"), nil)
			sizes = append(sizes, len(s.await(fmt.Sprintf("HEADERS %d ...", id)).block))
			s.answer(id, true, ":status", "204")
		}
		if sizes[3] != 6 {
			t.Errorf("the blocks have %d bytes, the last should have 6", sizes)
		}
	})
}

// A response is what the server has sent, or an error that says what is wrong with it.
func TestClientResponse(t *testing.T) {
	ok := []string{":status", "200"}
	with := func(pairs ...string) []string { return append(slices.Clip(ok), pairs...) }
	const malformed = "RST_STREAM 1 PROTOCOL_ERROR"
	for _, test := range []struct {
		name   string
		method string
		send   func(s *backend)
		want   string // in the reply
		reset  string // what the client sends then
	}{
		{"no body", "GET", func(s *backend) { s.answer(1, true, with("x-own", "a", "x-own", "b")...) },
			`200 OK X-Own=["a" "b"] length=0 ""`, ""},
		{"a body with its length", "GET", func(s *backend) {
			s.answer(1, false, with("content-length", "5")...)
			s.data(1, "he")
			s.end(1, "llo")
		}, `200 OK Content-Length=["5"] length=5 "hello"`, ""},
		{"a body without", "GET", func(s *backend) { s.answer(1, false, ok...); s.data(1, "hel"); s.end(1, "lo") },
			`200 OK  length=-1 "hello"`, ""},
		{"padding", "GET", func(s *backend) {
			s.answer(1, false, ok...)
			s.raw(http2.FrameData, http2.FlagDataPadded|http2.FlagDataEndStream, 1, []byte("\x03hello\x00\x00\x00"))
		}, `"hello"`, ""},
		{"HEAD", "HEAD", func(s *backend) { s.answer(1, true, with("content-length", "5")...) }, `length=5 ""`, ""},
		{"HEAD without length", "HEAD", func(s *backend) { s.answer(1, true, ok...) }, `length=-1 ""`, ""},
		{"304 with a length", "GET", func(s *backend) { s.answer(1, true, ":status", "304", "content-length", "5") },
			`304 Not Modified Content-Length=["5"] length=5 ""`, ""},
		{"a status without text", "GET", func(s *backend) { s.answer(1, true, ":status", "799") }, "799  ", ""},
		{"trailers", "GET", func(s *backend) {
			s.answer(1, false, with("trailer", "x-sum, x-never")...)
			s.data(1, "a")
			s.answer(1, true, "x-sum", "1", "x-other", "2")
		}, `200 OK  length=-1 "a" trailer X-Never=[] X-Other=["2"] X-Sum=["1"]`, ""},
		{"trailers without a body", "GET", func(s *backend) { s.answer(1, false, ok...); s.answer(1, true, "a", "1") },
			`"" trailer A=["1"]`, ""},
		{"interim responses that nobody wants", "GET", func(s *backend) {
			s.answer(1, false, ":status", "103", "link", "</a>")
			s.answer(1, true, ok...)
		}, `200 OK  length=0 ""`, ""},
		{"a refused stream", "GET", func(s *backend) { s.reset(1, http2.ErrCodeRefusedStream) }, "REFUSED_STREAM", ""},
		{"a reset in the middle", "GET", func(s *backend) {
			s.answer(1, false, ok...)
			s.data(1, "hel")
			s.reset(1, http2.ErrCodeInternal)
		}, `"hel" h2: the peer reset the stream: INTERNAL_ERROR`, ""},
		{"a reset after the end", "GET", func(s *backend) {
			s.answer(1, false, ok...)
			s.end(1, "hello")
			s.reset(1, http2.ErrCodeNo)
		}, `"hello"`, ""},
		{"unknown frames", "GET", func(s *backend) {
			s.raw(0x42, 0xff, 1, []byte("x"))
			s.raw(http2.FramePriority, 0, 1, make([]byte, 5))
			s.answer(1, true, ok...)
		}, "200 OK", ""},

		{"no status", "GET", func(s *backend) { s.answer(1, true, "a", "b") }, "without :status", malformed},
		{"a bad status", "GET", func(s *backend) { s.answer(1, true, ":status", "2000") }, ":status", malformed},
		{"a status below all", "GET", func(s *backend) { s.answer(1, true, ":status", "099") }, ":status", malformed},
		{"101", "GET", func(s *backend) { s.answer(1, false, ":status", "101") }, ":status", malformed},
		{"two statuses", "GET", func(s *backend) { s.answer(1, true, ":status", "200", ":status", "200") }, "name", malformed},
		{"a request's pseudo-field", "GET", func(s *backend) { s.answer(1, true, with(":path", "/")...) }, "name", malformed},
		{"upper case", "GET", func(s *backend) { s.answer(1, true, with("A", "b")...) }, "name", malformed},
		{"a field of the connection", "GET", func(s *backend) { s.answer(1, true, with("connection", "close")...) },
			"a field of the connection", malformed},
		{"a bad value", "GET", func(s *backend) { s.answer(1, true, with("a", "b\x00")...) }, "value", malformed},
		{"a bad length", "GET", func(s *backend) { s.answer(1, false, with("content-length", "+5")...) },
			"content-length", malformed},
		{"two lengths", "GET", func(s *backend) {
			s.answer(1, false, with("content-length", "5", "content-length", "6")...)
		}, "content-length", malformed},
		{"a length without a body", "GET", func(s *backend) { s.answer(1, true, with("content-length", "5")...) },
			"content-length", malformed},
		{"too long", "GET", func(s *backend) { s.answer(1, false, with("content-length", "2")...); s.data(1, "abc") },
			"more DATA than content-length", malformed},
		{"too short", "GET", func(s *backend) { s.answer(1, false, with("content-length", "4")...); s.end(1, "abc") },
			`"abc" h2: stream 1: PROTOCOL_ERROR: less DATA`, malformed},
		{"a body to HEAD", "HEAD", func(s *backend) { s.answer(1, false, ok...); s.data(1, "abc") }, "no body", malformed},
		{"a body of 204", "GET", func(s *backend) { s.answer(1, false, ":status", "204"); s.data(1, "abc") },
			"no body", malformed},
		{"DATA first", "GET", func(s *backend) { s.data(1, "abc") }, "DATA before a response", malformed},
		{"END_STREAM first", "GET", func(s *backend) { s.end(1, "") }, "DATA before a response", malformed},
		{"DATA after an interim", "GET", func(s *backend) { s.answer(1, false, ":status", "103"); s.data(1, "abc") },
			"DATA before a response", malformed},
		{"an interim at the end", "GET", func(s *backend) { s.answer(1, true, ":status", "103") }, "interim", malformed},
		{"trailers before the end", "GET", func(s *backend) { s.answer(1, false, ok...); s.answer(1, false, "a", "b") },
			"trailers without END_STREAM", malformed},
		{"trailers with a status", "GET", func(s *backend) { s.answer(1, false, ok...); s.answer(1, true, ok...) },
			"name", malformed},
		{"a header that is too large", "GET", func(s *backend) {
			s.answer(1, true, with("a", strings.Repeat("x", 4000))...)
		}, "too large", "RST_STREAM 1 ENHANCE_YOUR_CALM"},
		{"a field that is too large", "GET", func(s *backend) {
			s.answer(1, true, with("a", strings.Repeat("\x01", 17000))...)
		}, "too large", "RST_STREAM 1 ENHANCE_YOUR_CALM"},
		{"DATA beyond the window", "GET", func(s *backend) {
			s.answer(1, false, ok...)
			s.data(1, strings.Repeat("x", 1001))
		}, "FLOW_CONTROL_ERROR", "RST_STREAM 1 FLOW_CONTROL_ERROR"},
		{"WINDOW_UPDATE of 0", "GET", func(s *backend) { s.window(1, 0) }, "WINDOW_UPDATE", malformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			dialBackend(t, h2.ClientConfig{Window: 1000, MaxHeaderBytes: 4000}, nil, func(t *testing.T, s *backend) {
				p := s.do(newRequest(test.method, "/", nil), nil)
				s.await("HEADERS 1 END ...")
				test.send(s)
				s.wantReply(p, test.want)
				if test.reset == "" {
					s.want()
				} else {
					s.want(test.reset)
				}
				if n := s.conn.Streams(); n != 0 {
					t.Errorf("%d streams are open", n)
				}
				s.get("/")
				s.want("HEADERS 3 END ...") // the connection goes on
			})
		})
	}
}

// A server that breaks the rules of a connection ends it, and learns why.
func TestClientConnErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		send func(s *backend)
		code http2.ErrCode
	}{
		{"a promise", func(s *backend) { s.raw(http2.FramePushPromise, 4, 1, []byte("\x00\x00\x00\x02\x82")) }, http2.ErrCodeProtocol},
		{"a response to nothing", func(s *backend) { s.answer(3, true, ":status", "200") }, http2.ErrCodeProtocol},
		{"a response of even number", func(s *backend) { s.answer(2, true, ":status", "200") }, http2.ErrCodeProtocol},
		{"DATA of nothing", func(s *backend) { s.data(5, "x") }, http2.ErrCodeProtocol},
		{"DATA of the connection", func(s *backend) { s.data(0, "x") }, http2.ErrCodeProtocol},
		{"RST_STREAM of nothing", func(s *backend) { s.reset(5, http2.ErrCodeCancel) }, http2.ErrCodeProtocol},
		{"WINDOW_UPDATE of nothing", func(s *backend) { s.window(5, 1) }, http2.ErrCodeProtocol},
		{"WINDOW_UPDATE of 0", func(s *backend) { s.window(0, 0) }, http2.ErrCodeProtocol},
		{"a window that overflows", func(s *backend) { s.window(0, 1<<31-1) }, http2.ErrCodeFlowControl},
		{"windows that overflow", func(s *backend) {
			s.window(1, 1<<30)
			s.settings(set(http2.SettingInitialWindowSize, 1<<31-1))
		}, http2.ErrCodeFlowControl},
		{"a window that is too large", func(s *backend) { s.settings(set(http2.SettingInitialWindowSize, 1<<31)) }, http2.ErrCodeFlowControl},
		{"ENABLE_PUSH", func(s *backend) { s.settings(set(http2.SettingEnablePush, 1)) }, http2.ErrCodeProtocol},
		{"frames that are too small", func(s *backend) { s.settings(set(http2.SettingMaxFrameSize, 1)) }, http2.ErrCodeProtocol},
		{"Extended CONNECT of 2", func(s *backend) { s.settings(set(8, 2)) }, http2.ErrCodeProtocol},
		{"SETTINGS of a stream", func(s *backend) { s.raw(http2.FrameSettings, 0, 1, nil) }, http2.ErrCodeProtocol},
		{"half a setting", func(s *backend) { s.raw(http2.FrameSettings, 0, 0, []byte("x")) }, http2.ErrCodeFrameSize},
		{"an answer with SETTINGS", func(s *backend) { s.raw(http2.FrameSettings, 1, 0, make([]byte, 6)) }, http2.ErrCodeFrameSize},
		{"an answer too many", func(s *backend) { s.ack() }, http2.ErrCodeProtocol},
		{"a short PING", func(s *backend) { s.raw(http2.FramePing, 0, 0, []byte("x")) }, http2.ErrCodeFrameSize},
		{"PING of a stream", func(s *backend) { s.raw(http2.FramePing, 0, 1, make([]byte, 8)) }, http2.ErrCodeProtocol},
		{"a short GOAWAY", func(s *backend) { s.raw(http2.FrameGoAway, 0, 0, []byte("x")) }, http2.ErrCodeFrameSize},
		{"GOAWAY of a stream", func(s *backend) { s.raw(http2.FrameGoAway, 0, 1, make([]byte, 8)) }, http2.ErrCodeProtocol},
		{"a short RST_STREAM", func(s *backend) { s.raw(http2.FrameRSTStream, 0, 1, []byte("x")) }, http2.ErrCodeFrameSize},
		{"a short WINDOW_UPDATE", func(s *backend) { s.raw(http2.FrameWindowUpdate, 0, 0, []byte("x")) }, http2.ErrCodeFrameSize},
		{"a frame that is too large", func(s *backend) { s.raw(http2.FrameData, 0, 1, make([]byte, 16385)) }, http2.ErrCodeFrameSize},
		{"padding only", func(s *backend) { s.raw(http2.FrameData, 8, 1, []byte("\x01")) }, http2.ErrCodeProtocol},
		{"no padding", func(s *backend) { s.raw(http2.FrameData, 8, 1, nil) }, http2.ErrCodeFrameSize},
		{"a block that is interrupted", func(s *backend) {
			s.raw(http2.FrameHeaders, 0, 1, []byte("\x88"))
			s.ping("12345678")
		}, http2.ErrCodeProtocol},
		{"CONTINUATION of nothing", func(s *backend) { s.raw(http2.FrameContinuation, 4, 1, []byte("\x88")) }, http2.ErrCodeProtocol},
		{"a block that does not end", func(s *backend) {
			s.raw(http2.FrameHeaders, 0, 1, []byte("\x88"))
			for range 20 {
				s.raw(http2.FrameContinuation, 0, 1, []byte(strings.Repeat("\x00\x01a\x01b", 3000)))
			}
		}, http2.ErrCodeEnhanceYourCalm},
		{"HPACK that is none", func(s *backend) { s.headers(1, true, []byte("\xff\xff\xff\xff\xff\xff")) }, http2.ErrCodeCompression},
		{"a response after its end", func(s *backend) {
			s.answer(1, true, ":status", "200")
			s.answer(1, true, ":status", "200")
		}, http2.ErrCodeStreamClosed},
		{"DATA after the end", func(s *backend) { s.answer(1, true, ":status", "200"); s.data(1, "x") }, http2.ErrCodeStreamClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
				p := s.get("/")
				s.await("HEADERS 1 END ...")
				test.send(s)
				s.wantClosed(test.code)
				<-s.conn.Done()
				if err := s.conn.Err(); err == nil || !strings.Contains(err.Error(), test.code.String()) {
					t.Errorf("the connection's error is %v, want %v", err, test.code)
				}
				<-p.done // with a response, or the error
				s.wantUnprocessed(s.get("/"), true)
			})
		})
	}
}

// The server's first frame is SETTINGS.
func TestClientConnPreface(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBackend(t, h2.ClientConfig{})
		defer s.close()
		s.ping("12345678")
		s.wantClosed(http2.ErrCodeProtocol)
	})
}

// PINGs go both ways.
func TestClientConnPing(t *testing.T) {
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		s.wantAlive()
		s.ignorePings()
		ponged := make(chan error)
		go func() { ponged <- s.conn.Ping(context.Background()) }()
		data := string(s.await("PING *").data)
		s.write(func(fr *http2.Framer) error { return fr.WritePing(true, [8]byte([]byte("no such!"))) })
		s.quiet()
		select {
		case err := <-ponged:
			t.Fatalf("Ping returns %v before it is answered", err)
		default:
		}
		s.write(func(fr *http2.Framer) error { return fr.WritePing(true, [8]byte([]byte(data))) })
		if err := <-ponged; err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		go func() { ponged <- s.conn.Ping(ctx) }()
		s.await("PING *")
		cancel()
		if err := <-ponged; err != context.Canceled {
			t.Errorf("Ping whose context has ended returns %v", err)
		}
		go func() { ponged <- s.conn.Ping(context.Background()) }()
		s.await("PING *")
		s.memory.Close()
		if err := <-ponged; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("Ping on a connection that ends returns %v", err)
		}
	})
}
