package push_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/push"
)

const shop = `# what comes with the pages of the shop
/
    /static/site.css     as=style critical   # a comment
    /static/site.js      as=script
/shop/**
/cart
    /static/shop.css#x   as=style
    /static/shop.woff2   as=font type="font/woff2" crossorigin
    https://cdn.example  rel=preconnect
/shop/*/index.html	/shop/new
	/static/site.css as=style critical
`

func parse(t *testing.T, text string) *push.Map {
	t.Helper()
	m, err := push.ParseMap("shop.push", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMap(t *testing.T) {
	m := parse(t, shop)
	const site, js = "</static/site.css>; rel=preload; as=style; critical",
		"</static/site.js>; rel=preload; as=script"
	rest := []string{"</static/shop.css#x>; rel=preload; as=style",
		`</static/shop.woff2>; rel=preload; as=font; type="font/woff2"; crossorigin`,
		"<https://cdn.example>; rel=preconnect"}
	for target, want := range map[string][]string{
		"/": {site, js}, "/?q": {site, js}, "/cart": rest, "/shop": nil, "/shop/": rest,
		"/shop/a/b":          rest,
		"/shop/x/index.html": append(slices.Clone(rest), site), "/shop/x/y/index.html": rest,
		"/shop/new": append(slices.Clone(rest), site), "/other": nil,
	} {
		var got []string
		for _, l := range m.Links(target) {
			got = append(got, l.Text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	var none *push.Map
	if none.Links("/") != nil {
		t.Error("a nil map has links")
	}
}

func TestMapErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"shop", `m:1: the pattern "shop" does not begin with a slash; resources are indented`},
		{"/a?b", `m:1: the pattern "/a?b" has a query or a fragment: only the path of a page is ` +
			`compared`},
		{"\n  /a.css", `m:2: the resource /a.css has no page: write the pattern of a page above ` +
			`it, without a blank before it`},
		{"/\n  a.css", `m:2: the resource a.css is neither a path nor a URL: it begins with a ` +
			`slash or with a scheme`},
		{"/\n  </a.css>", `m:2: the resource </a.css> is written without angle brackets`},
		{"/\n  /a.css as=style\n  /b.css style",
			`m:3: the attribute style is unknown; there are rel, as, type, media, crossorigin, ` +
				`critical, nopush, fetchpriority, imagesrcset, imagesizes, integrity, ` +
				`referrerpolicy, x-http2-push-only`},
		{"/\n  /a.css as=a,b", `m:2: the attributes of /a.css cannot be read`},
		{"/\n  /a\\b", `m:2: the resource "/a\\b" is not a URL`},
		{"/" + strings.Repeat("x", 5000), `m:1: bufio.Scanner: token too long`},
		{"/\n" + strings.Repeat("  /a.css\n", 65), `m:66: the page / has more than 64 resources`},
	} {
		_, err := push.ParseMap("m", strings.NewReader(c.in))
		if err == nil || err.Error() != "push: "+c.want {
			t.Errorf("%.40q: %v, want %s", c.in, err, c.want)
		}
	}
	if _, err := push.ReadMap(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Errorf("a file that is missing: %v", err)
	}
}

func TestMapPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern string
		yes, no []string
	}{
		{"/*", []string{"/", "/a"}, []string{"/a/", "/a/b"}},
		{"/**", []string{"/", "/a", "/a/b"}, nil},
		{"/*/b", []string{"/a/b", "//b"}, []string{"/b", "/a/c/b", "/a/b/"}},
		{"/**/b", []string{"/a/b", "/a/c/b", "//b"}, []string{"/b", "/a/b/"}},
		{"/a*b*c", []string{"/abc", "/axbxc", "/abcbc"}, []string{"/ac", "/ab/c", "/abcd"}},
		{"/**x*y", []string{"/xy", "/a/x/xby", "/xyxy"}, []string{"/x/y", "/yx"}},
		{"/*/**.html", []string{"/a/.html", "/a/b/c.html"}, []string{"/a.html", "/a/b.htm"}},
		{"/" + strings.Repeat("*a", 30) + "**b", nil, []string{"/" + strings.Repeat("a", 2000)}},
	} {
		m := parse(t, c.pattern+"\n /r\n")
		for _, path := range c.yes {
			if len(m.Links(path)) != 1 {
				t.Errorf("%s does not match %s", c.pattern, path)
			}
		}
		for _, path := range c.no {
			if len(m.Links(path)) != 0 {
				t.Errorf("%.20s matches %.20s", c.pattern, path)
			}
		}
	}
}

