package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/body"
	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/runtime"
	rthost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

// pushed says to whom a resource is pushed.
type pushed int

const (
	everybody  pushed = iota
	whoHasNone        // of the fields that were read
	nobody
)

// reads has the ways in which a script reads its environ, each the body of read(environ).
var reads = []struct {
	name, code string
	pushed     pushed
}{
	{"an index", `return environ["HTTP_COOKIE"] if "HTTP_COOKIE" in environ else ""`, nobody},
	{"in", `return "HTTP_COOKIE" in environ`, nobody},
	{"not in", `return "HTTP_COOKIE" not in environ`, nobody},
	{"get", `return environ.get("HTTP_COOKIE")`, nobody},
	{"get, later", `get = environ.get
    return get("HTTP_AUTHORIZATION", "")`, nobody},
	{"catch", `return catch(lambda: environ["HTTP_COOKIE"])[0]`, nobody},
	{"items", `return [v for k, v in environ.items() if "COOKIE" in k]`, whoHasNone},
	{"keys", `return environ.keys()`, whoHasNone},
	{"values", `return environ.values()`, whoHasNone},
	{"a loop", `return [k for k in environ]`, whoHasNone},
	{"len", `return len(environ)`, whoHasNone},
	{"str", `return str(environ)`, whoHasNone},
	{"a format", `return "%s" % environ`, whoHasNone},
	{"dict", `return dict(environ).get("HTTP_COOKIE")`, whoHasNone},
	{"a union", `return (environ | {"a": 1}).get("HTTP_COOKIE")`, whoHasNone},
	{"a union from the left", `return ({"a": 1} | environ).get("HTTP_COOKIE")`, whoHasNone},
	{"unpacked", `return (lambda **all: all.get("HTTP_COOKIE"))(**environ)`, whoHasNone},
	{"pop", `return environ.pop("HTTP_COOKIE", "")`, nobody},
	{"setdefault", `return environ.setdefault("HTTP_COOKIE", "")`, nobody},
	{"@http", `return cookies(environ)`, nobody},
	{"middleware that sets many keys", `[environ.update({str(i): i}) for i in range(20)]
    return environ.get("HTTP_COOKIE")`, nobody},
	{"middleware that sets it again", `environ["HTTP_COOKIE"] = environ.get("HTTP_COOKIE", "") + "; a"
    return environ["HTTP_COOKIE"]`, nobody},
	{"a copy for another application", `inner = {k: environ[k] for k in ["PATH_INFO", "HTTP_COOKIE"] if k in environ}
    return inner.get("HTTP_COOKIE")`, nobody},
	{"another field that the page has", `return environ.get("HTTP_X_TENANT")`, whoHasNone},
	{"another field that it has not", `return environ.get("HTTP_X_NOTHING")`, everybody},
	{"a referer", `return environ.get("HTTP_REFERER")`, nobody},
	{"a field that it takes away", `return environ.pop("HTTP_X_NOTHING", "")`, everybody},
	{"a key that it takes away", `environ["a"] = "b"
    return environ.pop("a")`, everybody},
	{"a field that it sets", `return environ.setdefault("HTTP_X_NOTHING", "")`, everybody},
	{"middleware that sets a default", `environ.setdefault("wsgi.url_scheme", "http")
    return environ.setdefault("app.user", "x")`, everybody},
	{"a field that it takes away, in a dict", `environ.clear()
    environ.update({"HTTP_X_NOTHING": "a"})
    return environ.pop("HTTP_X_NOTHING")`, everybody},
	{"nothing", `return ""`, everybody},
	{"what is the same for all", `return [environ[k] for k in ["PATH_INFO", "HTTP_HOST", "REMOTE_ADDR", "wsgi.url_scheme"]]`, everybody},
	{"what is copied", `return environ.get("HTTP_USER_AGENT", "") + environ.get("HTTP_ACCEPT", "")`, everybody},
	{"a condition", `return environ.get("HTTP_IF_NONE_MATCH", "") + environ.get("HTTP_RANGE", "")`, everybody},
	{"a key that it has set", `environ["app.user"] = "x"
    return environ["app.user"]`, everybody},
	{"update", `environ.update({"a": "b"})
    return environ["PATH_INFO"]`, everybody},
}

