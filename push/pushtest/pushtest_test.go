package pushtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/push/pushtest"
	"golang.org/x/net/http2"
)

// bothWays runs a test over TLS and in cleartext.
func bothWays(t *testing.T, h func(testing.TB) http.Handler, run func(*testing.T, string, *pushtest.Settings)) {
	for name, secure := range map[string]bool{"TLS": true, "cleartext": false} {
		t.Run(name, func(t *testing.T) {
			url, config := serve(t, secure, h(t))
			run(t, url, &pushtest.Settings{TLS: config})
		})
	}
}

// orderly fails if the server did something wrong.
func orderly(t testing.TB, c *pushtest.Client) {
	t.Helper()
	for _, v := range c.Violations() {
		t.Errorf("violation: %v", &v)
	}
}

func targets(all []*pushtest.Exchange) string {
	var names []string
	for _, x := range all {
		names = append(names, x.Request.Target)
	}
	return strings.Join(names, " ")
}

func TestPage(t *testing.T) {
	bothWays(t, site, func(t *testing.T, url string, s *pushtest.Settings) {
		c := dial(t, url, s)
		page := c.Get("/page")
		if err := page.WaitAll(); err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(page.Status, " ", string(page.Body)), "200 <title>page</title>"; got != want {
			t.Errorf("the page is %q, want %q", got, want)
		}
		if len(page.Hints) != 1 || page.Hints[0].Status != 103 || page.Hints[0].Header.Get("Link") != "</a.css>; rel=preload; as=style" {
			t.Errorf("hints %v", page.Hints)
		}
		if got, want := targets(page.Promises), "/a.css /b.css?v=2"; got != want {
			t.Fatalf("promised were %q, want %q", got, want)
		}
		for _, p := range page.Promises {
			if err := p.Wait(); err != nil {
				t.Fatal(err)
			}
			if got, want := string(p.Body), "/* "+p.Request.Target+" */"; got != want || p.Status != 200 || p.Page != page {
				t.Errorf("%s: %d %q, want %q", p.Request.Target, p.Status, got, want)
			}
			if got := p.Request.Header.Get("Accept"); got != "text/css" {
				t.Errorf("%s was promised with accept %q", p.Request.Target, got)
			}
			if !strings.HasPrefix(p.Request.URL(), url+"/") {
				t.Errorf("its URL is %s", p.Request.URL())
			}
			if p.Began == 0 || p.Answered < p.Began || p.Data < p.Answered || p.Ended < p.Data {
				t.Errorf("%s: times %v %v %v %v", p.Request.Target, p.Began, p.Answered, p.Data, p.Ended)
			}
		}
		orderly(t, c)
	})
}

// TestNoPush asks with ENABLE_PUSH=0, and turns it off and on in mid-connection.
func TestNoPush(t *testing.T) {
	bothWays(t, site, func(t *testing.T, url string, s *pushtest.Settings) {
		s.NoPush = true
		c := dial(t, url, s)
		promises := func(want int) {
			t.Helper()
			page := c.Get("/page")
			if err := page.WaitAll(); err != nil || len(page.Promises) != want || len(page.Hints) != 1 {
				t.Fatalf("%d promises, want %d; %d hints; %v", len(page.Promises), want, len(page.Hints), err)
			}
		}
		promises(0)
		for want, value := range map[int]uint32{0: 0, 2: 1} {
			if err := c.Change(http2.Setting{ID: http2.SettingEnablePush, Val: value}); err != nil {
				t.Fatal(err)
			}
			promises(want)
		}
		orderly(t, c)
	})
}

// TestMaxConcurrentStreams gives room for one push, or none: the server promises no more than that.
func TestMaxConcurrentStreams(t *testing.T) {
	refused := make(chan error, 2)
	url, _ := serve(t, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			_ = w.(http.Pusher).Push("/1", nil)
			refused <- w.(http.Pusher).Push("/2", nil)
			return
		}
		<-r.Context().Done() // it ends when the client goes, so that it is there when the second is tried
	}))
	for limit, want := range map[int]int{1: 1, -1: 0} {
		c := dial(t, url, &pushtest.Settings{MaxConcurrentStreams: limit})
		page := c.Get("/page")
		if err := page.Wait(); err != nil {
			t.Fatal(err)
		}
		if err := <-refused; err == nil {
			t.Error("the second push was taken")
		}
		if len(page.Promises) != want {
			t.Errorf("limit %d: %d promises, want %d", limit, len(page.Promises), want)
		}
		orderly(t, c)
		c.Close()
	}
}

