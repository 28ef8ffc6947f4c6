package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/runtime"
	rthost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

// reads has the ways in which a script reads its environ, each the body of read(environ).
var reads = []struct {
	name, code string
	personal   bool
}{
	{"an index", `return environ["HTTP_COOKIE"] if "HTTP_COOKIE" in environ else ""`, true},
	{"in", `return "HTTP_COOKIE" in environ`, true},
	{"not in", `return "HTTP_COOKIE" not in environ`, true},
	{"get", `return environ.get("HTTP_COOKIE")`, true},
	{"get, later", `get = environ.get
    return get("HTTP_AUTHORIZATION", "")`, true},
	{"catch", `return catch(lambda: environ["HTTP_COOKIE"])[0]`, true},
	{"items", `return [v for k, v in environ.items() if "COOKIE" in k]`, true},
	{"keys", `return environ.keys()`, true},
	{"values", `return environ.values()`, true},
	{"a loop", `return [k for k in environ]`, true},
	{"len", `return len(environ)`, true},
	{"str", `return str(environ)`, true},
	{"a format", `return "%s" % environ`, true},
	{"dict", `return dict(environ).get("HTTP_COOKIE")`, true},
	{"a union", `return (environ | {"a": 1}).get("HTTP_COOKIE")`, true},
	{"a union from the left", `return ({"a": 1} | environ).get("HTTP_COOKIE")`, true},
	{"unpacked", `return (lambda **all: all.get("HTTP_COOKIE"))(**environ)`, true},
	{"pop", `return environ.pop("HTTP_COOKIE", "")`, true},
	{"setdefault", `return environ.setdefault("HTTP_COOKIE", "")`, true},
	{"@http", `return cookies(environ)`, true},
	{"middleware that sets many keys", `[environ.update({str(i): i}) for i in range(20)]
    return environ.get("HTTP_COOKIE")`, true},
	{"middleware that sets it again", `environ["HTTP_COOKIE"] = environ.get("HTTP_COOKIE", "") + "; a"
    return environ["HTTP_COOKIE"]`, true},
	{"a copy for another application", `inner = {k: environ[k] for k in ["PATH_INFO", "HTTP_COOKIE"] if k in environ}
    return inner.get("HTTP_COOKIE")`, true},
	{"another field that the page has", `return environ.get("HTTP_X_TENANT")`, true},
	{"another field that it has not", `return environ.get("HTTP_X_NOTHING")`, false},
	{"nothing", `return ""`, false},
	{"what is the same for all", `return [environ[k] for k in ["PATH_INFO", "HTTP_HOST", "REMOTE_ADDR", "wsgi.url_scheme"]]`, false},
	{"what is copied", `return environ.get("HTTP_USER_AGENT", "") + environ.get("HTTP_ACCEPT", "")`, false},
	{"a condition", `return environ.get("HTTP_IF_NONE_MATCH", "") + environ.get("HTTP_RANGE", "")`, false},
	{"a key that it has set", `environ["app.user"] = "x"
    return environ["app.user"]`, false},
	{"update", `environ.update({"a": "b"})
    return environ["PATH_INFO"]`, false},
}

// TestPushPersonal verifies that what was made from a field that the page's request has, and the
// promised one has not, is not promised, however the script reads it; that the script does not see
// the field; and that a client without it gets the same as ever.
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
				want := !c.personal || fields["Cookie"] == nil
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
			if c.personal && (verdicts[0].Reason != push.Personal || verdicts[2].Reason != push.Personal) {
				t.Errorf("verdicts %v", verdicts)
			}
		})
	}
}

// TestPushPersonalVariable verifies the same for a variable that the embedder makes from who asks.
func TestPushPersonalVariable(t *testing.T) {
	for _, c := range []struct {
		key  string
		want int
	}{{"REMOTE_USER", 0}, {"tenant", 1}} {
		f := &server.Front{
			Push: &push.Policy{VerifyTimeout: 20 * time.Second},
			Handler: &server.Gateway{
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
