package push_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/push"
)

// TestVerified has what is run and not promised, and why.
func TestVerified(t *testing.T) {
	set := func(fields ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(fields); i += 2 {
				w.Header().Add(fields[i], fields[i+1])
			}
			w.Write([]byte("0123456789"))
		}
	}
	for _, c := range []struct {
		name string
		h    http.HandlerFunc
		want string
	}{
		{"200", set(), "promised"},
		{"private", set("Cache-Control", "private, max-age=60"), "promised"},
		{"varies on what is copied",
			set("Vary", "accept-encoding, Accept", "Vary", "User-Agent,Accept-Language"),
			"promised"},
		{"length", set("Content-Length", "10"), "promised"},
		{"404", http.NotFound, "skipped: unverified: its status is 404"},
		{"redirect", http.RedirectHandler("/login", http.StatusFound).ServeHTTP,
			"skipped: unverified: its status is 302"},
		{"206", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(206) },
			"skipped: unverified: its status is 206"},
		{"204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
			"skipped: unverified: its status is 204"},
		{"cookie", set("Set-Cookie", "a=b"), "skipped: unverified: it sets a cookie"},
		{"no-store", set("Cache-Control", "private, No-Store"),
			"skipped: unverified: its Cache-Control is no-store"},
		{"varies", set("Vary", "Accept, Cookie"),
			"skipped: unverified: it varies on Cookie, " +
				"which the promised request has not got from the page"},
		{"varies on all", set("Vary", "*"),
			"skipped: unverified: it varies on *, " +
				"which the promised request has not got from the page"},
		{"short", set("Content-Length", "11"),
			"skipped: unverified: its Content-Length is 11, its body has 10 bytes"},
		{"trailers", set("Trailer", "X-Sum"), "skipped: unverified: it has trailers"},
		{"panic", func(http.ResponseWriter, *http.Request) { panic("oh") },
			"skipped: unverified: the handler panicked: oh"},
		{"broken off", func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte("a"))
			panic(http.ErrAbortHandler)
		},
			"skipped: unverified: the handler broke off"},
		{"too large", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1001)) },
			"skipped: budget: more than 1000 bytes"},
		{"as large as may be",
			func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1000)) },
			"promised"},
		{"declared too large", set("Content-Length", "1001"),
			"skipped: budget: more than 1000 bytes"},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 100)); err != nil {
					return
				}
			}
		}, "skipped: budget: more than 1000 bytes"},
		{"slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			"skipped: unverified: no answer within 500ms"},
		{"slow and deaf", func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			if _, err := w.Write([]byte("late")); err == nil {
				t.Error("a handler that nobody waits for can write")
			}
		}, "skipped: unverified: no answer within 500ms"},
		{"dripping", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				w.Write([]byte("."))
				w.(http.Flusher).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		}, "skipped: unverified: no answer within 500ms"},
		{"interim", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(103)
			w.Write([]byte("a"))
		}, "promised"},
		{"nothing", func(http.ResponseWriter, *http.Request) {}, "promised"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				policy := &push.Policy{MaxResourceBytes: 1000,
					Observe: func(_ *http.Request, v push.Verdict) {
						s := v.Outcome()
						if v.Detail != "" {
							s += ": " + v.Detail
						}
						got = append(got, s)
					}}
				conn := newConn()
				w := conn.get(t,
					&push.Handler{Next: site{"/": page(`</a>; rel=preload`), "/a": c.h},
						Policy: policy}, "GET", "/")
				if len(got) != 1 || got[0] != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
				if (len(conn.promises) == 1) != (c.want == "promised") || w.Code != 200 {
					t.Errorf("promised %q, status %d", conn.targets(), w.Code)
				}
				time.Sleep(time.Minute) // whoever is deaf to its context ends too
			})
		})
	}
}