// TestResets resets a promise by rule and by hand, and a request by hand: the server sees each.
func TestResets(t *testing.T) {
	seen := make(chan string, 10)
	h := func(testing.TB) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if target := r.URL.Query().Get("push"); target != "" {
				_ = w.(http.Pusher).Push(target, nil)
				return
			}
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			if r.URL.Path != "/refused" { // a server may drop it before its handler runs
				seen <- r.URL.Path
			}
		})
	}
	bothWays(t, h, func(t *testing.T, url string, s *pushtest.Settings) {
		reset := func(x *pushtest.Exchange, code http2.ErrCode) {
			t.Helper()
			var got *pushtest.ResetError
			if err := x.Wait(); !errors.As(err, &got) || got.Code != code || !got.Local {
				t.Errorf("%s ended with %v, want %v", x.Request.Target, err, code)
			}
		}
		want := func(x *pushtest.Exchange, code http2.ErrCode) {
			t.Helper()
			reset(x, code)
			select {
			case got := <-seen:
				if got != x.Request.Target {
					t.Errorf("the server saw the end of %s", got)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("the server did not see the end of %s", x.Request.Target)
			}
		}
		begun := func(c *pushtest.Client, x *pushtest.Exchange) {
			t.Helper()
			if _, err := c.Until(func(f pushtest.Frame) bool { return f.Stream == x.ID && f.Value(":status") == "200" }); err != nil {
				t.Fatal(err)
			}
		}
		c := dial(t, url, s)
		page := c.Get("/page?push=/pushed")
		if err := page.Wait(); err != nil {
			t.Fatal(err)
		}
		begun(c, page.Promises[0])
		page.Promises[0].Reset(http2.ErrCodeCancel)
		want(page.Promises[0], http2.ErrCodeCancel)
		slow := c.Get("/slow")
		begun(c, slow)
		slow.Reset(http2.ErrCodeInternal)
		slow.Reset(http2.ErrCodeCancel) // too late
		want(slow, http2.ErrCodeInternal)
		orderly(t, c)

		s.OnPromise = pushtest.Refuse
		c = dial(t, url, s)
		page = c.Get("/page?push=/refused")
		if err := page.Wait(); err != nil {
			t.Fatal(err)
		}
		reset(page.Promises[0], http2.ErrCodeRefusedStream)
		if err := c.Ping(); err != nil {
			t.Error(err)
		}
		orderly(t, c)
	})
}

// echo answers with the body and the trailer of the request.
func echo(testing.TB) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("X-Method", r.Method)
		w.Header().Set("X-Large", r.Header.Get("X-Large"))
		w.Header().Set("Trailer", "X-Sum")
		_, _ = w.Write(body)
		w.Header().Set("X-Sum", r.Trailer.Get("X-Sum"))
	})
}

