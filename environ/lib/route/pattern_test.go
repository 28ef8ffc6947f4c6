package route_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/environ/lib/route"
	"go.starlark.net/starlark"
)

func TestPatterns(t *testing.T) {
	for text, want := range map[string]string{
		"/":                           "",
		"":                            "",
		"/a/b/":                       "",
		"/green tea/ü":                "",
		"/v1/things:batch":            "",
		"/{id}":                       "id",
		"/{id:int}/x/{name}":          "id name",
		"/{a}-{b:int}.{c}":            "a b c",
		"/files/{p:path}":             "p",
		"/{x:re([a-z]{2,3})}":         "x",
		"/{x:re((a|b)+)}/{y:re(\\})}": "x y",
		"/{x:re([)}]+)}":              "x",
		"/{x:re(a/b)}":                "x",
		"/{x:re((a)}b)}":              "x",
		"/@{_user1}":                  "_user1",

		"a":                                    `the pattern "a" does not begin with a slash: write "/a"`,
		"//a":                                  "two slashes in a row",
		"/a//b":                                "two slashes in a row",
		"/{":                                   "a { without a }",
		"/}":                                   "a } without a {",
		"/{}":                                  `"" is no name of a parameter`,
		"/{1x}":                                `"1x" is no name of a parameter`,
		"/{a b}":                               `"a b" is no name of a parameter`,
		"/{id:number}":                         `there is no type "number": it is one of int, float, uuid, path`,
		"/{id:}":                               `there is no type ""`,
		"/{a}{b}":                              "nothing stands between {a} and {b}",
		"/{a}/{a}":                             "two parameters are called a",
		"/{p:path}/x":                          "{p:path} takes all that is left",
		"/x{p:path}":                           "{p:path} takes all that is left",
		"/{x:re(}":                             "is not ended by )}",
		"/{x:re([)}":                           "{x:re(...)}: error parsing regexp",
		"/{x:re()}":                            "there is no expression",
		"/<int:id>":                            "a parameter is written {id} or {id:int}",
		"/:id":                                 "a parameter is written {id}",
		"/static/*":                            "{rest:path}",
		"/a?x=1":                               "a pattern has the path only, no ?",
		"/a%20b":                               `write "%20" as what it stands for`,
		"/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}": "more than 8 parameters",
	} {
		names, err := route.ParsePattern(text)
		got := strings.Join(names, " ")
		if err != nil {
			got = err.Error()
		}
		if got != want && (err == nil || !strings.Contains(got, want)) {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// handlers are functions for all patterns of the tests: they take what there is.
const handlers = `load("@route", "delete", "get", "group", "head", "mount", "options", "patch", "post", "put", "route", "router", "url_for")
load("@response", "text")
def h(environ, **params): return text("")
def m(environ, start_response): return []
`

// routes makes a router of lines of script.
func routes(tb testing.TB, lines []string) *route.Router {
	tb.Helper()
	return routerOf(tb, handlers+"app = router([\n"+strings.Join(lines, ",\n")+"\n])")
}

// TestTheMoreSpecialWins finds routes in routers whose routes stand in any order.
func TestTheMoreSpecialWins(t *testing.T) {
	lines := []string{
		`get("/", h)`, `get("/{x}", h)`, `get("/about", h)`, `post("/about", h)`,
		`get("/{id:int}", h)`, `get("/{f:float}", h)`, `get("/{u:uuid}", h)`,
		`get("/{y:re([a-c]+)}", h)`, `get("/{name}.css", h)`, `get("/{rest:path}", h)`,
		`get("/notes/{id:int}", h)`, `get("/notes/{id}", h)`, `get("/notes/new", h)`,
		`post("/notes/{id}", h)`, `get("/notes/", h)`, `put("/notes/new", h)`,
		`get("/a/{x}/c", h)`, `get("/{y}/b/d", h)`, `get("/{a}-{b:int}/z", h)`,
		`mount("/app", m)`, `get("/app/own", h)`, `get("/app/{p}/deep", h)`,
		`route("*", "/any", h)`, `get("/any", h)`, `head("/headed", h)`, `get("/headed", h)`,
		`get("/{l:re([a-z]+)}/one/{q}", h)`, `get("/{k:re([a-y]+)}/one/two", h)`,
		`mount("/t/{tenant}", m)`,
	}
	const uuid = "123e4567-E89B-12d3-a456-426614174000"
	tests := []struct{ request, want string }{
		{"GET /", `get("/", h)`},
		{"GET /about", `get("/about", h)`},
		{"HEAD /about", `get("/about", h)`},
		{"POST /about", `post("/about", h)`},
		{"GET /other", `get("/{x}", h) other`},
		{"GET /12", `get("/{id:int}", h) 12`},
		{"GET /-12", `get("/{id:int}", h) -12`},
		{"GET /9223372036854775808", `get("/{f:float}", h) 9223372036854775808`},
		{"GET /1.5", `get("/{f:float}", h) 1.5`},
		{"GET /1.", `get("/{x}", h) 1.`},
		{"GET /1e5", `get("/{x}", h) 1e5`},
		{"GET /" + uuid, `get("/{u:uuid}", h) ` + uuid},
		{"GET /" + uuid + "0", `get("/{x}", h) ` + uuid + "0"},
		{"GET /abc", `get("/{y:re([a-c]+)}", h) abc`},
		{"GET /abcd", `get("/{x}", h) abcd`},
		{"GET /abc.css", `get("/{name}.css", h) abc`},
		{"GET /.css", `get("/{x}", h) .css`},
		{"GET /x/y/z", `get("/{rest:path}", h) x/y/z`},
		{"GET /x/y/", `get("/{rest:path}", h) x/y/`},
		{"GET //x", ``},
		{"GET /notes/7", `get("/notes/{id:int}", h) 7`},
		{"GET /notes/x", `get("/notes/{id}", h) x`},
		{"GET /notes/new", `get("/notes/new", h)`},
		{"POST /notes/new", `post("/notes/{id}", h) new`},
		{"GET /notes/", `get("/notes/", h)`},
		{"DELETE /notes/new", `405 GET HEAD OPTIONS POST PUT`},
		{"DELETE /notes/7", `405 GET HEAD OPTIONS POST`},
		{"GET /a/b/c", `get("/a/{x}/c", h) b`},
		{"GET /a/b/d", `get("/{y}/b/d", h) a`},
		{"GET /a/b/e", `get("/{rest:path}", h) a/b/e`},
		{"GET /x-1/z", `get("/{a}-{b:int}/z", h) x 1`},
		{"GET /x-y-1/z", `get("/{a}-{b:int}/z", h) x-y 1`},
		{"GET /x-y/z", `get("/{rest:path}", h) x-y/z`},
		{"GET /app", `mount("/app", m)`},
		{"PUT /app/1", `mount("/app", m)`},
		{"GET /app/own", `get("/app/own", h)`},
		{"POST /app/own", `mount("/app", m)`},
		{"GET /app/1/deep", `get("/app/{p}/deep", h) 1`},
		{"GET /application", `get("/{x}", h) application`},
		{"GET /any", `get("/any", h)`},
		{"PURGE /any", `route(["*"], "/any", h)`},
		{"HEAD /headed", `head("/headed", h)`},
		{"GET /ab/one/two", `get("/{k:re([a-y]+)}/one/two", h) ab`},
		{"GET /ab/one/three", `get("/{l:re([a-z]+)}/one/{q}", h) ab three`},
		{"GET /z/one/two", `get("/{l:re([a-z]+)}/one/{q}", h) z two`},
		{"GET /t/acme/x/y", `mount("/t/{tenant}", m) acme`},
		{"GET /t", `get("/{x}", h) t`},
	}
	for turn := range 6 {
		shuffled := slices.Clone(lines)
		if turn > 0 {
			rand.Shuffle(len(shuffled), func(i, j int) {
				shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
			})
		}
		r := routes(t, shuffled)
		for _, tt := range tests {
			method, path, _ := strings.Cut(tt.request, " ")
			found, values, allow := route.Find(r, method, path)
			got := strings.Join(append([]string{found}, values...), " ")
			if allow != nil {
				got = "405 " + strings.Join(allow, " ")
			}
			if got != tt.want {
				t.Errorf("%s: got %s, want %s; of the routes\n%s", tt.request, got, tt.want,
					strings.Join(shuffled, "\n"))
			}
		}
	}
}

// TestRoutesThatCannotBeToldApart compares pairs of routes, in either order.
func TestRoutesThatCannotBeToldApart(t *testing.T) {
	for _, tt := range []struct {
		a, b  string
		clash bool
	}{
		{`get("/a", h)`, `get("/a", h)`, true},
		{`get("/a", h)`, `post("/a", h)`, false},
		{`get("/a", h)`, `head("/a", h)`, false},
		{`get("/a", h)`, `route("*", "/a", h)`, false},
		{`get("/a", h)`, `route(["GET", "POST"], "/a", h)`, true},
		{`get("/a", h)`, `get("/a/", h)`, false},
		{`get("/{x}", h)`, `get("/{y}", h)`, true},
		{`get("/{x}", h)`, `get("/{y:int}", h)`, false},
		{`get("/{x}", h)`, `get("/{y:path}", h)`, false},
		{`get("/{x:int}", h)`, `get("/{y:int}", h)`, true},
		{`get("/{x}/a", h)`, `get("/{y}/b", h)`, false},
		{`get("/{x}/{y}", h)`, `get("/{y}/{x}", h)`, true},
		{`get("/{x:path}", h)`, `get("/{y:path}", h)`, true},
		{`get("/{x:re([a-z]+)}", h)`, `get("/{y:re([0-9]+)}", h)`, false},
		{`get("/{x:re([a-z]+)}", h)`, `get("/{y:re([0-9a]+)}", h)`, true},
		{`get("/{x:re(en|de)}", h)`, `get("/{y:re(fr|it)}", h)`, false},
		{`get("/{x:re(en|de)}", h)`, `get("/{y:re(fr|de)}", h)`, true},
		{`get("/{x:re((?i)en)}", h)`, `get("/{y:re(EN)}", h)`, true},
		{`get("/{x:re(a{2,3})}", h)`, `get("/{y:re(a{4})}", h)`, false},
		{`get("/{x:re(.+)}", h)`, `get("/{y:re(é)}", h)`, true},
		{`get("/{x:re([/-0]+)}", h)`, `get("/{y:re([/])}", h)`, false}, // a segment has no slash
		{`get("/a{x}", h)`, `get("/b{x}", h)`, false},
		{`get("/a{x}", h)`, `get("/{x}a", h)`, true},
		{`get("/{x}.css", h)`, `get("/{x}.js", h)`, false},
		{`get("/{x}-{y}", h)`, `get("/{z}-{w}", h)`, true},
		{`mount("/a", m)`, `mount("/a/", m)`, true},
		{`mount("/a", m)`, `get("/a", h)`, false},
		{`mount("/", m)`, `mount("", m)`, true},
		{`group("/a", [get("/b", h)])`, `get("/a/b", h)`, true},
		{`group("/a", [get("", h)])`, `get("/a", h)`, true},
		{`get("/a", h, name = "n")`, `get("/b", h, name = "n")`, true},
	} {
		for _, lines := range [][]string{{tt.a, tt.b}, {tt.b, tt.a}} {
			_, err := loadScript(handlers + "app = router([\n" + strings.Join(lines, ",\n") + "])")
			if (err != nil) != tt.clash {
				t.Errorf("%s beside %s: got %v, want a clash %t", lines[0], lines[1], err, tt.clash)
			}
			if tt.clash && err != nil {
				text := fmt.Sprint(err)
				for _, place := range []string{"app.star:6:", "app.star:7:"} {
					if !strings.Contains(text, place) {
						t.Errorf("%s beside %s: %s does not say the place %s", lines[0], lines[1],
							text, place)
					}
				}
			}
		}
	}
}

// FuzzPattern parses any pattern.
func FuzzPattern(f *testing.F) {
	for _, text := range []string{
		"/", "/a/{b}", "/{x:re([)}]+)}", "/{a}-{b:int}", "/{p:path}", "/{x:re((a)}b)}", "/{", "/{x:re(\\Qa)}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		names, err := route.ParsePattern(text)
		if err == nil && len(names) > 8 {
			t.Errorf("%q has %d parameters", text, len(names))
		}
	})
}

// FuzzMatch asks a router for any path: whatever is found has values that are parts of the path, and
// where it is redirected there is a route, on this host.
func FuzzMatch(f *testing.F) {
	for _, path := range []string{
		"/", "/1", "/a.css", "/x-1/z", "//evil.com/", "/notes/1/", "/\\evil.com/", "/a/b/d", "/\xff", "/x\x00",
	} {
		f.Add("GET", path)
		f.Add("POST", path)
	}
	r := routes(f, []string{
		`get("/", h)`, `get("/{x}", h)`, `get("/{id:int}", h)`, `get("/{n}.css", h)`, `get("/{a}-{b:int}/z", h)`,
		`get("/{l:re([a-z]+)}/", h)`, `get("/{x}/", h)`, `post("/notes/{id}/", h)`, `mount("/m", m)`, `get("/f/{p:path}", h)`,
	})
	f.Fuzz(func(t *testing.T, method, path string) {
		if path == "" || path[0] != '/' {
			return
		}
		_, values, _ := route.Find(r, method, path)
		for _, v := range values {
			if !strings.Contains(path, v) {
				t.Errorf("%q: the value %q is not in it", path, v)
			}
		}
		to := route.Elsewhere(r, "", path, method)
		if to != "" && (to[0] != '/' || strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\")) {
			t.Errorf("%q: redirected to %q", path, to)
		}
	})
}

// FuzzURL makes the URL of a route with any parameters: where it can be made, the router finds the
// route at it, with the same parameters.
func FuzzURL(f *testing.F) {
	f.Add("a b", 7, "x/y.txt")
	f.Add("ü%2F", -1, "../x")
	f.Add("..", 0, "a//b")
	f.Add("x-1", 1, "/etc")
	r := routes(f, []string{
		`get("/a/{x}", h)`, `get("/b/{n:int}/{x}.css", h)`, `get("/c/{p:path}", h)`, `get("/d/{x:re([a-z]+-?)}/", h)`,
		`get("/e/{x}-{p}", h)`,
	})
	f.Fuzz(func(t *testing.T, x string, n int, p string) {
		for pattern, want := range map[string][]string{
			"/a/{x}": {x}, "/b/{n:int}/{x}.css": {fmt.Sprint(n), x}, "/c/{p:path}": {p}, "/d/{x:re([a-z]+-?)}/": {x},
			"/e/{x}-{p}": {x, p},
		} {
			made, err := route.Fill(pattern, map[string]starlark.Value{
				"x": starlark.String(x), "n": starlark.MakeInt(n), "p": starlark.String(p),
			})
			if err != nil {
				continue
			}
			u, err := url.Parse("http://example.com" + made)
			if err != nil {
				t.Errorf("%s: %q is no URL: %v", pattern, made, err)
				continue
			}
			found, values, _ := route.Find(r, "GET", u.Path)
			if !strings.Contains(found, `"`+pattern+`"`) || !slices.Equal(values, want) {
				t.Errorf("%s: %q finds %s with %q, want %q", pattern, made, found, values, want)
			}
			if clean := path.Clean(u.Path); clean != u.Path && clean+"/" != u.Path && !strings.Contains(u.Path, "//") {
				t.Errorf("%s: a client makes %q of %q", pattern, clean, made)
			}
		}
	})
}