func TestMapWritten(t *testing.T) {
	var once, twice strings.Builder
	m := parse(t, shop)
	if _, err := m.WriteTo(&once); err != nil {
		t.Fatal(err)
	}
	again := parse(t, once.String())
	if _, err := again.WriteTo(&twice); err != nil {
		t.Fatal(err)
	}
	if once.String() != twice.String() || len(again.Links("/shop/new")) != 4 {
		t.Errorf("written once:\n%s\ntwice:\n%s", once.String(), twice.String())
	}
}

func FuzzParseMap(f *testing.F) {
	f.Add(shop, "/shop/a")
	f.Fuzz(func(t *testing.T, text, target string) {
		m, err := push.ParseMap("m", strings.NewReader(text))
		if err != nil {
			return
		}
		links := m.Links(target)
		if len(links) > 64 {
			t.Fatalf("%d links", len(links))
		}
		var b strings.Builder
		m.WriteTo(&b)
		again, err := push.ParseMap("m", strings.NewReader(b.String()))
		if err != nil {
			t.Fatalf("what is written cannot be read: %v\n%s", err, b.String())
		}
		if got := again.Links(target); len(got) != len(links) {
			t.Fatalf("%d links, then %d", len(links), len(got))
		}
	})
}

// TestMapActs verifies that the map acts before the handler runs, and that links to the same
// resources are the same candidates.
func TestMapActs(t *testing.T) {
	m := parse(t, "/\n /a.css as=style\n /b.css as=style media=print\n //cdn.example/c.js "+
		"as=script\n /m.js rel=modulepreload\n")
	for _, c := range []struct {
		name     string
		off      bool
		req      []string
		method   string
		promised []string
		hints    string
	}{
		{"a client that takes promises", false, nil, "GET", []string{"/a.css"},
			"Link: </b.css>; rel=preload; as=style; media=print / " +
				"<//cdn.example/c.js>; rel=preload; as=script / </m.js>; rel=modulepreload"},
		{"one that does not", true, nil, "GET", nil,
			"Link: </a.css>; rel=preload; as=style / " +
				"</b.css>; rel=preload; as=style; media=print / " +
				"<//cdn.example/c.js>; rel=preload; as=script / </m.js>; rel=modulepreload"},
		{"a navigation", true, []string{"Sec-Fetch-Mode: navigate"}, "GET", nil,
			"Link: </a.css>; rel=preload; as=style / " +
				"</b.css>; rel=preload; as=style; media=print / " +
				"<//cdn.example/c.js>; rel=preload; as=script / </m.js>; rel=modulepreload"},
		{"no navigation", true, []string{"Sec-Fetch-Mode: cors"}, "GET", nil, ""},
		{"no navigation, but promises", false, []string{"Sec-Fetch-Mode: cors"}, "GET",
			[]string{"/a.css"}, ""},
		{"HTTP/1.1", true, []string{"proto: HTTP/1.1"}, "GET", nil, ""},
		{"POST", false, nil, "POST", nil, ""},
	} {
		conn := newConn()
		conn.off = c.off
		s := site{"/": func(w http.ResponseWriter, r *http.Request) {
			if got := conn.targets(); len(got) != len(c.promised) {
				t.Errorf("%s: when the handler runs, promised is %q", c.name, got)
			}
			w.Header().Set("Link", "</a.css>; rel=preload")
		}}
		w := conn.get(t, &push.Handler{Next: s, Policy: &push.Policy{Map: m}}, c.method, "/",
			c.req...)
		if c.method == "POST" {
			continue
		}
		if got := conn.targets(); !slices.Equal(got, c.promised) && len(got)+len(c.promised) > 0 {
			t.Errorf("%s: promised %q, want %q", c.name, got, c.promised)
		}
		if got := describeHints(w); got != c.hints {
			t.Errorf("%s: hints %s\nwant %s", c.name, got, c.hints)
		}
	}
}