// TestRequest sends bodies larger than the windows, trailers, and fields that need CONTINUATION, and gets them back, with each of
// several SETTINGS.
func TestRequest(t *testing.T) {
	bothWays(t, echo, func(t *testing.T, url string, s *pushtest.Settings) {
		for name, settings := range map[string]pushtest.Settings{
			"defaults":      {},
			"large":         {InitialWindowSize: 1 << 20, ConnectionWindow: 16 << 20, MaxFrameSize: 1 << 20, HeaderTableSize: 64 << 10},
			"small":         {InitialWindowSize: 1000, HeaderTableSize: -1},
			"header limits": {MaxHeaderListSize: 1 << 20},
		} {
			t.Run(name, func(t *testing.T) {
				settings.TLS = s.TLS
				c := dial(t, url, &settings)
				body := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
				large := strings.Repeat("&", 40_000)
				var all []*pushtest.Exchange
				for range 5 {
					all = append(all, c.Do(pushtest.Request{Method: "POST", Target: "/", Body: body,
						Header: http.Header{"Trailer": {"X-Sum"}, "X-Large": {large}}, Trailer: http.Header{"X-Sum": {"17"}}}))
				}
				for _, x := range all {
					if err := x.Wait(); err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(x.Body, body) || x.Size != int64(len(body)) {
						t.Errorf("%d bytes came back, want %d", x.Size, len(body))
					}
					if x.Header.Get("X-Method") != "POST" || x.Header.Get("X-Large") != large || x.Trailer.Get("X-Sum") != "17" {
						t.Errorf("fields or trailers differ: %v", x.Trailer)
					}
				}
				head := c.Do(pushtest.Request{Method: "HEAD", Target: "/"})
				if err := head.Wait(); err != nil || head.Status != 200 || head.Size != 0 {
					t.Errorf("HEAD: %d, %d bytes, %v", head.Status, head.Size, err)
				}
				if err := c.Ping(); err != nil {
					t.Error(err)
				}
				orderly(t, c)
			})
		}
	})
}

// TestServersLimit sends more requests at once than the server allows.
func TestServersLimit(t *testing.T) {
	url, _ := serve(t, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	c := dial(t, url, nil)
	var all []*pushtest.Exchange
	for range 1000 {
		all = append(all, c.Get("/"))
	}
	all[999].Reset(http2.ErrCodeCancel) // whether it waits or not
	for _, x := range all[:999] {
		if err := x.Wait(); err != nil || x.Status != 200 {
			t.Fatalf("stream %d: %d, %v", x.ID, x.Status, err)
		}
	}
	orderly(t, c)
}

// TestHold gives no window back: the server sends what the windows hold, then what is added.
func TestHold(t *testing.T) {
	url, _ := serve(t, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(make([]byte, 5000))
	}))
	c := dial(t, url, &pushtest.Settings{Hold: true, InitialWindowSize: 1000})
	x := c.Get("/")
	filled := func(want int) {
		t.Helper()
		got := 0
		if _, err := c.Until(func(f pushtest.Frame) bool {
			if f.Type == http2.FrameData && !f.Sent {
				got += f.Length
			}
			return got >= want
		}); err != nil {
			t.Fatal(err)
		}
		if err := c.Ping(); err != nil || got != want {
			t.Fatalf("%d bytes came, want %d; %v", got, want, err)
		}
	}
	filled(1000)
	c.Update(x.ID, 500)
	filled(1500)
	// A smaller window for new streams makes that of this one negative: -500, and 100 more sends nothing.
	if err := c.Change(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 500}); err != nil {
		t.Fatal(err)
	}
	c.Update(x.ID, 100)
	filled(1500)
	c.Update(x.ID, 10_000)
	if err := x.Wait(); err != nil || x.Size != 5000 {
		t.Fatalf("%d bytes, %v", x.Size, err)
	}
	orderly(t, c)
}

