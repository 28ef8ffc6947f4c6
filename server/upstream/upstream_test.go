package upstream_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/upstream"
)

// A front is a server whose requests go to upstreams, and what it has decided and logged.
type front struct {
	*httptest.Server

	mu       sync.Mutex
	verdicts []string
	log      strings.Builder
}

// Write is that of the log.
func (f *front) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(p)
}

func (f *front) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.String()
}

// serve starts a front in front of the servers that the URLs name, over TLS. change may be nil.
func serve(t *testing.T, change func(*server.Front, *upstream.Proxy), urls ...string) *front {
	t.Helper()
	proxy, err := upstream.New(urls...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	f := new(front)
	logger := slog.New(slog.NewTextHandler(f, nil))
	proxy.Logger = logger
	h := &server.Front{Handler: proxy, Logger: logger, Push: &push.Policy{VerifyTimeout: 20 * time.Second,
		Observe: func(_ *http.Request, v push.Verdict) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.verdicts = append(f.verdicts, v.String())
		}}}
	if change != nil {
		change(h, proxy)
	}
	f.Server = httptest.NewUnstartedServer(h)
	f.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if err := server.Configure(f.Config); err != nil {
		t.Fatal(err)
	}
	f.TLS = &tls.Config{NextProtos: []string{"h2", "http/1.1"}}
	f.StartTLS()
	t.Cleanup(f.Close)
	return f
}

// backend starts a server of net/http.
func backend(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// backend2 starts a server of net/http that speaks cleartext HTTP/2.
func backend2(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return "h2c" + strings.TrimPrefix(s.URL, "http")
}

func dial(t *testing.T, f *front, settings pushtest.Settings) *pushtest.Client {
	t.Helper()
	settings.TLS = &tls.Config{InsecureSkipVerify: true}
	c, err := pushtest.Dial(context.Background(), f.URL, &settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// resource answers for what a page links to.
func resource(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/css")
	w.Header().Set("Cache-Control", "max-age=60")
	fmt.Fprintf(w, "%s %s for %s", r.Method, r.URL.Path, r.Header.Get("X-Theme"))
}

// TestPushes has what a server behind the front links to promised to a client that takes promises: in
// its response, in a 103 before it, and by explicit calls, whose fields and method a parameter says.
// Over HTTP/2 the answers come by the connection that the 103 has come by.
func TestPushes(t *testing.T) {
	for name, start := range map[string]func(*testing.T, http.HandlerFunc) string{
		"http": backend, "h2c": backend2,
	} {
		t.Run(name, func(t *testing.T) { pushes(t, start) })
	}
}

func pushes(t *testing.T, start func(*testing.T, http.HandlerFunc) string) {
	f := serve(t, nil, start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/page" {
			resource(w, r)
			return
		}
		for _, link := range []string{
			"</early.css>; rel=preload; as=style",
			`</called.css>; rel=preload; push; push-fields="X-Theme=dark"`,
			`</head.css>; rel=preload; push; push-method=HEAD`,
			`</bad.css>; rel=preload; push; push-fields="Cookie=a"`,
		} {
			w.Header().Set("Link", link)
			w.WriteHeader(http.StatusEarlyHints)
		}
		w.Header().Set("Link", "</late.css>; rel=preload; as=style")
		io.WriteString(w, "the page")
	}))
	x := dial(t, f, pushtest.Settings{}).Get("/page")
	if err := x.WaitAll(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range x.Promises {
		got = append(got, p.Request.Method+" "+p.Request.Target+": "+string(p.Body))
	}
	slices.Sort(got)
	want := []string{
		"GET /called.css: GET /called.css for dark",
		"GET /early.css: GET /early.css for ",
		"GET /late.css: GET /late.css for ",
		"HEAD /head.css: ",
	}
	if !slices.Equal(got, want) || string(x.Body) != "the page" {
		t.Errorf("promised %q with %q, want %q\nverdicts %q", got, x.Body, want, f.verdicts)
	}
}

// TestHints has the 103s of a server go to a client that takes no promises, without what is for the
// front alone.
func TestHints(t *testing.T) {
	f := serve(t, nil, backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", `</a.css>; rel=preload; as=style; push; push-method=GET`)
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Link", `<https://cdn.example>; rel=preconnect`)
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
	}))
	x := dial(t, f, pushtest.Settings{NoPush: true}).Get("/page")
	if err := x.WaitAll(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range x.Hints {
		got = append(got, i.Header.Get("Link"))
	}
	want := []string{"</a.css>; rel=preload; as=style", "<https://cdn.example>; rel=preconnect"}
	if !slices.Equal(got, want) {
		t.Errorf("hints %q, want %q", got, want)
	}
}