// TestRecorder has what is learned from the traffic of a browser.
func TestRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &push.Recorder{MaxPages: 5, MaxResources: 4}
		s := site{}
		for _, p := range []string{"/", "/shop", "/rare"} {
			s[p] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Write([]byte("page"))
			}
		}
		s["/private.css"] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
		}
		s["/none.css"] = http.NotFound
		h := &push.Handler{Next: s, Policy: &push.Policy{Recorder: r}}
		c := newConn()
		from := func(page string) string { return "Referer: http://example.com:8000" + page }
		for i := range 10 {
			c.get(t, h, "GET", "/?visit=1", "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate")
			c.get(t, h, "GET", "/site.css", "Sec-Fetch-Dest: style", from("/?visit=1"))
			c.get(t, h, "GET", "/font.woff2", "Sec-Fetch-Dest: font", "Sec-Fetch-Mode: cors",
				from("/site.css"))
			c.get(t, h, "GET", "/app.js?v=1", "Sec-Fetch-Dest: script", "Sec-Fetch-Mode: cors",
				from("/"))
			if i < 4 {
				c.get(t, h, "GET", "/seldom.png", "Sec-Fetch-Dest: image", from("/"))
			}
			for _, target := range []string{"/private.css", "/none.css"} {
				c.get(t, h, "GET", target, "Sec-Fetch-Dest: style", from("/"))
			}
			c.get(t, h, "GET", "/data.json", "Sec-Fetch-Dest: empty", from("/"))
			c.get(t, h, "GET", "/foreign.css", "Sec-Fetch-Dest: style", "Referer: http://other/")
			c.get(t, h, "GET", "/lost.css", "Sec-Fetch-Dest: style", from("/never-visited"))
			c.get(t, h, "POST", "/post.css", "Sec-Fetch-Dest: style", from("/"))
			c.get(t, h, "GET", "/shop") // a client that says nothing
			c.get(t, h, "GET", "/shop.css", from("/shop"))
		}
		c.get(t, h, "GET", "/rare")
		c.get(t, h, "GET", "/rare.css", from("/rare"))
		var b strings.Builder
		r.Map().WriteTo(&b)
		want := "/  # 10 visits\n    /app.js?v=1 as=script crossorigin  # 10 uses\n    " +
			"/font.woff2 as=font crossorigin  # 10 uses\n    /site.css as=style  # 10 uses\n" +
			"/shop  # 10 visits\n    /shop.css as=style  # 10 uses\n"
		if got := b.String(); got != want {
			t.Errorf("learned:\n%s\nwant:\n%s", got, want)
		}
		if m := parse(t, b.String()); len(m.Links("/")) != 3 {
			t.Error("what is learned cannot be read")
		}
		if len(c.promises) != 0 {
			t.Errorf("recording promises %q", c.targets())
		}

		// What is no longer used is forgotten.
		time.Sleep(10 * 24 * time.Hour)
		c.get(t, h, "GET", "/")
		if got := r.Map().Links("/shop"); got != nil {
			t.Errorf("after ten days, %v", got)
		}
		// And neither forged pages nor many resources make it grow.
		for i := range 1000 {
			s[fmt.Sprintf("/p%d", i)] = s["/"]
			c.get(t, h, "GET", fmt.Sprintf("/p%d", i))
			for range 3 {
				c.get(t, h, "GET", fmt.Sprintf("/%d.css", i), from("/"))
				c.get(t, h, "GET", fmt.Sprintf("/%d.css", i), from(fmt.Sprintf("/p%d", i)))
			}
			c.get(t, h, "GET", "/")
		}
		b.Reset()
		r.Map().WriteTo(&b)
		if n := strings.Count(b.String(), "\n"); n > 5+5*4 {
			t.Errorf("%d lines:\n%s", n, b.String())
		}
	})
}
