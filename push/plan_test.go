package push_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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
		{name: "linked", conn: &conn{off: true}, links: []string{a}, want: []string{"/a.css linked"}},
		{name: "linked by HTTP/1.1", conn: &conn{off: true}, req: []string{"proto: HTTP/1.1"}, links: []string{a}, want: []string{"/a.css linked"}},
		{name: "policy none", req: []string{"Accept-Push-Policy: none"}, links: []string{a}, want: []string{"/a.css linked"}},
		{name: "policy with parameters", req: []string{"Accept-Push-Policy: NONE; x=1"}, links: []string{a}, want: []string{"/a.css linked"}},
		{name: "policy unknown", req: []string{"Accept-Push-Policy: most"}, links: []string{a}, want: []string{"/a.css promised"}},
		{name: "push-only, not taken", conn: &conn{off: true}, links: []string{a + "; x-http2-push-only"}, want: []string{"/a.css skipped: disabled"}},
		{name: "nopush", links: []string{a + "; nopush"}, want: []string{"/a.css skipped: nopush"}},
		{name: "nopush before disabled", conn: &conn{off: true}, links: []string{a + "; nopush"}, want: []string{"/a.css skipped: nopush"}},
		{name: "anchor", links: []string{a + `; anchor="/b"`}, want: []string{"/a.css skipped: anchor"}},
		{name: "anchor is the page", links: []string{a + `; anchor="page.html?x"`}, want: []string{"/a.css promised"}},
		{name: "anchor is the page without its query", links: []string{a + `; anchor="page.html"`}, want: []string{"/a.css skipped: anchor"}},
		{name: "anchor is a part of the page", links: []string{a + `; anchor="page.html?x#top"`}, want: []string{"/a.css skipped: anchor"}},
		{name: "anchor elsewhere", links: []string{a + `; anchor="http://other/d/page.html?x"`}, want: []string{"/a.css skipped: anchor"}},
		{name: "foreign", links: []string{`<//other/a.css>; rel=preload`}, want: []string{"//other/a.css skipped: foreign"}},
		{name: "invalid", links: []string{`</a\b>; rel=preload`}, want: []string{`/a\b skipped: invalid`}},
		{name: "self", links: []string{`<?x>; rel=preload`, `<>; rel=preload`, `<#a>; rel=preload`, `</d/p%61ge.html?x>; rel=preload`},
			want: []string{"/d/page.html?x skipped: self", "/d/p%61ge.html?x skipped: self"}},
		{name: "conditional", links: []string{a + "; media=print", `</b.png>; rel=preload; imagesrcset="/b.png 1x"`},
			want: []string{"/a.css skipped: conditional", "/b.png skipped: conditional"}},
		{name: "media of all", links: []string{a + `; media=""`}, want: []string{"/a.css promised"}},
		{name: "method", method: "POST", links: []string{a}, want: []string{"/a.css skipped: method"}},
		{name: "head", method: "HEAD", links: []string{a}, want: []string{"/a.css skipped: method"}},
		{name: "status", status: 404, links: []string{a}, want: []string{"/a.css skipped: status"}},
		{name: "not modified", status: 304, links: []string{a}, want: []string{"/a.css skipped: status"}},
		{name: "redirect", status: 302, links: []string{a}, want: []string{"/a.css promised"}},
		{name: "limit of the client", conn: &conn{room: 0}, links: []string{a}, want: []string{"/a.css skipped: limit"}},
		{name: "other relations", links: []string{`</n>; rel=next, </m.js>; rel=modulepreload, <//c>; rel=preconnect`}},
		{name: "once", links: []string{a + ", <../a.css>; rel=preload, </a.css#x>; rel=preload"}, want: []string{"/a.css promised"}},
		{name: "each link for itself", links: []string{a + "; nopush, " + a + "; media=print, " + a}, want: []string{"/a.css skipped: nopush", "/a.css promised"}},
		{name: "promised before nopush", links: []string{a + ", " + a + "; nopush"}, want: []string{"/a.css promised"}},
		{name: "query", links: []string{a, `</a.css?>; rel=preload`, `</a.css?1>; rel=preload`}, want: []string{"/a.css promised", "/a.css? promised", "/a.css?1 promised"}},
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
			c.conn.get(t, &push.Handler{Next: s, Policy: policy}, method, "/d/page.html?x", c.req...)
			if !slices.Equal(*verdicts, c.want) {
				t.Errorf("verdicts %q, want %q", *verdicts, c.want)
			}
		})
	}
}

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
		{"varies on what is copied", set("Vary", "accept-encoding, Accept", "Vary", "User-Agent,Accept-Language"), "promised"},
		{"length", set("Content-Length", "10"), "promised"},
		{"404", http.NotFound, "skipped: unverified: its status is 404"},
		{"redirect", http.RedirectHandler("/login", http.StatusFound).ServeHTTP, "skipped: unverified: its status is 302"},
		{"206", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(206) }, "skipped: unverified: its status is 206"},
		{"204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, "skipped: unverified: its status is 204"},
		{"cookie", set("Set-Cookie", "a=b"), "skipped: unverified: it sets a cookie"},
		{"no-store", set("Cache-Control", "private, No-Store"), "skipped: unverified: its Cache-Control is no-store"},
		{"varies", set("Vary", "Accept, Cookie"), "skipped: unverified: it varies on Cookie, which the promised request has not got from the page"},
		{"varies on all", set("Vary", "*"), "skipped: unverified: it varies on *, which the promised request has not got from the page"},
		{"short", set("Content-Length", "11"), "skipped: unverified: its Content-Length is 11, its body has 10 bytes"},
		{"trailers", set("Trailer", "X-Sum"), "skipped: unverified: it has trailers"},
		{"panic", func(http.ResponseWriter, *http.Request) { panic("oh") }, "skipped: unverified: the handler panicked: oh"},
		{"broken off", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("a")); panic(http.ErrAbortHandler) }, "skipped: unverified: the handler broke off"},
		{"too large", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1001)) }, "skipped: budget: more than 1000 bytes"},
		{"as large as may be", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1000)) }, "promised"},
		{"declared too large", set("Content-Length", "1001"), "skipped: budget: more than 1000 bytes"},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 100)); err != nil {
					return
				}
			}
		}, "skipped: budget: more than 1000 bytes"},
		{"slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "skipped: unverified: no answer within 500ms"},
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
		{"interim", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.Write([]byte("a")) }, "promised"},
		{"nothing", func(http.ResponseWriter, *http.Request) {}, "promised"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				policy := &push.Policy{MaxResourceBytes: 1000, Observe: func(_ *http.Request, v push.Verdict) {
					s := v.Outcome()
					if v.Detail != "" {
						s += ": " + v.Detail
					}
					got = append(got, s)
				}}
				conn := newConn()
				w := conn.get(t, &push.Handler{Next: site{"/": page(`</a>; rel=preload`), "/a": c.h}, Policy: policy}, "GET", "/")
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

// TestAnswer holds that what is promised is what was verified, and that it runs once.
func TestAnswer(t *testing.T) {
	runs := 0
	s := site{"/d/": page(`<a.css?v=1>; rel=preload; critical`), "/d/a.css": func(w http.ResponseWriter, r *http.Request) {
		runs++
		page, ok := push.Pushed(r.Context())
		if page != "/d/?q" || !ok || push.From(w) != nil || push.From(w).Push(push.Resource{Target: "/x"}).Status != push.Skipped {
			t.Errorf("pushed for %q, %v", page, ok)
		}
		if r.URL.Path != "/d/a.css" || r.URL.RawQuery != "v=1" || r.RequestURI != "/d/a.css?v=1" || r.Host != "example.com:8000" || r.ProtoMajor != 2 || r.Body == nil {
			t.Errorf("request %+v", r)
		}
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Link", `</b>; rel=preload, </c>; rel=preload; x-http2-push-only`)
		w.Write([]byte("a "))
		w.Write([]byte("{}"))
	}}
	conn := newConn()
	conn.get(t, &push.Handler{Next: s, Policy: new(push.Policy)}, "GET", "/d/?q",
		"Accept: text/html", "Accept-Encoding: gzip", "Accept-Language: de", "Accept-Language: en", "User-Agent: u",
		"Cookie: a=b", "Authorization: x", "If-None-Match: *", "Range: bytes=0-1", "Cache-Control: no-cache", "Referer: http://r/", "Accept-Charset: x", "X-Other: y", "Accept-Push-Policy: default")
	if len(conn.promises) != 1 || runs != 1 {
		t.Fatalf("promised %q in %d runs", conn.targets(), runs)
	}
	p := conn.promises[0]
	if p.body != "a {}" || p.header.Get("ETag") != `"1"` || p.header.Get("Link") != "</b>; rel=preload" || !p.critical {
		t.Errorf("promised %q, %v", p.body, p.header)
	}
	if got, want := fmt.Sprint(p.r.Header), "map[Accept:[text/html] Accept-Encoding:[gzip] Accept-Language:[de en] User-Agent:[u]]"; got != want {
		t.Errorf("the promised request has %s, want %s", got, want)
	}
}

// TestLimits has the limits of a response, a connection and a policy.
func TestLimits(t *testing.T) {
	many := make([]string, 30)
	for i := range many {
		many[i] = fmt.Sprintf("</%d>; rel=preload", i)
	}
	tenBytes := func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 10)) }
	s := site{"/": page(many...), "/more": page(`</x>; rel=preload`)}
	for i := range many {
		s[fmt.Sprintf("/%d", i)] = tenBytes
	}
	pending := func(string) error { return errPending }
	for _, c := range []struct {
		name   string
		policy *push.Policy
		conn   *conn
		want   int
		reason push.Reason // of the first that is not promised
	}{
		{"default", &push.Policy{}, newConn(), 10, push.Limit},
		{"three", &push.Policy{MaxPromises: 3}, newConn(), 3, push.Limit},
		{"none", &push.Policy{MaxPromises: -1}, newConn(), 0, push.Limit},
		{"connection", &push.Policy{MaxPerConnection: 4}, &conn{room: 100, outcome: pending}, 4, push.Limit},
		{"connection, settled", &push.Policy{MaxPerConnection: 4}, newConn(), 10, push.Limit},
		{"all", &push.Policy{MaxOpen: 5}, &conn{room: 100, outcome: pending}, 5, push.Limit},
		{"bytes", &push.Policy{MaxResponseBytes: 35}, newConn(), 3, push.Budget},
		{"bytes to the last", &push.Policy{MaxResponseBytes: 30}, newConn(), 3, push.Budget},
		{"all bytes", &push.Policy{MaxOpenBytes: 25}, &conn{room: 100, outcome: pending}, 2, push.Budget},
		{"verifying", &push.Policy{MaxVerifying: -1}, newConn(), 0, push.Limit},
		{"refused", &push.Policy{}, &conn{room: 100, err: errors.New("no more")}, 0, push.Limit},
		{"refused for good", &push.Policy{}, &conn{room: 100, err: http.ErrNotSupported}, 0, push.Disabled},
	} {
		t.Run(c.name, func(t *testing.T) {
			var first push.Reason
			n := 0
			c.policy.Observe = func(_ *http.Request, v push.Verdict) {
				n++
				if first == "" {
					first = v.Reason
				}
			}
			c.conn.get(t, &push.Handler{Next: s, Policy: c.policy}, "GET", "/")
			if len(c.conn.promises) != c.want || first != c.reason || n != 30 {
				t.Errorf("%d promised of %d, then %q; want %d, %q", len(c.conn.promises), n, first, c.want, c.reason)
			}
			// What is settled makes room again.
			for _, p := range c.conn.promises {
				if c.conn.outcome != nil {
					p.settled(nil)
				}
			}
			c.conn.err = nil
			before := len(c.conn.promises)
			c.conn.get(t, &push.Handler{Next: s, Policy: c.policy}, "GET", "/more")
			if more := len(c.conn.promises) - before; more != 1 && c.name != "none" && c.name != "verifying" {
				t.Errorf("afterwards %d promised", more)
			}
		})
	}
}

