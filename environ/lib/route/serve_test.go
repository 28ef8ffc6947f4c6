package route_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/server"
)

// A visit asks an application for something, as "GET /path" and header fields behind it, and shows
// what it answered: the status, the fields that are asked for, the body.
func visit(h http.Handler, request string, fields ...string) string {
	line, rest, _ := strings.Cut(request, "\n")
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, nil)
	for header := range strings.SplitSeq(rest, "\n") {
		if name, value, ok := strings.Cut(header, ": "); ok {
			r.Header.Add(name, value)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var b strings.Builder
	fmt.Fprint(&b, w.Code)
	for _, name := range fields {
		if v := w.Header().Values(name); len(v) > 0 {
			fmt.Fprintf(&b, " %s: %s", name, strings.Join(v, " | "))
		}
	}
	body, _ := io.ReadAll(w.Body)
	fmt.Fprintf(&b, " %s", strings.ReplaceAll(strings.TrimSpace(string(body)), "\n", "/"))
	return b.String()
}

const house = `
load("@route", "router", "get", "post", "put", "group", "mount", "route", "url_for", "head", "options")
load("@response", "text", "stream", "response")
load("@http", "abort")

def show(environ, **params):
    return text("%s" % [environ["wsgiorg.routing_args"], params])
def plain(environ):
    return text("plain %r" % (environ["wsgiorg.routing_args"],))
def urls(environ):
    return text("\n".join([
        url_for(environ, "note", id = 7),
        url_for(environ, "note", id = 7, page = 2, tag = ["a b", "c"], none = None, on = True),
        url_for(environ, "file", path = "a b/ü.txt"),
        url_for(environ, "mixed", a = "x", b = 2),
        url_for(environ, "inside", x = "y/"[:1]),
        url_for(environ, "index"),
    ]))
def bad(environ, which):
    return text(url_for(environ, *CASES[which][0], **CASES[which][1]))
CASES = {
    "unknown": (["zzzzzz"], {}),
    "near": (["notes"], {}),
    "missing": (["note"], {}),
    "kind": (["note"], {"id": "x"}),
    "slash": (["mixed"], {"a": "x/y", "b": 2}),
    "dots": (["plain"], {"x": ".."}),
    "list": (["note"], {"id": [1]}),
    "pathdots": (["file"], {"path": "a/../b"}),
    "query": (["note"], {"id": 1, "q": {}.get}),
}
def inner_urls(environ):
    return text(" ".join([url_for(environ, "inside", x = 1), url_for(environ, "note", id = 1)]))
def mounted(environ, start_response):
    start_response("200 OK", [])
    return ["mounted %s|%s" % (environ["SCRIPT_NAME"], environ["PATH_INFO"])]
def fails(environ): return text("%d" % (1 // 0))
def aborts(environ): abort(418, "teapot")
def late(environ): return failing
def failing(environ, start_response):
    start_response("200 OK", [("X-Lost", "1")])
    abort(410, "gone")
def none(environ): pass
def string(environ): return "hi"
def mw(name):
    def make(app):
        def wrapped(environ, start_response):
            def start(status, headers, exc_info = None):
                return start_response(status, headers + [("X-Seen", name + " " + status[:3])], exc_info)
            return app(environ, start)
        return wrapped
    return make
ROUTES = [
    get("/", plain, name = "index"),
    get("/plain/{x}", show, name = "plain"),
    get("/notes/{id:int}", show, name = "note"),
    post("/notes/{id:int}/", show),
    get("/files/{path:path}", show, name = "file"),
    get("/m/{a}-{b:int}", show, name = "mixed"),
    get("/urls", urls),
    get("/bad/{which}", bad),
    get("/dir/", plain),
    route(["PUT", "DELETE"], "/thing", show),
    mount("/app", mounted),
    mount("/in", router([get("/{x}", show, name = "inside"), get("/go/urls", inner_urls), get("/go/aborts", aborts), get("/", plain)])),
    mount("/t/{tenant}/{n:int}", router([get("/{x}", show)])),
    get("/const", text("constant", headers = {"X-Const": "1"})),
    get("/fails", fails), get("/aborts", aborts), get("/late", late), get("/none", none), get("/string", string),
    group("/grouped/{g}", [
        get("", show), get("/x/{y:float}", show), get("/aborts", lambda environ, g: aborts(environ)),
    ], middleware = [mw("outer"), mw("inner")]),
]
app = router(ROUTES)
whole = route.router([route.group("/a", [route.route("*", "/b", lambda environ: text(route.url_for(environ, "r")), name = "r")])])
def answer(environ, error):
    return text("%s %s %s" % (error.status, error.kind, error.message), status = error.status)
caught = router(ROUTES, error = answer)
missing = router(ROUTES, error = answer, not_found = lambda environ: text("nothing at " + environ["PATH_INFO"], status = 404))
def linked(environ, error = None):
    return text("see " + url_for(environ, "note", id = 1), status = error.status if error else 404)
def refuses(app):
    return lambda environ, start_response: abort(403)
linking = router(ROUTES, error = linked, not_found = linked)
refusing = router(ROUTES, error = linked, middleware = [refuses])
around = router(ROUTES, middleware = [mw("router")])
page = router(ROUTES, not_found = text("a page", 404))
broken = router(ROUTES, error = lambda environ, error: None)
`

// handler serves a callable of a script.
func handler(t *testing.T, script, name string, log io.Writer) http.Handler {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(log, nil))
	p, err := loadEntry(script, "app.star:"+name, logger)
	if err != nil {
		t.Fatal(err)
	}
	return &server.Handler{App: p, Logger: logger}
}