// TestWhatIsSaid compares the fields that a server gets: what the front knows, and nothing of what a
// client says in its place.
func TestWhatIsSaid(t *testing.T) {
	got := make(chan http.Header, 1)
	f := serve(t, func(h *server.Front, p *upstream.Proxy) {
		h.Mounts, h.Handler = []server.Mount{{Path: "/blog", Handler: p}}, nil
	}, backend(t, func(_ http.ResponseWriter, r *http.Request) {
		r.Header.Set("Path", r.RequestURI)
		got <- r.Header
	}))
	r, _ := http.NewRequest("GET", f.URL+"/blog/a%2Fb?x=1", nil)
	for name, value := range map[string]string{"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "ftp",
		"Forwarded": "for=192.0.2.1", "Larkspur-Client": "peer=192.0.2.1:1", "Larkspur-Page": "/x",
		"Connection": "X-Mine", "X-Mine": "1", "X-Kept": "2", "Te": "trailers"} {
		r.Header.Set(name, value)
	}
	res, err := f.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	h := <-got
	for name, want := range map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https",
		"X-Forwarded-Prefix": "/blog", "X-Forwarded-Host": strings.TrimPrefix(f.URL, "https://"), "Forwarded": "",
		"Larkspur-Page": "", "X-Mine": "", "X-Kept": "2", "Path": "/blog/a%2Fb?x=1"} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if c := h.Get("Larkspur-Client"); !strings.Contains(c, "peer=127.0.0.1%3A") ||
		!strings.Contains(c, "mount=%2Fblog") || h.Get("Larkspur-Request") == "" {
		t.Errorf("Larkspur-Client is %q, and Larkspur-Request %q", c, h.Get("Larkspur-Request"))
	}
}

// TestTurns has several servers take turns, and one that cannot be connected to be left out.
func TestTurns(t *testing.T) {
	one := backend(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "one") })
	two := backend(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "two") })
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	f := serve(t, nil, one, "http://"+gone.Addr().String(), two)
	count := map[string]int{}
	for range 30 {
		res, err := f.Client().Post(f.URL, "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		count[string(b)]++
	}
	if count["one"]+count["two"] != 30 || count["one"] < 10 || count["two"] < 10 {
		t.Errorf("the answers are %v", count)
	}
	if n := strings.Count(f.logged(), "an upstream does not answer"); n != 1 {
		t.Errorf("it is said %d times that one does not answer:\n%s", n, f.logged())
	}
}

// TestFailures compares what a client gets of a server that does not answer.
func TestFailures(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	for _, test := range []struct {
		name   string
		h      http.HandlerFunc
		body   string
		status int
	}{
		{name: "closed", status: 502, h: func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }},
		{name: "no HTTP", status: 502, h: func(w http.ResponseWriter, _ *http.Request) {
			c, _, _ := http.NewResponseController(w).Hijack()
			io.WriteString(c, "SSH-2.0\r\n\r\n")
			c.Close()
		}},
		{name: "slow", status: 504, h: func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // or its end goes unseen
			select {
			case <-over:
			case <-r.Context().Done():
			}
		}},
		{name: "too large", status: 413, body: strings.Repeat("x", 100), h: func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := backend(t, test.h)
			f := serve(t, func(h *server.Front, p *upstream.Proxy) {
				h.MaxBody, p.Timeout = 50, 500*time.Millisecond
			}, url)
			r, _ := http.NewRequest("POST", f.URL, struct{ io.Reader }{strings.NewReader(test.body)})
			res, err := f.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != test.status || strings.Contains(string(b), "127.0.0.1") {
				t.Errorf("the answer is %s: %s", res.Status, b)
			}
			if test.status == 413 && !strings.Contains(f.logged(), "the request body has more than 50 bytes") {
				t.Errorf("the log does not say how large a body may be:\n%s", f.logged())
			}
			if said := "the upstream " + url + " did not answer"; test.status > 500 && !strings.Contains(f.logged(), said) {
				t.Errorf("the log does not say %q:\n%s", said, f.logged())
			}
			if test.status > 500 && !strings.Contains(f.logged(), "LARK0603") {
				t.Errorf("the log has no LARK0603:\n%s", f.logged())
			}
		})
	}
}