// TestRefusedOnce holds that nothing is run any more, and nothing promised, once the connection has refused a promise.
func TestRefusedOnce(t *testing.T) {
	runs := 0
	s := site{
		"/early": early(nil, http.Header{"Link": {`</a>; rel=preload, </b>; rel=preload, </c>; rel=preload`}}),
		"/late":  page(`</a>; rel=preload, </b>; rel=preload, </c>; rel=preload`),
	}
	for _, target := range []string{"/a", "/b", "/c"} {
		s[target] = func(http.ResponseWriter, *http.Request) { runs++ }
	}
	conn := &conn{room: 100, err: errors.New("no")}
	h := &push.Handler{Next: s, Policy: new(push.Policy)}
	conn.get(t, h, "GET", "/early")
	if runs != 1 || conn.refused != 1 {
		t.Errorf("%d runs, %d promises; want one", runs, conn.refused)
	}
	conn.get(t, h, "GET", "/late")
	if conn.refused != 2 {
		t.Errorf("%d promises, want one for each page", conn.refused)
	}
}

// TestPatience holds that slow resources do not hold up a page for longer than four times the patience.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		links := make([]string, 40)
		s := site{}
		for i := range links {
			links[i] = fmt.Sprintf("</%d>; rel=preload", i)
			s[fmt.Sprintf("/%d", i)] = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		}
		s["/"] = page(links...)
		began := time.Now()
		newConn().get(t, &push.Handler{Next: s, Policy: &push.Policy{VerifyTimeout: time.Second}}, "GET", "/")
		if d := time.Since(began); d < 4*time.Second || d > 6*time.Second {
			t.Errorf("the page waited %v", d)
		}
	})
}

