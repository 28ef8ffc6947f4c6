package push_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
)

// styled is a site of a page and its style sheet, as any http.Handler.
func styled() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</app.css>; rel=preload; as=style")
		fmt.Fprint(w, "<link rel=stylesheet href=/app.css>")
	})
	mux.HandleFunc("/app.css", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "body { color: teal }")
	})
	return mux
}

// ask asks h for a page over HTTP/2, for a client that takes promises or one that does not, as
// browsers are.
func ask(h http.Handler, target string, browser bool) *pushtest.Trial {
	r := httptest.NewRequest("GET", target, nil)
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	t := &pushtest.Trial{Refuses: browser}
	h.ServeHTTP(t, r)
	return t
}

// Any handler gets pushes by being wrapped. On a server that can promise, as server/h2 does, what
// the Link field names is promised to clients that take promises. For others the field stays.
func ExampleHandler() {
	h := &push.Handler{Next: styled()}
	for _, browser := range []bool{false, true} {
		t := ask(h, "/", browser)
		fmt.Println(len(t.Promised), "promised, Link:", t.Fields["Link"])
	}
	// Output:
	// 1 promised, Link: [</app.css>; rel=preload; as=style]
	// 0 promised, Link: [</app.css>; rel=preload; as=style]
}

// A handler that is slow to make its page promises what goes with it first. A browser gets a hint.
func ExampleFrom() {
	mux := http.NewServeMux()
	mux.Handle("/app.css", styled())
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		v := push.From(w).Push(push.Resource{Target: "/app.css"})
		fmt.Println(v)
		// Here the page is made.
	})
	h := &push.Handler{Next: mux}
	ask(h, "/slow", false)
	ask(h, "/slow", true)
	// Output:
	// /app.css: promised (call)
	// /app.css: hinted (call)
}

// What is known of the final header before the page is made goes out as a 103.
func ExamplePlan_Hint() {
	h := &push.Handler{Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		push.From(w).Hint(http.Header{
			"Link":       {"<https://cdn.example>; rel=preconnect"},
			"Set-Cookie": {"a=b"}, // no 103 has it: RFC 8297, section 2
		})
	})}
	fmt.Println(ask(h, "/", true).Hints)
	// Output: [map[Link:[<https://cdn.example>; rel=preconnect]]]
}

// The key to what a handler keeps for a page is its http.ResponseWriter: a promised request finds
// it.
func ExamplePageOf() {
	names := map[http.ResponseWriter]string{}
	h := &push.Handler{Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if page, ok := push.Pushed(r.Context()); ok {
			fmt.Printf("%s is promised with %s, the %s\n",
				r.RequestURI, page, names[push.PageOf(r.Context())])
			return
		}
		names[w] = "first page"
		w.Header().Set("Link", "<app.css>; rel=preload")
	})}
	ask(h, "/page", false)
	// Output: /app.css is promised with /page, the first page
}

// Every verdict can be seen.
func ExamplePolicy() {
	policy := &push.Policy{
		MaxPromises: 2,
		Observe:     func(r *http.Request, v push.Verdict) { fmt.Println(r.RequestURI, v) },
	}
	h := &push.Handler{Policy: policy, Next: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Link"] = []string{
				"</app.css>; rel=preload; as=style, </big.png>; rel=preload; as=image; nopush",
				"<//cdn.example/x.js>; rel=preload; as=script",
			}
		})}
	ask(h, "/", false)
	// Output:
	// / /app.css: promised (link)
	// / /big.png: skipped: nopush (link)
	// / //cdn.example/x.js: skipped: foreign (link)
}

func ExampleParseLinks() {
	links, _ := push.ParseLinks([]string{
		`</a.css>; rel=preload; as=style, <b.css>; rel="next preload"; title="b, or not b"`,
	})
	for _, l := range links {
		fmt.Println(l.Target, l.Is("preload"), l.As)
	}
	// Output:
	// /a.css true style
	// b.css true
}

func ExampleResolve() {
	r := httptest.NewRequest("GET", "http://example.com/docs/page.html", nil)
	for _, ref := range []string{
		"a b.css", "../a.css#top", "http://EXAMPLE.com:80/a.css", "//other.example/a.css", `\a.css`,
	} {
		target, reason := push.Resolve(r, ref)
		fmt.Printf("%q %q\n", target, reason)
	}
	// Output:
	// "/docs/a%20b.css" ""
	// "/a.css" ""
	// "/a.css" ""
	// "" "foreign"
	// "" "invalid"
}

const blog = `
/ /index.html
    /static/site.css  as=style critical
/blog/**
    /static/blog.css  as=style
`

// What a map names goes out before the handler of the page is called.
func ExampleParseMap() {
	m, err := push.ParseMap("site.push", strings.NewReader(blog))
	if err != nil {
		fmt.Println(err)
	}
	h := &push.Handler{Policy: &push.Policy{Map: m}, Next: http.NotFoundHandler()}
	fmt.Println(ask(h, "/blog/2026/hello", true).Hints)
	// Output: [map[Link:[</static/blog.css>; rel=preload; as=style]]]
}

// A fault in a map is told with its place.
func ExampleReadMap() {
	dir, err := os.MkdirTemp("", "push")
	if err != nil {
		fmt.Println(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "site.push")
	if err := os.WriteFile(name, []byte("blog\n"), 0o644); err != nil {
		fmt.Println(err)
	}
	_, err = push.ReadMap(name)
	fmt.Println(strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""))
	// Output:
	// push: site.push:1: the pattern "blog" does not begin with a slash; resources are indented
}

// A recorder learns a map from what clients ask for.
func ExampleRecorder() {
	recorder := new(push.Recorder)
	h := &push.Handler{Policy: &push.Policy{Recorder: recorder}, Next: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				w.Header().Set("Content-Type", "text/html")
			}
		})}
	for range 5 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "http://example.com/", nil))
		r := httptest.NewRequest("GET", "http://example.com/site.css", nil)
		r.Header.Set("Referer", "http://example.com/")
		r.Header.Set("Sec-Fetch-Dest", "style")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	recorder.Map().WriteTo(os.Stdout)
	// Output:
	// /  # 5 visits
	//     /site.css as=style  # 5 uses
}

// Clients are remembered across connections by a signed cookie, for those who want it.
func ExampleMemory() {
	key := []byte(strings.Repeat("k", 32)) // keep 32 random bytes secret
	h := &push.Handler{Policy: &push.Policy{Memory: &push.Memory{Keys: [][]byte{key}}}}
	h.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/app.css" {
			w.Header().Set("Cache-Control", "max-age=86400")
			w.Header().Set("ETag", `"1"`)
			return
		}
		w.Header().Set("Cache-Control", "private") // so that a cookie can be set
		w.Header().Set("Link", "</app.css>; rel=preload")
	})
	cookie := ""
	for range 2 { // connections
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", cookie)
		t := new(pushtest.Trial)
		h.ServeHTTP(t, r)
		fmt.Println(len(t.Promised), "promised")
		cookie, _, _ = strings.Cut(t.Fields.Get("Set-Cookie"), ";")
	}
	// Output:
	// 1 promised
	// 0 promised
}