// TestAnswer verifies that what is promised is what was verified, and that it runs once.
func TestAnswer(t *testing.T) {
	runs := 0
	s := site{"/d/": page(`<a.css?v=1>; rel=preload; critical`),
		"/d/a.css": func(w http.ResponseWriter, r *http.Request) {
			runs++
			page, ok := push.Pushed(r.Context())
			if page != "/d/?q" || !ok || push.From(w) != nil ||
				push.From(w).Push(push.Resource{Target: "/x"}).Status != push.Skipped {
				t.Errorf("pushed for %q, %v", page, ok)
			}
			if r.URL.Path != "/d/a.css" || r.URL.RawQuery != "v=1" ||
				r.RequestURI != "/d/a.css?v=1" ||
				r.Host != "example.com:8000" || r.ProtoMajor != 2 || r.Body == nil {
				t.Errorf("request %+v", r)
			}
			w.Header().Set("ETag", `"1"`)
			w.Header().Set("Link", `</b>; rel=preload, </c>; rel=preload; x-http2-push-only`)
			w.Write([]byte("a "))
			w.Write([]byte("{}"))
		}}
	conn := newConn()
	conn.get(t, &push.Handler{Next: s, Policy: new(push.Policy)}, "GET", "/d/?q",
		"Accept: text/html", "Accept-Encoding: gzip", "Accept-Language: de", "Accept-Language: en",
		"User-Agent: u",
		"Cookie: a=b", "Authorization: x", "If-None-Match: *", "Range: bytes=0-1",
		"Cache-Control: no-cache", "Referer: http://r/", "Accept-Charset: x", "X-Other: y",
		"Accept-Push-Policy: default")
	if len(conn.promises) != 1 || runs != 1 {
		t.Fatalf("promised %q in %d runs", conn.targets(), runs)
	}
	p := conn.promises[0]
	if p.body != "a {}" || p.header.Get("ETag") != `"1"` ||
		p.header.Get("Link") != "</b>; rel=preload" || !p.critical {
		t.Errorf("promised %q, %v", p.body, p.header)
	}
	if got, want := fmt.Sprint(p.r.Header),
		"map[Accept:[text/html] Accept-Encoding:[gzip] Accept-Language:[de en] "+
			"User-Agent:[u]]"; got != want {
		t.Errorf("the promised request has %s, want %s", got, want)
	}
}

// TestVerifyTimeout verifies that slow resources do not hold up a page for longer than four times
// the timeout.
func TestVerifyTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		links := make([]string, 40)
		s := site{}
		for i := range links {
			links[i] = fmt.Sprintf("</%d>; rel=preload", i)
			s[fmt.Sprintf("/%d", i)] = func(_ http.ResponseWriter,
				r *http.Request) {
				<-r.Context().Done()
			}
		}
		s["/"] = page(links...)
		began := time.Now()
		newConn().get(t, &push.Handler{Next: s, Policy: &push.Policy{VerifyTimeout: time.Second}},
			"GET", "/")
		if d := time.Since(began); d < 4*time.Second || d > 6*time.Second {
			t.Errorf("the page waited %v", d)
		}
	})
}

// TestSlowOnce verifies that a page does not wait each time for what is slow, and that it is looked
// at again after a while.
func TestSlowOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var quick atomic.Bool
		h := &push.Handler{Policy: &push.Policy{VerifyTimeout: time.Second},
			Next: site{"/": page("</a>; rel=preload"),
				"/a": func(_ http.ResponseWriter, r *http.Request) {
					if !quick.Load() {
						<-r.Context().Done()
					}
				}}}
		began := time.Now()
		for range 5 {
			if c := newConn(); c.get(t, h, "GET", "/").Code != 200 || len(c.promises) != 0 {
				t.Errorf("promised %q", c.targets())
			}
		}
		if d := time.Since(began); d != time.Second {
			t.Errorf("five pages waited %v", d)
		}
		quick.Store(true)
		time.Sleep(10 * time.Second)
		c := newConn()
		if c.get(t, h, "GET", "/"); len(c.promises) != 1 {
			t.Errorf("later, promised %q", c.targets())
		}
	})
}
