package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/h2"
	"github.com/larkspur-web/larkspur/server/worker"
)

// TestStripPrefix verifies that what http.StripPrefix takes off the path is in SCRIPT_NAME, wherever
// it stands, so that the two together are always what the client asked for.
func TestStripPrefix(t *testing.T) {
	app := program(t, where, nil)
	gateway := &server.Gateway{App: app}
	quiet := slog.New(slog.DiscardHandler)
	front := func(mounts ...server.Mount) http.Handler { return &server.Front{Mounts: mounts, Logger: quiet} }
	strip := func(prefix string, h http.Handler) http.Handler { return http.StripPrefix(prefix, h) }
	rewritten := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = "/other"
			h.ServeHTTP(w, r)
		})
	}
	mux := http.NewServeMux()
	mux.Handle("/a/", strip("/a", &server.Handler{App: app}))
	for _, test := range []struct {
		name         string
		handler      http.Handler
		target, want string
	}{
		{"none", front(server.Mount{Path: "/a", Handler: gateway}), "/a/x", "/a|/x"},
		{"around a Handler", strip("/a", &server.Handler{App: app}), "/a/x", "/a|/x"},
		{"of a mux", mux, "/a/x", "/a|/x"},
		{"around a Handler with that mount", strip("/a", &server.Handler{App: app, Mount: "/a"}), "/a/x", "/a|/x"},
		{"around a Handler with a mount", strip("/a", &server.Handler{App: app, Mount: "/b"}), "/a/b/x", "/a/b|/x"},
		{"around a Gateway alone", strip("/a", gateway), "/a/x", "/a|/x"},
		{"between", front(server.Mount{Path: "/a", Handler: strip("/a", gateway)}), "/a/x", "/a|/x"},
		{"between, whose rest is like the mount", front(server.Mount{Path: "/a", Handler: strip("/a", gateway)}), "/a/a/x", "/a|/a/x"},
		{"between, less than the mount", front(server.Mount{Path: "/a/b", Handler: strip("/a", gateway)}), "/a/b/x", "/a/b|/x"},
		{"between, more than the mount", front(server.Mount{Path: "/a", Handler: strip("/a/b", gateway)}), "/a/b/x", "/a/b|/x"},
		{"on both sides", strip("/a", front(server.Mount{Path: "/b", Handler: strip("/b", gateway)})), "/a/b/x", "/a/b|/x"},
		{"with the slash", front(server.Mount{Path: "/a", Handler: strip("/a/", gateway)}), "/a/x", "/a|/x"},
		{"all of it", strip("/a", gateway), "/a", "/a|"},
		{"encoded", strip("/ä", gateway), "/%C3%A4/x%20y?q=/a", "/ä|/x y"},
		{"rewritten behind a mount", front(server.Mount{Path: "/a", Handler: rewritten(gateway)}), "/a/x", "/a|/other"},
		{"stripped and rewritten", front(server.Mount{Path: "/a", Handler: strip("/a", rewritten(gateway))}), "/a/x", "/a|/other"},
		{"stripped, and rewritten behind a Front", strip("/a", front(server.Mount{Handler: rewritten(gateway)})), "/a/x", "/a|/other"},
		{"a rewritten path", rewritten(gateway), "/a/x", "|/other"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			test.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, test.target, nil))
			if got := w.Body.String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestStripPrefixOfPromises verifies the same of a request that is promised with a page.
func TestStripPrefixOfPromises(t *testing.T) {
	gateway := &server.Gateway{App: program(t, `
def app(environ, start_response):
    link = [("Link", "</a/a/style.css>; rel=preload; as=style")] if environ["PATH_INFO"] == "/page" else []
    start_response("200 OK", [("Content-Type", "text/html")] + link)
    return [environ["SCRIPT_NAME"], "|", environ["PATH_INFO"]]
`, nil)}
	for _, h := range []http.Handler{gateway, http.StripPrefix("/a", gateway)} {
		s := serve(t, &server.Front{
			Mounts: []server.Mount{{Path: "/a", Handler: h}},
			Push:   &push.Policy{VerifyTimeout: 20 * time.Second},
		})
		c := dialPushes(t, s.URL, nil)
		x := ask(t, c, "/a/page")
		if got := string(x.Body) + " " + fmt.Sprint(bodies(x)); got != "/a|/page [/a|/a/style.css]" {
			t.Errorf("got %s", got)
		}
	}
}