func TestRouter(t *testing.T) {
	for _, tt := range []struct{ app, request, fields, want string }{
		{"app", "GET /", "", `200 plain ((), {})`},
		{"app", "GET /plain/a%20b%2Fc", "", "404 404 Not Found"}, // %2F is a slash
		{"app", "GET /plain/a%20b", "", `200 [((), {"x": "a b"}), {"x": "a b"}]`},
		{"app", "GET /notes/7", "", `200 [((), {"id": 7}), {"id": 7}]`},
		{"app", "GET /files/a/b", "", `200 [((), {"path": "a/b"}), {"path": "a/b"}]`},
		{"app", "HEAD /notes/7", "Content-Length", `200 Content-Length: 28 `},
		{"app", "OPTIONS /notes/7", "Allow", "204 Allow: GET, HEAD, OPTIONS "},
		{"app", "DELETE /notes/7", "Allow", "405 Allow: GET, HEAD, OPTIONS 405 Method Not Allowed"},
		{"app", "GET /thing", "Allow", "405 Allow: DELETE, OPTIONS, PUT 405 Method Not Allowed"},
		{"app", "GET /nope", "Content-Type", "404 Content-Type: text/plain; charset=utf-8 404 Not Found"},
		{"app", "GET /nope\nAccept: application/json", "Content-Type",
			`404 Content-Type: application/problem+json {"title":"Not Found","status":404}`},
		{"app", "GET /const", "X-Const", "200 X-Const: 1 constant"},

		{"app", "GET /notes/7/?a=b&c=%2F", "Location", "301 Location: /notes/7?a=b&c=%2F 301 Moved Permanently//notes/7?a=b&c=%2F"},
		{"app", "HEAD /notes/7/", "Location", "301 Location: /notes/7 "},
		{"app", "POST /notes/7", "Location", "308 Location: /notes/7/ 308 Permanent Redirect//notes/7/"}, // GET is there
		{"app", "POST /dir", "Location", "404 404 Not Found"},
		{"app", "PUT /thing/", "Location", "308 Location: /thing 308 Permanent Redirect//thing"},
		{"app", "GET /thing/", "Location", "404 404 Not Found"}, // it would not help
		{"app", "OPTIONS /thing/", "Location", "404 404 Not Found"},
		{"app", "GET /dir", "Location", "301 Location: /dir/ 301 Moved Permanently//dir/"},
		{"app", "GET //dir//", "Location", "301 Location: /dir/ 301 Moved Permanently//dir/"},
		{"app", "GET /plain/a%20%22/", "Location", "301 Location: /plain/a%20%22 301 Moved Permanently//plain/a%20%22"},
		{"app", "GET /in", "Location", "301 Location: /in/ 301 Moved Permanently//in/"},

		{"app", "GET /app", "", "200 mounted /app|"},
		{"app", "PURGE /app/x//y", "", "200 mounted /app|/x//y"},
		{"app", "GET /in/abc", "", `200 [((), {"x": "abc"}), {"x": "abc"}]`},
		{"app", "GET /t/acme/7/y", "", `200 [((), {"tenant": "acme", "n": 7, "x": "y"}), {"x": "y"}]`},
		{"whole", "GET /a/b", "", "200 /a/b"},
		{"app", "GET /in/go/urls", "", "200 /in/1 /notes/1"},
		{"app", "GET /urls", "", "200 /notes/7//notes/7?page=2&tag=a+b&tag=c&on=true//files/a%20b/%C3%BC.txt//m/x-2//in/y//"},

		{"app", "GET /grouped/1", "X-Seen", `200 X-Seen: inner 200 | outer 200 [((), {"g": "1"}), {"g": "1"}]`},
		{"app", "GET /grouped/1/x/2", "X-Seen",
			`200 X-Seen: inner 200 | outer 200 [((), {"g": "1", "y": 2.0}), {"g": "1", "y": 2.0}]`},
		{"app", "GET /grouped/1/aborts", "X-Seen", "418 X-Seen: inner 418 | outer 418 418 I'm a teapot/teapot"},
		{"app", "OPTIONS /grouped/1", "X-Seen", "204 X-Seen: inner 204 | outer 204 "},
		{"around", "GET /nope", "X-Seen", "404 X-Seen: router 404 404 Not Found"},
		{"around", "GET /aborts", "X-Seen", "418 X-Seen: router 418 418 I'm a teapot/teapot"},
		{"around", "GET /late", "X-Seen X-Lost", "410 X-Seen: router 410 410 Gone/gone"},

		{"app", "GET /aborts", "", "418 418 I'm a teapot/teapot"},
		{"app", "GET /fails", "", "500 500 Internal Server Error"},
		{"app", "GET /late", "X-Lost", "410 410 Gone/gone"},
		{"caught", "GET /aborts", "", "418 418 abort teapot"},
		{"caught", "GET /fails", "", "500 500 error floored division by zero"},
		{"caught", "GET /nope", "", "404 404 abort 404 Not Found"},
		{"caught", "PUT /notes/7", "Allow", "405 Allow: GET, HEAD, OPTIONS 405 abort 405 Method Not Allowed"},
		{"caught", "GET /late", "X-Lost", "410 410 abort gone"},
		{"caught", "GET /none", "", `500 500 error the handler none returned None, not a response; end it with return text("...")`},
		{"missing", "GET /nope", "", "404 nothing at /nope"},
		{"missing", "PUT /notes/7", "Allow", "405 Allow: GET, HEAD, OPTIONS 405 abort 405 Method Not Allowed"},
		{"caught", "GET /in/", "", "200 plain ((), {})"},
		{"caught", "GET /in/x/y", "", "404 404 abort 404 Not Found"},
		{"caught", "PUT /in/x", "Allow", "405 Allow: GET, HEAD, OPTIONS 405 abort 405 Method Not Allowed"},
		{"linking", "GET /nope", "", "404 see /notes/1"},
		{"linking", "GET /in/x/y", "", "404 see /notes/1"},
		{"linking", "DELETE /notes/7", "", "405 see /notes/1"},
		{"linking", "GET /aborts", "", "418 see /notes/1"},
		{"refusing", "GET /plain/a", "", "403 see /notes/1"},
		{"missing", "GET /in/x/y", "", "404 nothing at /x/y"},
		{"missing", "GET /in/go/aborts", "", "418 418 abort teapot"},
		{"page", "GET /nope", "", "404 a page"},
		{"broken", "GET /nope", "", "500 500 Internal Server Error"},
	} {
		var log bytes.Buffer
		h := handler(t, house, tt.app, &log)
		if got := visit(h, tt.request, strings.Fields(tt.fields)...); got != tt.want {
			t.Errorf("%s: %s: got %q, want %q; the log is\n%s", tt.app, tt.request, got, tt.want, &log)
		}
	}
}