// TestPushPersonal verifies that what was made from a field that the page's request has, and the
// promised one has not, is not promised, however the script reads it; that the script does not
// see the field; and that a client without it gets what was made from all there is, but not what
// was made from that very field: it may have it soon.
func TestPushPersonal(t *testing.T) {
	for _, c := range reads {
		t.Run(c.name, func(t *testing.T) {
			p, err := runtime.Load(&runtime.Config{
				Modules: []*rthost.Module{libhttp.Module()},
				FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@http", "cookies")
def read(environ):
    ` + c.code + `
def app(environ, start_response):
    if environ["PATH_INFO"] == "/":
        start_response("200 OK", [("Link", "</a>; rel=preload")])
        return []
    start_response("200 OK", [])
    return [str(read(environ)), " "]
`)}}}, "app.star")
			if err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			var verdicts []push.Verdict
			observe := func(_ *http.Request, v push.Verdict) {
				mu.Lock()
				defer mu.Unlock()
				verdicts = append(verdicts, v)
			}
			s := serve(t, &server.Handler{App: p, Logger: slog.New(slog.DiscardHandler),
				Push: &push.Policy{VerifyTimeout: 20 * time.Second, Observe: observe}})
			user := http.Header{"Cookie": {"id=secret"}, "Authorization": {"secret"}, "X-Tenant": {"secret"},
				"User-Agent": {"test"}}
			for _, fields := range []http.Header{user, {"User-Agent": {"test"}}, user} {
				x := do(t, dialPushes(t, s.URL, nil), pushtest.Request{Target: "/", Header: fields})
				want := c.pushed == everybody || c.pushed == whoHasNone && fields["Cookie"] == nil
				mu.Lock()
				if got := len(x.Promises) == 1; got != want {
					t.Errorf("promised %q with %v: %v", promised(x), fields, verdicts)
				}
				mu.Unlock()
				for _, b := range bodies(x) {
					if strings.Contains(b, "secret") {
						t.Errorf("the promised request has %q", b)
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if c.pushed != everybody && (verdicts[0].Reason != push.Personal || verdicts[2].Reason != push.Personal) {
				t.Errorf("verdicts %v", verdicts)
			}
		})
	}
}

// TestPushWithCookie verifies that a page which sets a cookie does not bring with it what would be
// another with that cookie.
func TestPushWithCookie(t *testing.T) {
	for _, c := range []struct {
		name, code string
		sets, none bool // it is pushed with the page that sets a cookie, and one that does not
	}{
		{"a cookie", `environ.get("HTTP_COOKIE", "")`, false, false},
		{"a password", `environ.get("HTTP_AUTHORIZATION", "")`, false, false},
		{"a copy", `dict(environ).get("HTTP_COOKIE", "")`, false, true},
		{"a user", `environ.get("REMOTE_USER", "")`, false, false},
		{"what it has a name for", `environ.get("tenant", "")`, true, true},
		{"a language", `environ.get("HTTP_ACCEPT_LANGUAGE", "")`, true, true},
		{"nothing", `""`, true, true},
	} {
		f := &server.Front{
			Push: &push.Policy{VerifyTimeout: 20 * time.Second},
			Handler: &server.Gateway{
				Variables: func(r *http.Request) map[string]string {
					if id, err := r.Cookie("id"); err == nil {
						return map[string]string{"REMOTE_USER": id.Value, "tenant": r.Host}
					}
					return map[string]string{"tenant": r.Host}
				},
				App: program(t, `
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/page"):
        fields = [("Link", "</a>; rel=preload")]
        if path == "/page/sets":
            fields.append(("Set-Cookie", "id=1"))
        start_response("200 OK", fields)
        return []
    start_response("200 OK", [])
    return [`+c.code+`, " "]
`, nil),
			},
		}
		s := serve(t, f)
		for _, page := range []struct {
			target string
			want   bool
		}{{"/page", c.none}, {"/page/sets", c.sets}, {"/page", c.none}} {
			x := do(t, dialPushes(t, s.URL, nil), pushtest.Request{Target: page.target})
			if got := len(x.Promises) == 1; got != page.want {
				t.Errorf("%s: promised %q with %s", c.name, promised(x), page.target)
			}
		}
	}
}

// TestPushCopies verifies that an application which copies its environ, or whose every key is
// looked at, as lint.star does, has its resources pushed to a client that sends fields which
// cannot choose among representations; and that one which reads such a field by its name has not.
func TestPushCopies(t *testing.T) {
	fields := http.Header{
		"Priority": {"u=1, i"}, "Te": {"trailers"}, "Accept-Push-Policy": {"default"},
		"Cache-Control": {"max-age=0"}, "Pragma": {"x"}, "Max-Forwards": {"9"},
		"Traceparent":    {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		"Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Site": {"none"},
		"Sec-Fetch-User": {"?1"}, "Upgrade-Insecure-Requests": {"1"}, "Content-Type": {"text/plain"},
		"If-None-Match": {`"a"`}, "Range": {"bytes=0-"},
		"User-Agent": {"test"}, "Accept": {"*/*"}, "Accept-Language": {"de"}, "Accept-Encoding": {"gzip"},
	}
	for _, c := range []struct {
		code  string
		extra string // a field of the client
		want  int
	}{
		{`dict(environ)`, "", 1},
		{`environ.items()`, "", 1},
		{`lint(inner)(environ, start_response)`, "", 1},
		{`lint(inner)(environ, start_response)`, "Cookie", 0},
		{`dict(environ)`, "X-Tenant", 0},
		{`dict(environ)`, "Dnt", 0},
		{`environ.get("HTTP_PRIORITY")`, "", 0},
		{`environ.get("HTTP_ACCEPT_PUSH_POLICY")`, "", 0},
		{`environ.get("HTTP_TE")`, "", 1}, // there is no such key
	} {
		app, err := runtime.Load(&runtime.Config{
			Modules: []*rthost.Module{libhttp.Module(), body.Module()},
			FS: fstest.MapFS{"lint.star": {Data: lintStar(t)}, "app.star": {Data: []byte(`
load("lint.star", "lint")
def inner(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ.get("HTTP_ACCEPT", ""), " "]
def app(environ, start_response):
    if environ["PATH_INFO"] == "/":
        start_response("200 OK", [("Content-Type", "text/plain"), ("Link", "</a>; rel=preload")])
        return []
    result = ` + c.code + `
    if type(result) == "list" and type(result[0]) == "string":
        return result
    return inner(environ, start_response)
`)}}}, "app.star")
		if err != nil {
			t.Fatal(err)
		}
		s := serve(t, &server.Handler{App: app, Push: &push.Policy{VerifyTimeout: 20 * time.Second}})
		asked := fields.Clone()
		if c.extra != "" {
			asked.Set(c.extra, "1")
		}
		x := do(t, dialPushes(t, s.URL, nil), pushtest.Request{Target: "/", Header: asked})
		if len(x.Promises) != c.want {
			t.Errorf("%s with %q: %d promises, want %d", c.code, c.extra, len(x.Promises), c.want)
		}
	}
}

// lintStar is lint.star of apps.
func lintStar(t *testing.T) []byte {
	b, err := os.ReadFile("../apps/lint.star")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPushPersonalVariable verifies the same for a variable that the embedder makes from who asks.
func TestPushPersonalVariable(t *testing.T) {
	for _, c := range []struct {
		key  string
		want int
	}{{"REMOTE_USER", 0}, {"tenant", 1}} {
		f := &server.Handler{
			Push: &push.Policy{VerifyTimeout: 20 * time.Second},
			App: program(t, `
def app(environ, start_response):
    if environ["PATH_INFO"] == "/":
        start_response("200 OK", [("Link", "</a>; rel=preload")])
        return []
    start_response("200 OK", [])
    return [environ.get("`+c.key+`", "")]
`, nil),
			Variables: func(r *http.Request) map[string]string {
				user, _, _ := r.BasicAuth()
				return map[string]string{"REMOTE_USER": user, "tenant": r.Host}
			},
		}
		x := do(t, dialPushes(t, serve(t, f).URL, nil), pushtest.Request{Target: "/",
			Header: http.Header{"Authorization": {"Basic dXNlcjpwYXNz"}}})
		if len(x.Promises) != c.want {
			t.Errorf("%s: promised %q", c.key, bodies(x))
		}
	}
}

// TestPushPersonalBehindWriters verifies that middleware which hides the ResponseWriter does not
// hide what was read.
func TestPushPersonalBehindWriters(t *testing.T) {
	app := &server.Gateway{App: program(t, `
def app(environ, start_response):
    start_response("200 OK", [("Link", "</a>; rel=preload")])
    return [environ.get("HTTP_COOKIE", "")]
`, nil)}
	s := serve(t, &server.Front{Push: &push.Policy{VerifyTimeout: 20 * time.Second},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				w = struct {
					http.ResponseWriter
					io.StringWriter
				}{w, w.(io.StringWriter)}
			}
			app.ServeHTTP(w, r)
		})})
	client := dialPushes(t, s.URL, nil)
	x := do(t, client, pushtest.Request{Target: "/", Header: http.Header{"Cookie": {"a=b"}}})
	if got := fmt.Sprint(bodies(x)); got != "[]" {
		t.Errorf("promised %s", got)
	}
}
