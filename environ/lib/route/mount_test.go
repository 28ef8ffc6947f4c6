package route_test

import (
	"io"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
)

// TestMountIsNamed asks url_for for what is mounted.
func TestMountIsNamed(t *testing.T) {
	const script = `load("@route", "get", "mount", "router", "url_for")
load("@response", "text")
def files(environ, start_response): return text("file")(environ, start_response)
CASES = {
    "static": ("static", {}),
    "below": ("static", {"path": "a b/ü.css"}),
    "slash": ("static", {"path": "/a.css", "v": 3}),
    "dots": ("static", {"path": "a/../b"}),
    "number": ("static", {"path": [1]}),
    "blog": ("blog", {}),
    "post": ("post", {"id": 3}),
    "tenant": ("tenant", {"who": "ann", "path": "x"}),
    "all": ("all", {"path": "x"}),
    "near": ("statik", {}),
}
def url(environ, which):
    name, params = CASES[which]
    to, error = catch(url_for, environ, name, **params)
    return text(error.message if error else to)
app = router([
    get("/url/{which}", url),
    mount("/static", files, name = "static"),
    mount("/blog", router([get("/{id:int}", lambda environ, id: text("post"), name = "post")]), name = "blog"),
    mount("/of/{who}", files, name = "tenant"),
    mount("/", files, name = "all"),
])
`
	h := handler(t, script, "app", io.Discard)
	for which, want := range map[string]string{
		"static": "/static/", "below": "/static/a%20b/%C3%BC.css", "slash": "/static/a.css?v=3",
		"dots":   `url_for: mount("/static", files) at app.star:22:10: the parameter path is "a/../b", which has .. in it`,
		"number": `url_for: mount("/static", files) at app.star:22:10: the parameter path is a list, not a string`,
		"blog":   "/blog/", "post": "/blog/3", "tenant": "/of/ann/x", "all": "/x",
		"near": `url_for: no route is called "statik"; did you mean "static"?`,
	} {
		if got := visit(h, "GET /url/"+which); got != "200 "+want && got != "200 LARK0403: "+want {
			t.Errorf("%s: got %s, want %s", which, got, want)
		}
	}
}

// TestMountNames has names that cannot be.
func TestMountNames(t *testing.T) {
	for script, want := range map[string]string{
		`mount("/a", text("x"), name = 1)`: `name is an int, not a string: write name = "note"`,
		`router([get("/a", text("x"), name = "n"), mount("/b", text("x"), name = "n")])`: `the name "n" is that of ` +
			`get("/a", response) at app.star:3:18 too`,
	} {
		_, err := loadScript("load(\"@route\", \"get\", \"mount\", \"router\")\nload(\"@response\", \"text\")\n" +
			"app = " + script)
		if err == nil || !contains(err, want) {
			t.Errorf("%s: %v, want %s", script, err, want)
		}
	}
}

func contains(err error, text string) bool {
	return strings.Contains(runtime.Diagnose("app.star", err).Error(), text)
}