// TestSlowOnce holds that a page does not wait each time for what is slow, and that it is looked at again after a while.
func TestSlowOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var quick atomic.Bool
		h := &push.Handler{Policy: &push.Policy{VerifyTimeout: time.Second}, Next: site{"/": page("</a>; rel=preload"), "/a": func(_ http.ResponseWriter, r *http.Request) {
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

// TestDiary has what the client was sent on its connection, and when it is sent again.
func TestDiary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		version, generation, runs := "1", uint64(1), 0
		field, value := "", ""
		s := site{
			"/": page(`</a.css>; rel=preload`),
			"/a.css": func(w http.ResponseWriter, r *http.Request) {
				runs++
				if field != "" {
					w.Header().Set(field, value)
				}
				if w.Header().Get("ETag") == "" || r.Header.Get("If-None-Match") != w.Header().Get("ETag") {
					w.Write([]byte("version " + version))
					return
				}
				w.WriteHeader(http.StatusNotModified)
			},
		}
		h := &push.Handler{Next: s, Policy: new(push.Policy), Generation: func(http.ResponseWriter, *http.Request) uint64 { return generation }}
		step := func(name string, c *conn, want int) {
			t.Helper()
			before := len(c.promises)
			c.get(t, h, "GET", "/")
			if got := len(c.promises) - before; got != want {
				t.Errorf("%s: %d promised, want %d", name, got, want)
			}
		}
		c := newConn()
		step("first", c, 1)
		step("again", c, 0)
		step("once more", c, 0)
		version = "2"
		step("changed", c, 1)
		step("changed, again", c, 0)
		step("another connection", newConn(), 1)

		c = newConn()
		c.get(t, h, "GET", "/a.css")
		step("asked for before", c, 0)
		version = "3"
		step("asked for before, and changed", c, 1)

		c = newConn()
		c.get(t, h, "HEAD", "/a.css")
		step("only its header asked for", c, 1)

		field, value = "Cache-Control", "max-age=60"
		c = newConn()
		step("fresh for a minute", c, 1)
		before := runs
		step("fresh, again", c, 0)
		if runs != before {
			t.Error("what is fresh was run")
		}
		time.Sleep(61 * time.Second)
		step("no longer fresh, but the same", c, 0)
		if runs != before+1 {
			t.Error("what is not fresh was not run")
		}
		version = "4"
		step("changed while it is fresh", c, 0)
		generation++
		step("changed in a new generation", c, 1)
		generation++
		step("a new generation that is the same", c, 0)

		field, value = "ETag", `"4"`
		c = newConn()
		c.get(t, h, "GET", "/a.css", `If-None-Match: "4"`)
		step("the client has it from before, and asked", c, 0)
		value = `W/"4"`
		step("the same, weakly", c, 0)
		value = `"5"`
		step("another tag", c, 1)

		field, value = "Cache-Control", "no-store"
		c = newConn()
		c.get(t, h, "GET", "/a.css")
		field = ""
		step("asked for, but not to be kept", c, 1)
	})
}

