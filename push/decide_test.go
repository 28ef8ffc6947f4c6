package push_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/push"
)

// TestVerdicts has each reason, and its place before others.
func TestVerdicts(t *testing.T) {
	const a = `</a.css>; rel=preload`
	for _, c := range []struct {
		name   string
		conn   *conn
		method string
		req    []string
		status int
		links  []string
		want   []string
	}{
		{name: "promised", links: []string{a}, want: []string{"/a.css promised"}},
		{name: "linked", conn: &conn{off: true}, links: []string{a},
			want: []string{"/a.css linked"}},
		{name: "linked by HTTP/1.1", conn: &conn{off: true}, req: []string{"proto: HTTP/1.1"},
			links: []string{a}, want: []string{"/a.css linked"}},
		{name: "policy none", req: []string{"Accept-Push-Policy: none"}, links: []string{a},
			want: []string{"/a.css linked"}},
		{name: "policy with parameters", req: []string{"Accept-Push-Policy: NONE; x=1"},
			links: []string{a}, want: []string{"/a.css linked"}},
		{name: "policy unknown", req: []string{"Accept-Push-Policy: most"}, links: []string{a},
			want: []string{"/a.css promised"}},
		{name: "push-only, not taken", conn: &conn{off: true},
			links: []string{a + "; x-http2-push-only"}, want: []string{"/a.css skipped: disabled"}},
		{name: "nopush", links: []string{a + "; nopush"}, want: []string{"/a.css skipped: nopush"}},
		{name: "nopush before disabled", conn: &conn{off: true}, links: []string{a + "; nopush"},
			want: []string{"/a.css skipped: nopush"}},
		{name: "anchor", links: []string{a + `; anchor="/b"`},
			want: []string{"/a.css skipped: anchor"}},
		{name: "anchor is the page", links: []string{a + `; anchor="page.html?x"`},
			want: []string{"/a.css promised"}},
		{name: "anchor is the page without its query", links: []string{a + `; anchor="page.html"`},
			want: []string{"/a.css skipped: anchor"}},
		{name: "anchor is a part of the page", links: []string{a + `; anchor="page.html?x#top"`},
			want: []string{"/a.css skipped: anchor"}},
		{name: "anchor elsewhere", links: []string{a + `; anchor="http://other/d/page.html?x"`},
			want: []string{"/a.css skipped: anchor"}},
		{name: "foreign", links: []string{`<//other/a.css>; rel=preload`},
			want: []string{"//other/a.css skipped: foreign"}},
		{name: "invalid", links: []string{`</a\b>; rel=preload`},
			want: []string{`/a\b skipped: invalid`}},
		{name: "self", links: []string{`<?x>; rel=preload`, `<>; rel=preload`, `<#a>; rel=preload`,
			`</d/p%61ge.html?x>; rel=preload`},
			want: []string{"/d/page.html?x skipped: self", "/d/p%61ge.html?x skipped: self"}},
		{name: "conditional", links: []string{a + "; media=print",
			`</b.png>; rel=preload; imagesrcset="/b.png 1x"`},
			want: []string{"/a.css skipped: conditional", "/b.png skipped: conditional"}},
		{name: "media of all", links: []string{a + `; media=""`},
			want: []string{"/a.css promised"}},
		{name: "method", method: "POST", links: []string{a},
			want: []string{"/a.css skipped: method"}},
		{name: "head", method: "HEAD", links: []string{a},
			want: []string{"/a.css skipped: method"}},
		{name: "status", status: 404, links: []string{a}, want: []string{"/a.css skipped: status"}},
		{name: "not modified", status: 304, links: []string{a},
			want: []string{"/a.css skipped: status"}},
		{name: "redirect", status: 302, links: []string{a}, want: []string{"/a.css promised"}},
		{name: "limit of the client", conn: &conn{room: 0}, links: []string{a},
			want: []string{"/a.css skipped: limit"}},
		{name: "other relations",
			links: []string{`</n>; rel=next, </m.js>; rel=modulepreload, <//c>; rel=preconnect`}},
		{name: "once", links: []string{a + ", <../a.css>; rel=preload, </a.css#x>; rel=preload"},
			want: []string{"/a.css promised"}},
		{name: "each link for itself",
			links: []string{a + "; nopush, " + a + "; media=print, " + a},
			want:  []string{"/a.css skipped: nopush", "/a.css promised"}},
		{name: "promised before nopush", links: []string{a + ", " + a + "; nopush"},
			want: []string{"/a.css promised"}},
		{name: "query", links: []string{a, `</a.css?>; rel=preload`, `</a.css?1>; rel=preload`},
			want: []string{"/a.css promised", "/a.css? promised", "/a.css?1 promised"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy, verdicts := watched()
			method, status := "GET", 200
			if c.method != "" {
				method = c.method
			}
			if c.status != 0 {
				status = c.status
			}
			if c.conn == nil {
				c.conn = newConn()
			}
			s := site{"/d/page.html": func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Link"] = c.links
				w.WriteHeader(status)
			}}
			c.conn.get(t, &push.Handler{Next: s, Policy: policy}, method, "/d/page.html?x",
				c.req...)
			if !slices.Equal(*verdicts, c.want) {
				t.Errorf("verdicts %q, want %q", *verdicts, c.want)
			}
		})
	}
}

// TestMount verifies that nothing outside of the site is promised.
func TestMount(t *testing.T) {
	links := page(`<a>; rel=preload, </app/b>; rel=preload, </c>; rel=preload, ` +
		`</application/d>; rel=preload, <../app/../e>; rel=preload, ` +
		`</app/%2e%2e/f>; rel=preload, </app>; rel=preload, </app/%2e%2e%2fg>; rel=preload`)
	want := []string{"/app/a", "/app/b", "/app"}
	c := newConn()
	c.get(t, &push.Handler{Next: site{"/app/page": links}, Policy: new(push.Policy), Mount: "/app"},
		"GET", "/app/page")
	if got := c.targets(); !slices.Equal(got, want) {
		t.Errorf("mounted: promised %q, want %q", got, want)
	}
	var paths []string
	inner := &push.Handler{Policy: new(push.Policy),
		Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			paths = append(paths, r.URL.Path)
			if r.URL.Path == "/page" {
				links(w, r)
			}
		})}
	c = newConn()
	c.get(t, http.StripPrefix("/app", inner), "GET", "/app/page")
	if got := c.targets(); !slices.Equal(got, append(want[:2:2], "/app")) ||
		!slices.Equal(paths, []string{"/page", "/a", "/b", ""}) {
		t.Errorf("stripped: promised %q by %q", got, paths)
	}
}

func TestVerdictString(t *testing.T) {
	v := push.Verdict{Source: push.FromLink, Target: "/a.css", Status: push.Skipped,
		Reason: push.Diary, Detail: "it was sent, and is fresh"}
	if got, want := v.String(),
		"/a.css: skipped: diary (link): it was sent, and is fresh"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := strings.Count(fmt.Sprint(v.LogValue()), "="); got != 5 {
		t.Errorf("%v", v.LogValue())
	}
}