// TestMountsAreChecked verifies that mounts which can be no mounts are refused, at each request and
// with a message.
func TestMountsAreChecked(t *testing.T) {
	ok := http.NotFoundHandler()
	for _, test := range []struct {
		front *server.Front
		want  string
	}{
		{&server.Front{Mounts: []server.Mount{{Path: "a", Handler: ok}}}, `"a" of a Mount must begin with a slash`},
		{&server.Front{Mounts: []server.Mount{{Path: "/", Handler: ok}}}, `"/" of a Mount must begin with a slash and end without one: "" is the root`},
		{&server.Front{Mounts: []server.Mount{{Path: "/a/", Handler: ok}}}, "end without one"},
		{&server.Front{Mounts: []server.Mount{{Host: "h", Path: "/a"}}}, `the Mount at "h/a" has no Handler`},
		{&server.Front{Mounts: []server.Mount{{Path: "/a", Handler: ok}, {Path: "/a", Handler: ok}}}, `two Mounts at "/a"`},
		{&server.Front{Mounts: []server.Mount{{Path: "/a", Handler: &server.Gateway{}}}}, "has no App"},
	} {
		for range 2 {
			func() {
				defer func() {
					if got := fmt.Sprint(recover()); !strings.Contains(got, test.want) {
						t.Errorf("got %s, want %s", got, test.want)
					}
				}()
				test.front.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/a", nil))
			}()
		}
	}
}

// TestVariables verifies that variables of one request win over all others, and that a router's
// values reach the script.
func TestVariables(t *testing.T) {
	h := &server.Handler{
		App: program(t, `
def app(environ, start_response):
    start_response("200 OK", [])
    return [environ["user.id"], " ", environ["SERVER_NAME"], " ", environ.get("REMOTE_USER", "nobody")]
`, nil),
		Environ: map[string]string{"REMOTE_USER": "deployer"},
		Variables: func(r *http.Request) map[string]string {
			return map[string]string{"user.id": r.PathValue("id"), "REMOTE_USER": "ada", "SERVER_NAME": "s"}
		},
	}
	mux := http.NewServeMux()
	mux.Handle("/users/{id}", h)
	s := httptest.NewServer(mux)
	defer s.Close()
	resp, err := http.Get(s.URL + "/users/7")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "7 s ada" {
		t.Errorf("got %s", body)
	}
}

// TestVariablesOfFront verifies that variables which a front adds to a request reach the script in
// another process, and that what is made from one of them is not promised as if it were the same for
// all.
func TestVariablesOfFront(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	go worker.Serve(far, &server.Front{Hop: true, Handler: &server.Gateway{App: program(t, `
def app(environ, start_response):
    start_response("200 OK", [("Link", "</user>; rel=preload, </all>; rel=preload")])
    return [environ["REMOTE_USER"] if environ["PATH_INFO"] != "/all" else "all"]
`, nil)}}, nil)
	s := serve(t, &server.Front{
		Push: &push.Policy{VerifyTimeout: 20 * time.Second},
		Handler: &worker.Link{
			Conn: h2.NewClientConn(near, h2.ClientConfig{}),
			Variables: func(*http.Request) map[string]string {
				return map[string]string{"REMOTE_USER": "ada"}
			},
		},
	})
	x := do(t, dialPushes(t, s.URL, nil), pushtest.Request{Target: "/page"})
	if got := promised(x); string(x.Body) != "ada" || len(got) != 1 || got[0] != "/all" {
		t.Errorf("got %q, and %q is promised", x.Body, got)
	}
}