// TestDiaryForgets holds that what a client does not take was not sent.
func TestDiaryForgets(t *testing.T) {
	c := &conn{room: 100}
	h := &push.Handler{Next: site{"/": page(`</a>; rel=preload`)}, Policy: new(push.Policy)}
	c.outcome = func(string) error { return errors.New("stream error: CANCEL") }
	c.get(t, h, "GET", "/")
	c.get(t, h, "GET", "/")
	if len(c.promises) != 2 {
		t.Errorf("refused: promised %q", c.targets())
	}
	c.outcome = func(string) error { return errPending }
	c.get(t, h, "GET", "/")
	c.get(t, h, "GET", "/")
	if len(c.promises) != 3 {
		t.Errorf("under way: promised %q", c.targets())
	}
	c.promises[2].settled(errors.New("stream error: REFUSED_STREAM"))
	c.get(t, h, "GET", "/")
	if len(c.promises) != 4 {
		t.Errorf("refused later: promised %q", c.targets())
	}
	c.promises[3].settled(nil)
	c.get(t, h, "GET", "/")
	if len(c.promises) != 4 {
		t.Errorf("delivered: promised %q", c.targets())
	}
	c.promises[3].settled(errors.New("stream error: CANCEL"))
	c.get(t, h, "GET", "/")
	if len(c.promises) != 5 {
		t.Errorf("not wanted after all: promised %q", c.targets())
	}
}

