package route_test

import (
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
)

// TestWrongUse loads scripts that are wrong, and compares what the author is told, and where.
func TestWrongUse(t *testing.T) {
	for _, tt := range []struct{ script, want string }{
		{`def show(environ): return 1
app = router([
    get("/notes/{id:int}", show),
])`, `app.star:6:8: LARK0403: the handler show takes no id, which the pattern "/notes/{id:int}" gives; write def show(environ, id)`},
		{`def show(environ, key): return 1
app = router([get("/{id}", show)])`, `app.star:5:18: LARK0403: the handler show takes key, which the pattern "/{id}" does not give; write def show(environ, id)`},
		{`def show(id): return 1
app = router([get("/{id}", show)])`, `the first parameter of the handler show is id, and is passed environ; write def show(environ, id)`},
		{`def show(): return 1
app = router([get("/", show)])`, `the handler show takes no environ; write def show(environ)`},
		{`app = router([get("/{a}", lambda e: 1)])`, `write lambda environ, a: ...`},
		{`def edit(environ, id): return 1
app = router([
    group("/notes/{id}/{rev}", [
        get("/edit", edit),
    ]),
])`, `app.star:7:12: LARK0403: the handler edit takes no rev, which the pattern "/notes/{id}/{rev}/edit" gives`},
		{`def blog(environ, start_response): return []
app = router([get("/blog", blog)])`, `blog(environ, start_response) is an application, not a handler, which takes environ and returns a response; write mount("/blog", blog)`},
		{`app = router([get("/x", router([]))])`, `is an application, not a handler: write mount("/x", ...)`},
		{`app = router([post("/{x}", same_origin(text("x")))])`, `app.star:4:19: LARK0403: <same_origin around response> is an application, not a handler: write mount("/{x}", ...); or, around a handler, group("", [...], middleware = [...]), with its route in the list`},
		{`def show(environ): return 1
app = router([mount("/x", show)])`, `mount: show is no application, which takes (environ, start_response); of a handler write get("/x", show)`},
		{`app = router([get("x", str)])`, `the pattern "x" does not begin with a slash: write "/x"`},
		{`app = router([get("", str)])`, `the pattern is empty: write "/"`},
		{`app = router([group("/a/{p:path}", [])])`, `{p:path} leaves nothing for what is behind it`},
		{`app = router([group("/{a}", [get("/{a}", str)])])`, `two parameters are called a`},
		{`app = router([str])`, `router: routes[0] is <built-in function str>, not a route: write get("/...", str), or mount("/...", str)`},
		{`app = router(["/"])`, `router: routes[0] is a string, not a route`},
		{`app = router([[get("/", str)]])`, `router: routes[0] is a list: write group("", [...]), or add the lists with +`},
		{`app = router(get("/", str))`, `router: for parameter routes: got route, want iterable`},
		{`app = router([], error = 1)`, `router: error is an int, not a function (environ, error) that returns a response`},
		{`app = router([], error = lambda environ: 1)`, `router: error is called with (environ, error), which lambda does not take`},
		{`app = router([], not_found = "no")`, `router: not_found is a string, not a function (environ)`},
		{`app = router([], middleware = [1])`, `router: middleware[0] is an int, not a function from application to application`},
		{`app = router([], middleware = [lambda app: None])`, `router: the middleware lambda returned None, not an application`},
		{`app = router([], middleware = str)`, `router: middleware is str, not a list; write middleware = [str]`},
		{`app = router([], middleware = "cors")`, `router: middleware is a string, not a list of functions from application to application`},
		{`app = router([group("/", [], middleware = lambda app: app)])`, `group: middleware is lambda, not a list; write middleware = [lambda]`},
		{`def mw(environ, start_response): return []
app = router([], middleware = [mw])`, `router: middleware[0] is mw, an application, not a function from application to application; write def mw(app):, which returns a function (environ, start_response)`},
		{`def mw(): return []
app = router([], middleware = [mw])`, `router: middleware[0] is mw, which takes no application; write def mw(app):, which returns an application, or call it: [mw()]`},
		{`def mw(app, a, b): return app
app = router([], middleware = [mw])`, `router: middleware[0] is mw, which takes 3 arguments, not an application only; write lambda app: mw(app, ...)`},
		{`def mw(app, level = 3): return app
app = router([], middleware = [mw, text("x")])`, `router: middleware[1] is <response>, an application, not a function from application to application`},
		{`app = router([route([], "/", str)])`, `there is no method: write route(["GET", "POST"], ...)`},
		{`app = router([route("get", "/", str)])`, `route: "get" is no method: write it as "GET"`},
		{`app = router([route(["GET", 1], "/", str)])`, `route: a method is int, not a string`},
		{`app = router([get("/", str, name = 1)])`, `name is an int, not a string: write name = "note"`},
		{`app = router([get("/")])`, `get: missing argument for handler`},
		{`x = url_for({}, "a")
def app(e, s): pass`, `url_for: no router answers this request`},
		{`x = url_for("a")
def app(e, s): pass`, `url_for: got 1 arguments by position, want environ and the name`},
	} {
		_, err := loadScript(`load("@middleware", "same_origin")
load("@route", "get", "group", "mount", "post", "route", "router", "url_for")
load("@response", "text")
` + tt.script)
		if err == nil {
			t.Errorf("%s\nloads, want %s", tt.script, tt.want)
			continue
		}
		if got := runtime.Diagnose("app.star", err).Error(); !strings.Contains(got, tt.want) {
			t.Errorf("%s\ngot %s\nwant %s", tt.script, got, tt.want)
		}
	}
}