// TestClientLeaves has the access log say that nothing was sent to a client which left before the
// server answered.
func TestClientLeaves(t *testing.T) {
	asked := make(chan struct{})
	var access strings.Builder
	f := serve(t, func(h *server.Front, _ *upstream.Proxy) {
		h.Access = slog.New(slog.NewTextHandler(&access, nil))
	}, backend(t, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	ctx, leave := context.WithCancel(context.Background())
	go func() {
		<-asked
		leave()
	}()
	r, _ := http.NewRequestWithContext(ctx, "GET", f.URL, nil)
	if res, err := f.Client().Do(r); err == nil {
		res.Body.Close()
		t.Errorf("the answer is %s", res.Status)
	}
	f.Close() // it waits for the handler
	if !strings.Contains(access.String(), " status=0 ") {
		t.Errorf("the access log is %s", access.String())
	}
}

// TestBreaksOff has a client see that a response is not whole.
func TestBreaksOff(t *testing.T) {
	f := serve(t, nil, backend(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	res, err := f.Client().Get(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err == nil || string(b) != "half" {
		t.Errorf("the body is %q, %v", b, err)
	}
}

// TestEvents has each piece of a response without a length come at once.
func TestEvents(t *testing.T) {
	next := make(chan struct{})
	f := serve(t, nil, backend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n", i)
			w.(http.Flusher).Flush()
			<-next
		}
	}))
	res, err := f.Client().Get(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for i := range 3 {
		if !lines.Scan() || lines.Text() != fmt.Sprintf("data: %d", i) {
			t.Fatalf("line %d is %q, %v", i, lines.Text(), lines.Err())
		}
		next <- struct{}{}
	}
}

// TestWebSocket passes a WebSocket on, and tells both sides when the server between them ends.
func TestWebSocket(t *testing.T) {
	ended := make(chan websocket.StatusCode, 2)
	f := serve(t, nil, backend(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		for {
			kind, b, err := c.Read(r.Context())
			if err != nil {
				ended <- websocket.CloseStatus(err)
				return
			}
			if err := c.Write(r.Context(), kind, b); err != nil {
				return
			}
		}
	}))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	dial := func() *websocket.Conn {
		c, _, err := websocket.Dial(ctx, f.URL, &websocket.DialOptions{HTTPClient: &http.Client{
			Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := dial()
	for _, text := range []string{"hello", strings.Repeat("x", 30_000)} {
		if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, b, err := c.Read(ctx); err != nil || string(b) != text {
			t.Fatalf("%d bytes come back, %v", len(b), err)
		}
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	if got := <-ended; got != websocket.StatusNormalClosure {
		t.Errorf("the backend is told %v", got)
	}
	c = dial()
	if err := c.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Read(ctx); err != nil {
		t.Fatal(err)
	}
	go f.Config.Shutdown(ctx)
	if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the client is told %v", err)
	}
	if got := <-ended; got != websocket.StatusGoingAway {
		t.Errorf("the backend is told %v", got)
	}
}

// TestNew compares what names a server with what does not.
func TestNew(t *testing.T) {
	for _, where := range []string{"http://127.0.0.1:8000", "http://host", "https://host:8443/", "unix:/run/a.sock",
		"h2c://[::1]:80"} {
		if _, err := upstream.New(where); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
	for _, where := range []string{"", "unix:", "host:80", "ftp://host", "http://host/path", "http://u@host", "http://"} {
		if _, err := upstream.New(where); err == nil {
			t.Errorf("%q names a server", where)
		}
	}
	if _, err := upstream.New(); err == nil {
		t.Error("no server is one")
	}
}

// TestUnix reaches a server by a socket in the file system, and one of cleartext HTTP/2.
func TestUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	say := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
	s := &http.Server{Handler: say}
	if err := server.Configure(s); err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	defer s.Close()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(plain)
	for where, want := range map[string]string{"unix:" + path: "HTTP/1.1", "h2c://" + plain.Addr().String(): "HTTP/2.0"} {
		f := serve(t, nil, where)
		res, err := f.Client().Get(f.URL)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(b) != want {
			t.Errorf("%s: the server is asked in %q, want %q", where, b, want)
		}
	}
}

// TestSlowBody has a client that does not send all of its body: that is its fault, and not the server's.
func TestSlowBody(t *testing.T) {
	proxy, err := upstream.New(backend(t, func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	f := httptest.NewUnstartedServer(&server.Front{Handler: proxy, Logger: slog.New(slog.DiscardHandler)})
	f.Config.ReadTimeout = 100 * time.Millisecond
	if err := server.Configure(f.Config); err != nil {
		t.Fatal(err)
	}
	f.Start()
	t.Cleanup(f.Close)
	for _, rest := range []string{"Content-Length: 10\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"} {
		c, err := net.Dial("tcp", f.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\n"+rest); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%q: got %+v, %v, want 408", rest, res, err)
		}
	}
}

// TestEventsEnd ends the front's server: a stream of events ends with it, and is whole.
func TestEventsEnd(t *testing.T) {
	for name, start := range map[string]func(*testing.T, http.HandlerFunc) string{
		"http": backend, "h2c": backend2,
	} {
		t.Run(name, func(t *testing.T) {
			gone := make(chan struct{})
			f := serve(t, nil, start(t, func(w http.ResponseWriter, r *http.Request) {
				defer close(gone)
				w.Header().Set("Content-Type", "text/event-stream")
				io.WriteString(w, ":\n\n")
				http.NewResponseController(w).Flush()
				<-r.Context().Done()
			}))
			r, _ := http.NewRequest("GET", f.URL, nil)
			r.Header.Set("Accept", "text/event-stream")
			res, err := f.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if _, err := io.ReadFull(res.Body, make([]byte, 3)); err != nil {
				t.Fatal(err)
			}
			go f.Config.Shutdown(t.Context())
			if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
				t.Errorf("it ends with %q, %v", rest, err)
			}
			<-gone
		})
	}
}