// TestDiaryBounded holds that a connection's memory does not grow, and that what was used last stays.
func TestDiaryBounded(t *testing.T) {
	s := site{"/": page(`</keep>; rel=preload`)}
	h := &push.Handler{Next: s, Policy: new(push.Policy)}
	c := newConn()
	for i := range 1000 {
		c.get(t, h, "GET", fmt.Sprintf("/%d", i))
		if i%100 == 0 {
			c.get(t, h, "GET", "/")
		}
	}
	if len(c.promises) != 1 {
		t.Errorf("promised %d times", len(c.promises))
	}
	s["/old"] = page(`</3>; rel=preload, </999>; rel=preload`)
	c.get(t, h, "GET", "/old")
	if got := c.targets()[1:]; !slices.Equal(got, []string{"/3"}) {
		t.Errorf("promised %q, want what was asked for 997 requests ago", got)
	}
}

// TestBrokenPull holds that a response that the client did not get whole is not in the diary.
func TestBrokenPull(t *testing.T) {
	s := site{"/": page(`</a>; rel=preload`)}
	h := &push.Handler{Next: s, Policy: new(push.Policy)}
	broken := true
	s["/a"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("a"))
		if broken {
			panic(http.ErrAbortHandler)
		}
	}
	c := newConn()
	func() {
		defer func() {
			if recover() != http.ErrAbortHandler {
				t.Error("the panic was swallowed")
			}
		}()
		c.get(t, h, "GET", "/a")
	}()
	broken = false
	c.get(t, h, "GET", "/")
	if len(c.promises) != 1 {
		t.Errorf("promised %q", c.targets())
	}
}