// TestHTTP1 dials servers that have no HTTP/2.
func TestHTTP1(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of clients that go
	secure.StartTLS()
	defer secure.Close()
	for _, url := range []string{plain.URL, secure.URL} {
		config := secure.Client().Transport.(*http.Transport).TLSClientConfig
		c, err := pushtest.Dial(t.Context(), url, &pushtest.Settings{TLS: config, Timeout: 10 * time.Second})
		if c != nil || !errors.Is(err, pushtest.ErrNotHTTP2) {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, url := range []string{"ftp://localhost/", "localhost:80", "http://", ":", "http://127.0.0.1:1/"} {
		if _, err := pushtest.Dial(t.Context(), url, nil); err == nil || errors.Is(err, pushtest.ErrNotHTTP2) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestEnds ends a connection in each way: what waits has its error, and no goroutine is left.
func TestEnds(t *testing.T) {
	began := make(chan bool, 1)
	url, _ := serve(t, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began <- true
		<-r.Context().Done()
	}))
	before := runtime.NumGoroutine()
	ends := map[string]struct {
		timeout time.Duration
		end     func(*pushtest.Client, context.CancelFunc)
		want    error
	}{
		"close":   {time.Minute, func(c *pushtest.Client, _ context.CancelFunc) { c.Close() }, pushtest.ErrClosed},
		"context": {time.Minute, func(_ *pushtest.Client, cancel context.CancelFunc) { cancel() }, context.Canceled},
		"timeout": {100 * time.Millisecond, func(*pushtest.Client, context.CancelFunc) {}, context.DeadlineExceeded},
	}
	for name, e := range ends {
		ctx, cancel := context.WithCancel(context.Background())
		c, err := pushtest.Dial(ctx, url, &pushtest.Settings{Timeout: e.timeout})
		if err != nil {
			t.Fatal(err)
		}
		x := c.Get("/")
		<-began
		e.end(c, cancel)
		if err := x.Wait(); !errors.Is(err, e.want) {
			t.Errorf("%s: %v, want %v", name, err, e.want)
		}
		c.Close()
		cancel()
		if err := c.Get("/").Wait(); err == nil {
			t.Errorf("%s: the client still asks", name)
		}
		if c.Ping() == nil || c.Change() == nil {
			t.Errorf("%s: the client still talks", name)
		}
	}
	for i := 0; runtime.NumGoroutine() > before+2; i++ { // the server's go a little later
		if i == 1000 {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestBounds keeps no more than it is told to.
func TestBounds(t *testing.T) {
	url, _ := serve(t, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(make([]byte, 1<<20))
	}))
	c := dial(t, url, &pushtest.Settings{MaxBody: 1000, MaxFrames: 20})
	x := c.Get("/")
	if err := x.Wait(); err != nil || x.Size != 1<<20 || len(x.Body) != 1000 {
		t.Errorf("%d bytes of %d, %v", len(x.Body), x.Size, err)
	}
	if n := len(c.Frames()); n != 20 {
		t.Errorf("%d frames were kept", n)
	}
	if _, err := c.Until(func(f pushtest.Frame) bool { return f.EndStream() && !f.Sent }); err == nil {
		t.Error("a frame was found that is not in the log")
	}
	var log strings.Builder
	if err := c.WriteLog(&log); err != nil || strings.Count(log.String(), "\n") != 21 || !strings.Contains(log.String(), "frames that the log did not keep") {
		t.Errorf("%v\n%s", err, &log)
	}
}

// TestGoAway has the server go away in the middle of a request, which it answers, and refuse the next.
func TestGoAway(t *testing.T) {
	began, answer := make(chan bool), make(chan bool)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began <- true
		<-answer
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	c := dial(t, s.URL, nil)
	x := c.Get("/")
	<-began
	go s.Config.Shutdown(context.Background())
	if _, err := c.Until(func(f pushtest.Frame) bool { return f.Type == http2.FrameGoAway }); err != nil {
		t.Fatal(err)
	}
	var gone *pushtest.GoAwayError
	if err := c.Get("/").Wait(); !errors.As(err, &gone) || gone.Code != http2.ErrCodeNo {
		t.Errorf("the next request: %v", err)
	}
	close(answer)
	if err := x.Wait(); err != nil || x.Status != 200 {
		t.Errorf("the request that was begun: %d, %v", x.Status, err)
	}
	if c.GoAway() == nil {
		t.Error("no GOAWAY was noted")
	}
}

// TestDeafServer has a server that reads nothing: the client ends it when too much waits.
func TestDeafServer(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	go func() {
		fr := http2.NewFramer(theirs, nil)
		_ = fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
		_ = fr.WriteWindowUpdate(0, 1<<30)
	}()
	c := dial(t, "http://deaf.test/", &pushtest.Settings{DialContext: func(context.Context, string, string) (net.Conn, error) { return ours, nil }})
	if _, err := c.Until(func(f pushtest.Frame) bool { return f.Type == http2.FrameWindowUpdate }); err != nil {
		t.Fatal(err)
	}
	x := c.Do(pushtest.Request{Method: "POST", Target: "/", Body: make([]byte, 32<<20)})
	if err := x.Wait(); err == nil || !strings.Contains(err.Error(), "does not read") {
		t.Errorf("it ended with %v", err)
	}
}