// TestGenerationBehindMiddleware verifies that a reload of an application counts for what is
// pushed whatever stands between it and the Front: what could not be pushed is looked at again at
// once, and what is fresh by its Cache-Control too; and that nothing is looked at again without
// one.
func TestGenerationBehindMiddleware(t *testing.T) {
	source := func(n int, status string) *fstest.MapFile {
		return &fstest.MapFile{ModTime: time.Unix(int64(n), 0), Data: fmt.Appendf(nil, `
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/page":
        start_response("200 OK", [("Link", "</a/none.css>; rel=preload, </a/fresh.css>; rel=preload")])
    elif path == "/none.css":
        start_response(%q, [])
    else:
        start_response("200 OK", [("Cache-Control", "max-age=1000")])
    return ["%d"]
`, status, n)}
	}
	for name, wrap := range map[string]func(*server.Gateway) http.Handler{
		"nothing": func(g *server.Gateway) http.Handler {
			return &server.Front{Mounts: []server.Mount{{Path: "/a", Handler: g}}}
		},
		"StripPrefix": func(g *server.Gateway) http.Handler {
			return &server.Front{Mounts: []server.Mount{{Path: "/a", Handler: http.StripPrefix("/a", g)}}}
		},
		"a mux": func(g *server.Gateway) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/a/", http.StripPrefix("/a", g))
			return &server.Front{Handler: mux}
		},
		"another Front": func(g *server.Gateway) http.Handler {
			return &server.Front{Handler: &server.Front{Mounts: []server.Mount{{Path: "/a", Handler: g}}}}
		},
		"another mount for the page": func(g *server.Gateway) http.Handler {
			page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Link", "</a/none.css>; rel=preload, </a/fresh.css>; rel=preload")
			})
			return &server.Front{Mounts: []server.Mount{{Path: "/a", Handler: http.StripPrefix("/a", g)},
				{Path: "/a/page", Handler: page}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{"app.star": source(1, "404 Not Found")}
			live, err := runtime.NewLive(&runtime.Config{FS: files}, "app.star")
			if err != nil {
				t.Fatal(err)
			}
			var runs atomic.Int64
			gateway := &server.Gateway{App: live, Variables: func(r *http.Request) map[string]string {
				if strings.HasSuffix(r.URL.Path, ".css") {
					runs.Add(1)
				}
				return nil
			}}
			h := wrap(gateway)
			h.(*server.Front).Push = &push.Policy{VerifyTimeout: 20 * time.Second}
			s := serve(t, h)
			c := dialPushes(t, s.URL, nil)
			ask(t, c, "/a/page")
			ask(t, c, "/a/page") // the gateway is known now
			before := runs.Load()
			if ask(t, c, "/a/page"); runs.Load() != before {
				t.Errorf("%d runs without a reload", runs.Load()-before)
			}
			files["app.star"] = source(2, "200 OK")
			if err := live.Reload(); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(promised(ask(t, c, "/a/page"))); got != `[/a/none.css /a/fresh.css]` {
				t.Errorf("after a reload, promised %s", got)
			}
		})
	}
}

// TestGenerationsOfMany verifies that a reload counts, too, where one mount leads to more
// gateways than the Front keeps in mind.
func TestGenerationsOfMany(t *testing.T) {
	source := func(n int, status string) *fstest.MapFile {
		return &fstest.MapFile{ModTime: time.Unix(int64(n), 0), Data: fmt.Appendf(nil, `
def app(environ, start_response):
    if environ["PATH_INFO"] == "/page":
        start_response("200 OK", [("Link", "</39/a.css>; rel=preload")])
    else:
        start_response(%q, [])
    return []
`, status)}
	}
	files := fstest.MapFS{"app.star": source(1, "404 Not Found")}
	live, err := runtime.NewLive(&runtime.Config{FS: files}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for i := range 40 {
		mux.Handle(fmt.Sprintf("/%d/", i), http.StripPrefix(fmt.Sprintf("/%d", i), &server.Gateway{App: live}))
	}
	s := serve(t, &server.Front{Handler: mux, Push: &push.Policy{VerifyTimeout: 20 * time.Second}})
	c := dialPushes(t, s.URL, nil)
	for i := range 40 {
		ask(t, c, fmt.Sprintf("/%d/page", i))
	}
	files["app.star"] = source(2, "200 OK")
	if err := live.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := promised(ask(t, c, "/0/page")); len(got) != 1 {
		t.Errorf("after a reload, promised %q", got)
	}
}
