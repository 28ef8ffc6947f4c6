package server_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// TestDuplexOutlivesTheTimeLimit verifies that a stream in both directions lives for as long as it makes
// progress: lines that come and are answered for three times the time of a call.
func TestDuplexOutlivesTheTimeLimit(t *testing.T) {
	const limit = time.Second
	c := runtime.Config{Limits: runtime.Limits{Time: limit}}
	eachInput(t, &server.Handler{}, c, `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    def body(stream):
        stream.flush()
        for line in environ["wsgi.input"]:
            stream.write(b"got " + line)
    return body
`, func(t *testing.T, client *http.Client, url string) {
		t.Parallel()
		r, w := io.Pipe()
		defer w.Close()
		res, err := client.Post(url, "text/plain", r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answers := bufio.NewReader(res.Body)
		for began, i := time.Now(), 0; time.Since(began) < 3*limit; i++ {
			if _, err := fmt.Fprintf(w, "%d\n", i); err != nil {
				t.Fatalf("line %d was not taken: %v", i, err)
			}
			got, err := answers.ReadString('\n')
			if want := fmt.Sprintf("got %d\n", i); got != want {
				t.Fatalf("after %v: got %q (%v), want %q", time.Since(began), got, err, want)
			}
			time.Sleep(limit / 4) // the client's own pace is what is tested
		}
	})
}

// TestPageKeepsItsGeneration verifies that what is promised with a page is of the generation that makes
// the page, although another one serves by then; and that the next page has all of that.
func TestPageKeepsItsGeneration(t *testing.T) {
	source := func(n int) *fstest.MapFile {
		return &fstest.MapFile{ModTime: time.Unix(int64(n), 0), Data: fmt.Appendf(nil, `
def app(environ, start_response):
    if environ["PATH_INFO"] == "/a.css":
        start_response("200 OK", [("Content-Type", "text/css")])
        return ["style %d"]
    reload()
    environ["http2.push"]("/a.css")
    start_response("200 OK", [("Content-Type", "text/html")])
    return ["page %[1]d"]
`, n)}
	}
	for _, mapped := range []bool{false, true} {
		files := fstest.MapFS{"app.star": source(1)}
		var live *runtime.Live
		reload := starlark.NewBuiltin("reload", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
			files["app.star"] = source(2)
			return starlark.None, live.Reload()
		})
		live, err := runtime.NewLive(&runtime.Config{FS: files, Predeclared: starlark.StringDict{"reload": reload}}, "app.star")
		if err != nil {
			t.Fatal(err)
		}
		policy := &push.Policy{VerifyTimeout: 20 * time.Second}
		if mapped { // what goes with the page is run before the page is
			if policy.Map, err = push.ParseMap("test", strings.NewReader("/\n  /a.css as=style\n")); err != nil {
				t.Fatal(err)
			}
		}
		s := serve(t, &server.Handler{App: live, Push: policy})
		c := dialPushes(t, s.URL, nil)
		for n := 1; n <= 2; n++ {
			x := ask(t, c, "/")
			if len(x.Promises) != 1 || string(x.Body) != fmt.Sprintf("page %d", n) || string(x.Promises[0].Body) != fmt.Sprintf("style %d", n) {
				t.Errorf("with a map: %v, page %d: got %q with promises %q", mapped, n, x.Body, bodies(x))
			}
		}
	}
}

func bodies(x *pushtest.Exchange) (all []string) {
	for _, p := range x.Promises {
		all = append(all, string(p.Body))
	}
	return all
}

// serve serves a handler over cleartext HTTP/1.1 and HTTP/2.
func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(hopped(t, h))
	if err := server.Configure(s.Config); err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// TestCleanUpSharesOneCall verifies that all clean-up of a request has the time of one call together, and that
// what comes late can still let go of something.
func TestCleanUpSharesOneCall(t *testing.T) {
	var let []string
	release := starlark.NewBuiltin("release", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		let = append(let, args.String())
		return starlark.None, nil
	})
	const limit = 400 * time.Millisecond
	app, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    def finish(status, error):
        for _ in range(50):
            pass
        release(status)
        while True:
            pass
    for i in range(20):
        environ["larkspur.on_finish"](finish)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["page"]
`)}},
		Predeclared: starlark.StringDict{"release": release},
		Limits:      runtime.Limits{Time: limit, Steps: 1 << 62},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	began := time.Now()
	(&server.Handler{App: app, Logger: slog.New(slog.DiscardHandler)}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if took := time.Since(began); took > 15*limit { // each of its own would make 20
		t.Errorf("20 functions that loop held the request for %v, the limit of one call is %v", took, limit)
	}
	if len(let) != 20 || w.Body.String() != "page" {
		t.Errorf("%d of 20 functions began, body %q", len(let), w.Body)
	}
}

// TestRequestSharesItsSteps verifies that what is promised with a page takes from the steps of the page.
func TestRequestSharesItsSteps(t *testing.T) {
	app, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/css"), ("Link", ", ".join(["</%d>; rel=preload" % i for i in range(9)]))])
    for i in range(50000):
        pass
    return ["x"]
`)}},
		Limits: runtime.Limits{Steps: 1_000_000},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, &server.Handler{App: app, Logger: slog.New(slog.DiscardHandler), Push: &push.Policy{VerifyTimeout: 20 * time.Second}})
	c := dialPushes(t, s.URL, nil)
	x := ask(t, c, "/")
	if n := len(x.Promises); x.Status != 200 || n == 0 || n == 9 {
		t.Errorf("status %d with %d promises, want 200 with some of 9: the steps of one call are for all of them", x.Status, n)
	}
}
