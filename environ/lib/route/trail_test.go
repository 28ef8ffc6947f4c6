package route_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/environ/lib/route"
	"github.com/larkspur-web/larkspur/runtime"
)

// begin loads what the scripts of these tests use, in three lines.
const begin = `load("@route", "get", "group", "mount", "post", "router")
load("@response", "text")
def show(environ, **params): return text("x")
`

// TestPlaces verifies that a route has the line in the list of its router, whichever function made it.
func TestPlaces(t *testing.T) {
	for _, test := range []struct{ script, want string }{
		{`app = router([
    get("/a", show),
    post("/b", show),
])`, "/a 5:8, /b 6:9"},
		{`def pair(path):
    return [get(path, show), post(path, show)]
app = router(
    pair("/a") +
    pair("/b"),
)`, "/a 7:9, /a 7:9, /b 8:9, /b 8:9"},
		{`def one(path):
    return get(path, show)
app = router([
    group("/in", [
        one("/a"),
    ]),
    mount("/m", router([one("/b")])),
])`, "/in/a 8:12, /m/b 10:28"},
		{`def make():
    return router([
        get("/a", show),
    ])
app = make()`, "/a 6:12"},
		{`def one(path):
    return get(path, show)
ROUTES = [one("/a")]
def make():
    return router(ROUTES)
app = make()`, "/a 5:15"},
		{`app = router([get(p, show) for p in ["/a", "/b"]])`, "/a 4:18, /b 4:18"},
	} {
		p, err := loadScript(begin + test.script)
		if err != nil {
			t.Errorf("%s: %v", test.script, err)
			continue
		}
		rows, _ := route.Rows(p.Globals()["app"])
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprintf("%s %d:%d", r.Pattern, r.Place.Line, r.Place.Col))
		}
		if got := strings.Join(got, ", "); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.script, got, test.want)
		}
	}
}

// TestPlacesOfFaults has a function of the script make routes that are wrong.
func TestPlacesOfFaults(t *testing.T) {
	for _, test := range []struct{ script, want string }{
		{`def one(path):
    return get(path, lambda environ: 1)
app = router([
    one("/{id}"),
])`, `app.star:7:8: LARK0403: the handler lambda takes no id, which the pattern "/{id}" gives (made at app.star:5:15); ` +
			`write lambda environ, id: ...`},
		{`def one(path):
    return get(path, show)
app = router([
    one("/a"),
    one("/a"),
])`, `app.star:8:8: LARK0403: get("/a", show) (made at app.star:5:15) cannot be told from get("/a", show) at ` +
			`app.star:7:8 (made at app.star:5:15): a request can be for both`},
	} {
		_, err := loadScript(begin + test.script)
		if err == nil {
			t.Errorf("%s: it loads", test.script)
			continue
		}
		if got := runtime.Diagnose("app.star", err).Error(); !strings.Contains(got, test.want) {
			t.Errorf("%s\n got %s\nwant %s", test.script, got, test.want)
		}
	}
}