// TestCall has explicit calls, from several goroutines, and after the response.
func TestCall(t *testing.T) {
	var plan *push.Plan
	s := site{"/": func(w http.ResponseWriter, r *http.Request) {
		plan = push.From(w)
		if !plan.Accepts() {
			t.Error("promises are not accepted")
		}
		var wg sync.WaitGroup
		var promised atomic.Int64
		for range 50 {
			wg.Go(func() {
				if plan.Push(push.Resource{Target: "a.css"}).Status == push.Promised {
					promised.Add(1)
				}
			})
		}
		wg.Wait()
		if promised.Load() != 50 {
			t.Errorf("%d say promised", promised.Load())
		}
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.Write([]byte("page"))
		if v := plan.Push(push.Resource{Target: "/late.css"}); v.Status != push.Promised {
			t.Errorf("after the header: %v", v)
		}
		if v := plan.Push(push.Resource{Target: "/a.css", Method: "HEAD"}); v.Status != push.Promised || v.Method != "HEAD" {
			t.Errorf("HEAD: %v", v)
		}
		for i := range 1000 {
			plan.Push(push.Resource{Target: fmt.Sprintf("/%d", i)})
		}
	}}
	c := newConn()
	policy, verdicts := watched()
	c.get(t, &push.Handler{Next: s, Policy: policy}, "GET", "/")
	if got := c.targets(); len(got) != 10 || got[0] != "/a.css" || got[1] != "/late.css" || got[2] != "HEAD /a.css" {
		t.Errorf("promised %q", got)
	}
	if n := len(*verdicts); n != 256 {
		t.Errorf("%d verdicts", n)
	}
	if n := plan.Promised(); n != 10 {
		t.Errorf("%d promised", n)
	}
	if v := plan.Push(push.Resource{Target: "/x"}); v.Status != push.Skipped || v.Reason != push.Disabled || v.Detail != "the response has ended" {
		t.Errorf("after the end: %v", v)
	}
	var none *push.Plan
	none.Hint(nil)
	if none.Accepts() || none.Promised() != 0 || none.Push(push.Resource{}).Reason != push.Disabled {
		t.Error("a nil plan decides")
	}
}

// TestMount holds that nothing outside of the site is promised.
func TestMount(t *testing.T) {
	links := page(`<a>; rel=preload, </app/b>; rel=preload, </c>; rel=preload, </application/d>; rel=preload, <../app/../e>; rel=preload, </app/%2e%2e/f>; rel=preload, </app>; rel=preload, </app/%2e%2e%2fg>; rel=preload`)
	want := []string{"/app/a", "/app/b", "/app"}
	c := newConn()
	c.get(t, &push.Handler{Next: site{"/app/page": links}, Policy: new(push.Policy), Mount: "/app"}, "GET", "/app/page")
	if got := c.targets(); !slices.Equal(got, want) {
		t.Errorf("mounted: promised %q, want %q", got, want)
	}
	var paths []string
	inner := &push.Handler{Policy: new(push.Policy), Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		if r.URL.Path == "/page" {
			links(w, r)
		}
	})}
	c = newConn()
	c.get(t, http.StripPrefix("/app", inner), "GET", "/app/page")
	if got := c.targets(); !slices.Equal(got, append(want[:2:2], "/app")) || !slices.Equal(paths, []string{"/page", "/a", "/b", ""}) {
		t.Errorf("stripped: promised %q by %q", got, paths)
	}
}

func TestVerdictString(t *testing.T) {
	v := push.Verdict{Source: push.FromLink, Target: "/a.css", Status: push.Skipped, Reason: push.Diary, Detail: "it was sent, and is fresh"}
	if got, want := v.String(), "/a.css: skipped: diary (link): it was sent, and is fresh"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := strings.Count(fmt.Sprint(v.LogValue()), "="); got != 5 {
		t.Errorf("%v", v.LogValue())
	}
}
