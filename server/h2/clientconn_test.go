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

	"github.com/larkspur-web/larkspur/environ/wire"
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
		{"trailers are announced", withHeader(newRequest("POST", "/", nil), func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(""))
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

// Forward sends fields besides those of the request, which it leaves as it is, and checks them as well; and
// it has the fields of the response as they came, but for Trailer.
func TestClientForward(t *testing.T) {
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		r := newRequest("GET", "/", nil, "X-Own", "1")
		var fields []wire.Field
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			res, list, err := s.conn.Forward(r, []wire.Field{{Name: "X-More", Value: "2"}, {Name: "Connection", Value: "close"}}, nil)
			if fields = list; err != nil || res.Header != nil || len(res.Trailer) != 1 || res.ContentLength != 0 {
				t.Errorf("got %+v, %v", res, err)
			}
		}()
		s.want("HEADERS 1 END :method=GET :scheme=http :path=/ :authority=example.test x-more=2 x-own=1")
		if len(r.Header) != 1 {
			t.Errorf("the request has %v", r.Header)
		}
		s.answer(1, true, ":status", "200", "x-a", "1", "content-length", "0", "trailer", "T", "x-a", "2")
		<-answered
		if got, want := fmt.Sprint(fields), "[{X-A 1} {Content-Length 0} {X-A 2}]"; got != want {
			t.Errorf("the fields are %s, want %s", got, want)
		}
		if _, _, err := s.conn.Forward(r, []wire.Field{{Name: "X-More", Value: "\n"}}, nil); err == nil {
			t.Error("a field that HTTP/2 cannot carry is no error")
		}
	})
}

// A field is indexed when it is sent again. Two may stand in each other's way, but not those of all
// requests.
func TestClientRequestIndexes(t *testing.T) {
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		id := uint32(1)
		best := 1000
		for i := range 10 {
			for range 4 {
				s.do(newRequest("GET", fmt.Sprint("/path/", i), nil, "X-Own", fmt.Sprint("value", i)), nil)
				best = min(best, len(s.await(fmt.Sprintf("HEADERS %d ...", id)).block))
				s.answer(id, true, ":status", "204")
				id += 2
			}
		}
		if best != 5 { // one byte for each field
			t.Errorf("the smallest block has %d bytes, want 5", best)
		}
	})
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