// TestFailuresAreLogged sees that what error answers is logged if the application has failed, with
// its place, and not if it has aborted; and that what a handler returned has the place of its return.
func TestFailuresAreLogged(t *testing.T) {
	for _, tt := range []struct{ app, path, want string }{
		{"app", "/fails", "place=app.star:"},
		{"caught", "/fails", `msg="floored division by zero" method=GET path=/fails status=500`},
		{"caught", "/none", "place=app.star:43:1"},
		{"caught", "/aborts", ""},
		{"app", "/aborts", ""},
		{"app", "/none", "the handler none returned None, not a response"},
		{"app", "/string", "string returned a string, not a response; write return text(...), or html(...)"},
		{"broken", "/aborts", "the function for errors lambda returned None"},
		{"app", "/bad/unknown", `url_for: no route is called "zzzzzz"; there are file, index, inside, mixed, note, plain`},
		{"app", "/bad/near", `no route is called "notes"; did you mean "note"?`},
		{"app", "/bad/missing", `get("/notes/{id:int}", show) at app.star:56:8: the parameter id is missing`},
		{"app", "/bad/kind", `the parameter id is "x", which is not an int of 64 bits`},
		{"app", "/bad/slash", `the parameter a is "x/y", which is not text without a slash`},
		{"app", "/bad/dots", `the parameter x is ".."`},
		{"app", "/bad/pathdots", `the parameter path is "a/../b"`},
		{"app", "/bad/list", `the parameter id is a list, not a string or a number`},
		{"app", "/bad/query", `the parameter q is builtin_function_or_method, not a string or a number`},
	} {
		var log bytes.Buffer
		visit(handler(t, house, tt.app, &log), "GET "+tt.path)
		got := strings.ReplaceAll(log.String(), `\"`, `"`)
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s: the log is %q, want %q", tt.app, tt.path, got, tt.want)
		}
	}
}
