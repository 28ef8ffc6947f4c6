package push_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
)

// A handler of any kind gets pushes by being wrapped. With a server that can promise, larkspur's server/h2 for one, what the Link
// field names is promised; with any other it is a hint.
func ExampleHandler() {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</app.css>; rel=preload; as=style")
		fmt.Fprint(w, "<link rel=stylesheet href=/app.css>")
	})
	mux.HandleFunc("/app.css", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "body { color: teal }")
	})
	server := http.Server{Handler: &push.Handler{Next: mux}}
	fmt.Println(server.Handler != nil)
	// Output: true
}

// A handler that is slow to make its page promises what goes with it first.
func ExampleFrom() {
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		verdict := push.From(w).Push(push.Resource{Target: "/app.css"})
		fmt.Fprintln(w, "app.css is", verdict.Outcome())
	})
	h := &push.Handler{Next: slow}

	w := httptest.NewRecorder() // takes neither promises nor, over HTTP/1.1, hints
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Print(w.Body)
	// Output: app.css is skipped: disabled
}

// Every verdict can be seen.
func ExamplePolicy_observe() {
	policy := &push.Policy{Observe: func(r *http.Request, v push.Verdict) { fmt.Println(r.RequestURI, v) }}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", `</app.css>; rel=preload; as=style, </big.png>; rel=preload; as=image; nopush, <//cdn.example/x.js>; rel=preload; as=script`)
	})
	h := &push.Handler{Next: page, Policy: policy}
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	// Output:
	// / /app.css: linked (link)
	// / /big.png: skipped: nopush (link)
	// / //cdn.example/x.js: skipped: foreign (link)
}

func ExampleParseLinks() {
	links, _ := push.ParseLinks([]string{`</a.css>; rel=preload; as=style, <b.css>; rel="next preload"; title="b, or not b"`})
	for _, l := range links {
		fmt.Println(l.Target, l.Is("preload"), l.As)
	}
	// Output:
	// /a.css true style
	// b.css true
}

func ExampleResolve() {
	r := httptest.NewRequest("GET", "http://example.com/docs/page.html", nil)
	for _, ref := range []string{"a b.css", "../a.css#top", "http://EXAMPLE.com:80/a.css", "//other.example/a.css", `\a.css`} {
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

func ExampleParseMap() {
	m, err := push.ParseMap("site.push", strings.NewReader(`
/ /index.html
    /static/site.css  as=style critical
/blog/**
    /static/blog.css  as=style`))
	if err != nil {
		fmt.Println(err)
	}
	h := &push.Handler{Policy: &push.Policy{Map: m}, Next: http.NotFoundHandler()}
	trial := &pushtest.Trial{Refuses: true}
	r := httptest.NewRequest("GET", "/blog/2026/hello", nil)
	r.ProtoMajor = 2
	h.ServeHTTP(trial, r)
	fmt.Println(trial.Hints)
	// Output: [map[Link:[</static/blog.css>; rel=preload; as=style]]]
}

// A recorder learns a map from what clients ask for.
func ExampleRecorder() {
	recorder := new(push.Recorder)
	h := &push.Handler{Policy: &push.Policy{Recorder: recorder}, Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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

// Clients are remembered across connections by a signed cookie, if that is wanted.
func ExampleMemory() {
	key := []byte(os.Getenv("PUSH_KEY")) // 32 random bytes
	policy := &push.Policy{Memory: &push.Memory{Keys: [][]byte{key}}}
	fmt.Println(policy.Memory.MaxAge == 0) // seven days
	// Output: true
}
