package push_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/push"
)

// early is a handler that hints, then answers; each of hints is the header of a 103.
func early(final []string, hints ...http.Header) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, h := range hints {
			push.From(w).Hint(h)
		}
		w.Header()["Link"] = final
		w.Header().Set("X-Final", "1")
		w.Write([]byte("page"))
	}
}

// describeHints returns the fields of the 103s of a response.
func describeHints(w *response) string {
	var all []string
	for _, h := range w.hints {
		var names []string
		for name, values := range h {
			names = append(names, name+": "+strings.Join(values, " / "))
		}
		slices.Sort(names)
		all = append(all, strings.Join(names, "; "))
	}
	return strings.Join(all, " | ")
}

func TestHints(t *testing.T) {
	link := func(links ...string) http.Header { return http.Header{"Link": links} }
	const a, b = `</a.css>; rel=preload; as=style`, `</b.js>; rel=preload; as=script; nopush`
	const cdn = `<https://cdn.example>; rel=preconnect`
	for _, c := range []struct {
		name     string
		off      bool // the client takes no promises
		http1    bool // the policy hints over HTTP/1.1
		noHints  bool
		req      []string
		method   string
		h        http.HandlerFunc
		hints    string
		promised string
		verdicts []string
	}{
		{name: "a client that takes no promises", off: true, h: early([]string{a}, link(a, cdn)),
			hints:    "Link: " + a + " / " + cdn,
			verdicts: []string{"/a.css hinted", "https://cdn.example hinted"}},
		{name: "one that does", h: early([]string{a, cdn}, link(a, b, cdn)),
			hints: "Link: " + b + " / " + cdn, promised: "/a.css",
			verdicts: []string{"/a.css promised", "/b.js hinted",
				"https://cdn.example hinted"}},
		{name: "all is promised", h: early(nil, link(a)), promised: "/a.css",
			verdicts: []string{"/a.css promised"}},
		{name: "each once", off: true, h: early(nil, link(a), link(a, cdn), link(a), link(cdn)),
			hints:    "Link: " + a + " | Link: " + cdn,
			verdicts: []string{"/a.css hinted", "https://cdn.example hinted"}},
		{name: "hint fields only", off: true,
			h: early(nil, http.Header{"Link": {cdn}, "Set-Cookie": {"a=b"}, "Content-Length": {"1"},
				"Etag": {"x"}, "Content-Security-Policy": {"default-src 'self'"},
				"X-Foo": {"1", "2"}}),
			hints: "Content-Security-Policy: default-src 'self'; Link: " + cdn +
				"; X-Foo: 1 / 2",
			verdicts: []string{"https://cdn.example hinted"}},
		{name: "only what is none", off: true, h: early(nil, http.Header{"Set-Cookie": {"a=b"}})},
		{name: "what is no use is not hinted", off: true,
			h: early(nil,
				link(`<>; rel=preload, </\>; rel=preload, </p>; rel=preload; x-http2-push-only`)),
			verdicts: []string{"/ skipped: self", `/\ skipped: invalid`, "/p skipped: disabled"}},
		{name: "what cannot be promised",
			h: early(nil, link(`<//other/a>; rel=preload, </m>; rel=preload; media=print, `+
				`</404>; rel=preload`)),
			hints: "Link: <//other/a>; rel=preload / </m>; rel=preload; media=print / " +
				"</404>; rel=preload",
			verdicts: []string{"//other/a hinted", "/m hinted", "/404 hinted"}},
		{name: "HTTP/1.1", off: true, req: []string{"proto: HTTP/1.1"},
			h: early([]string{a}, link(a)), verdicts: []string{"/a.css skipped: disabled"}},
		{name: "HTTP/1.1, switched on", off: true, http1: true, req: []string{"proto: HTTP/1.1"},
			h: early(nil, link(a)), hints: "Link: " + a, verdicts: []string{"/a.css hinted"}},
		{name: "HTTP/1.0", off: true, http1: true, req: []string{"proto: HTTP/1.0"},
			h: early(nil, link(a)), verdicts: []string{"/a.css skipped: disabled"}},
		{name: "no hints", off: true, noHints: true, h: early(nil, link(a)),
			verdicts: []string{"/a.css skipped: disabled"}},
		{name: "any method", off: true, method: "POST", h: early(nil, link(a)), hints: "Link: " + a,
			verdicts: []string{"/a.css hinted"}},
		{name: "a final link after a hint that did not go out", off: true, noHints: true,
			h: early([]string{a}, link(a)), verdicts: []string{"/a.css skipped: disabled"}},
		{name: "by net/http's means", off: true, h: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", a)
			w.Header().Set("Set-Cookie", "a=b")
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusProcessing)
			w.Header().Set("X-Final", "1")
			w.Write([]byte("page"))
		}, hints: "Link: " + a, verdicts: []string{"/a.css hinted"}},
		{name: "a call", off: true, h: func(w http.ResponseWriter, r *http.Request) {
			p := push.From(w)
			p.Push(push.Resource{Target: "a.css"})
			p.Push(push.Resource{Target: "/f.woff2?v=1"})
			p.Push(push.Resource{Target: "/data", As: "fetch"})
			p.Push(push.Resource{Target: "/unknown"})
			p.Push(push.Resource{Target: "//other/b.css"})
			w.Header().Set("X-Final", "1")
			w.WriteHeader(200)
			p.Push(push.Resource{Target: "/late.css"})
		}, hints: "Link: </a.css>; rel=preload; as=style | Link: </f.woff2?v=1>; rel=preload; " +
			"as=font; crossorigin | Link: </data>; rel=preload; as=fetch",
			verdicts: []string{"/a.css hinted", "/f.woff2?v=1 hinted", "/data hinted",
				"/unknown skipped: disabled", "//other/b.css skipped: foreign",
				"/late.css skipped: disabled"}},
		{name: "after the response has begun", off: true,
			h: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Final", "1")
				w.Write([]byte("page"))
				push.From(w).Hint(link(a))
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy, verdicts := watched()
			policy.HintHTTP1, policy.NoHints = c.http1, c.noHints
			conn := newConn()
			conn.off = c.off
			method := "GET"
			if c.method != "" {
				method = c.method
			}
			w := conn.get(t, &push.Handler{Next: site{"/": c.h, "/404": http.NotFound},
				Policy: policy}, method, "/", c.req...)
			if got := describeHints(w); got != c.hints {
				t.Errorf("hints  %s\nwanted %s", got, c.hints)
			}
			if got := strings.Join(conn.targets(), " "); got != c.promised {
				t.Errorf("promised %q, want %q", got, c.promised)
			}
			if !slices.Equal(*verdicts, c.verdicts) {
				t.Errorf("verdicts %q, want %q", *verdicts, c.verdicts)
			}
			if w.Code != 200 || w.Result().Header.Get("X-Final") != "1" {
				t.Errorf("status %d, header %v", w.Code, w.Result().Header)
			}
		})
	}
}

// TestLinkedAfterAll verifies that what could not be hinted is linked once the final response links
// it.
func TestLinkedAfterAll(t *testing.T) {
	h := &push.Handler{Policy: new(push.Policy),
		Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			plan := push.From(w)
			plan.Hint(http.Header{"Link": {"</a>; rel=preload"}})
			w.Header().Set("Link", "</a>; rel=preload")
			w.WriteHeader(http.StatusOK)
			if v := plan.Push(push.Resource{Target: "/a"}); v.Outcome() != "linked" {
				t.Errorf("verdict %v", v)
			}
		})}
	(&conn{off: true}).get(t, h, "GET", "/", "proto: HTTP/1.1")
}

// TestPromiseBeforeHint verifies that a promise goes before the 103 that refers to other things.
func TestPromiseBeforeHint(t *testing.T) {
	c := newConn()
	h := early(nil, http.Header{"Link": {`</a>; rel=preload; nopush, </b>; rel=preload`}})
	w := c.get(t, &push.Handler{Next: site{"/": h}, Policy: new(push.Policy)}, "GET", "/")
	if len(w.hints) != 1 || len(c.promises) != 1 || c.promises[0].before != 0 {
		t.Errorf("%d hints, promised %q", len(w.hints), c.targets())
	}
}
