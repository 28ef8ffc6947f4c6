package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	"golang.org/x/net/http2"
)

// A pushSite is an application that is served by the engine, and what was decided for its pages.
type pushSite struct {
	*httptest.Server
	live  *runtime.Live
	files fstest.MapFS

	policy *push.Policy

	mu       sync.Mutex
	verdicts []string
	log      bytes.Buffer
}

// Write is that of the log.
func (s *pushSite) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(b)
}

// servePushes serves an application, over TLS or in cleartext. change, if not nil, changes the handler.
func servePushes(t testing.TB, secure bool, source string, change func(*server.Handler)) *pushSite {
	t.Helper()
	s := &pushSite{files: fstest.MapFS{"app.star": {Data: []byte(source)}}}
	live, err := runtime.NewLive(&runtime.Config{FS: s.files}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	s.live = live
	h := &server.Handler{App: live, Slots: new(server.Slots), Logger: slog.New(slog.NewTextHandler(s, nil)), Push: &push.Policy{}}
	if change != nil {
		change(h)
	}
	h.Push.Observe = func(_ *http.Request, v push.Verdict) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.verdicts = append(s.verdicts, v.String())
	}
	if s.policy = h.Push; s.policy.VerifyTimeout == 0 {
		s.policy.VerifyTimeout = 20 * time.Second // the machine may be slow
	}
	s.Server = httptest.NewUnstartedServer(hopped(t, h))
	if err := server.Configure(s.Config); err != nil {
		t.Fatal(err)
	}
	if secure {
		s.TLS = &tls.Config{NextProtos: []string{"h2"}}
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// quiet keeps no verdicts.
func (s *pushSite) quiet() { s.policy.Observe = nil }

// decided returns the verdicts up to now, and forgets them.
func (s *pushSite) decided() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.verdicts
	s.verdicts = nil
	return v
}

func (s *pushSite) dial(t testing.TB, settings pushtest.Settings) *pushtest.Client {
	t.Helper()
	settings.TLS = &tls.Config{InsecureSkipVerify: true}
	return dialPushes(t, s.URL, &settings)
}

// dialPushes makes a client that takes pushes, on a connection of its own, which ends with the test.
func dialPushes(t testing.TB, url string, settings *pushtest.Settings) *pushtest.Client {
	t.Helper()
	c, err := pushtest.Dial(context.Background(), url, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// ask asks for a target, and waits for it and all that is promised on it.
func ask(t testing.TB, c *pushtest.Client, target string) *pushtest.Exchange {
	t.Helper()
	return do(t, c, pushtest.Request{Target: target})
}

func do(t testing.TB, c *pushtest.Client, r pushtest.Request) *pushtest.Exchange {
	t.Helper()
	x := c.Do(r)
	if err := x.WaitAll(); err != nil {
		t.Fatalf("%s: %v", r.Target, err)
	}
	if v := c.Violations(); len(v) > 0 {
		t.Errorf("%s: the server must not: %v", r.Target, v)
	}
	return x
}

// promised returns the targets that were promised, a method that is not GET before them.
func promised(x *pushtest.Exchange) []string {
	targets := []string{}
	for _, p := range x.Promises {
		target := p.Request.Target
		if p.Request.Method != http.MethodGet {
			target = p.Request.Method + " " + target
		}
		targets = append(targets, target)
	}
	return targets
}

// both runs a test over TLS and in cleartext.
func both(t *testing.T, f func(t *testing.T, secure bool)) {
	for _, secure := range []bool{true, false} {
		t.Run(map[bool]string{true: "TLS", false: "cleartext"}[secure], func(t *testing.T) { f(t, secure) })
	}
}

// linked is an application whose pages have the Link fields that the query names.
const linked = `
load("@json", "json")
CASES = json.decode(%q)

def app(environ, start_response):
    case = CASES.get(environ["QUERY_STRING"].removeprefix("case="))
    if environ["PATH_INFO"] != "/d/e/page.html" or case == None or "http2.pushed" in environ:
        start_response("200 OK", [("Content-Type", "text/css")])
        return ["resource " + environ["REQUEST_URI"]]
    origin = environ["HTTP_HOST"]
    here = lambda links: [("Link", l.replace("http://127.0.0.1:PORT", environ["wsgi.url_scheme"] + "://" + origin).replace("127.0.0.1:PORT", origin)) for l in links]
    for links in case.get("early", []):
        environ["wsgi.early_hints"](here(links))
    start_response("%%d OK" %% int(case.get("status", 200)), [("Content-Type", "text/html")] + here(case["link"]))
    return []
`

// TestPushLinks runs the corpus of Link fields over the wire: what is promised, in order, with the right bodies.
func TestPushLinks(t *testing.T) {
	text, err := os.ReadFile("../push/testdata/links.json")
	if err != nil {
		t.Fatal(err)
	}
	type linkCase struct {
		Name   string
		Method string     `json:"method,omitempty"`
		Status int        `json:"status,omitempty"`
		Link   []string   `json:"link"`
		Early  [][]string `json:"early,omitempty"`
		Req    []string
		Want   []string
		Why    string
	}
	var corpus struct{ Cases []linkCase }
	if err := json.Unmarshal(text, &corpus); err != nil {
		t.Fatal(err)
	}
	cases := map[string]linkCase{}
	for _, c := range corpus.Cases {
		cases[c.Name] = c
	}
	literal, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	both(t, func(t *testing.T, secure bool) {
		s := servePushes(t, secure, fmt.Sprintf(linked, literal), nil)
		for _, c := range corpus.Cases {
			client := s.dial(t, pushtest.Settings{})
			r := pushtest.Request{Method: c.Method, Target: "/d/e/page.html?case=" + c.Name, Header: http.Header{}}
			for _, line := range c.Req {
				name, value, _ := strings.Cut(line, ": ")
				r.Header.Add(name, value)
			}
			x := do(t, client, r)
			if got := promised(x); !slices.Equal(got, c.Want) {
				t.Errorf("%s: %q: promised %q, want %q (%s)", c.Name, c.Link, got, c.Want, c.Why)
			}
			for _, p := range x.Promises {
				want := "resource " + p.Request.Target
				if p.Request.Method == http.MethodHead {
					want = ""
				}
				if string(p.Body) != want || p.Status != 200 || p.Header.Get("Content-Type") != "text/css" {
					t.Errorf("%s: %s is answered %d %q", c.Name, p.Request.Target, p.Status, p.Body)
				}
				for name := range p.Request.Header {
					if name != "Accept-Language" {
						t.Errorf("%s: the promised request has %s", c.Name, name)
					}
				}
			}
			if status := max(c.Status, 0); status != 0 && x.Status != status {
				t.Errorf("%s: status %d", c.Name, x.Status)
			}
			client.Close()
		}
	})
}

// TestPushCall has explicit calls: what the script sees, and that the bytes go out while it works.
func TestPushCall(t *testing.T) {
	const source = `
load("@time", "time")
def app(environ, start_response):
    if environ["PATH_INFO"] == "/page":
        push = environ["http2.push"]
        v = [push("a.css"), push(target = "/b.js", critical = True), push("//other/c"), push("/page"), push("/a.css"), push("/missing"), push("/d", headers = [("X-Variant", "1")]), push("/a.css", method = "HEAD"), push("/e", method = "POST"), push("/e", headers = [("Cookie", "a=b")])]
        time.sleep(0.2)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Link", "</a.css>; rel=preload")])
        return ["\n".join([" ".join([x.target, x.status, x.reason, x.detail]).strip() for x in v])]
    if environ["PATH_INFO"] == "/missing":
        start_response("404 Not Found", [])
        return []
    start_response("200 OK", [("Content-Type", "text/plain"), ("Vary", "X-Variant") if "HTTP_X_VARIANT" in environ else ("X-None", "1")])
    return ["%s for %s, push: %s, hints: %s" % (environ["REQUEST_URI"], environ.get("http2.pushed"), "http2.push" in environ, "wsgi.early_hints" in environ)]
`
	both(t, func(t *testing.T, secure bool) {
		s := servePushes(t, secure, source, nil)
		x := do(t, s.dial(t, pushtest.Settings{}), pushtest.Request{Target: "/page", Header: http.Header{"Cookie": {"a=b"}}})
		want := strings.Join([]string{
			"/a.css promised",
			"/b.js promised",
			"//other/c skipped foreign",
			"/page skipped self",
			"/a.css promised",
			"/missing skipped unverified its status is 404",
			"/d promised",
			"/a.css promised",
			"/e skipped invalid only GET and HEAD can be promised",
			"/e skipped invalid a promised request cannot have the field Cookie",
		}, "\n")
		if hops(t) {
			// The front decides, when the call has returned: only what it does tells.
			want = strings.Join([]string{"a.css", "/b.js", "//other/c", "/page", "/a.css", "/missing", "/d", "/a.css", "/e", "/e"},
				" forwarded\n") + " forwarded"
		}
		if got := string(x.Body); got != want {
			t.Errorf("the script sees\n%s\nwant\n%s", got, want)
		}
		if got := promised(x); !slices.Equal(got, []string{"/a.css", "/b.js", "/d", "HEAD /a.css"}) {
			t.Fatalf("promised %q", got)
		}
		for _, p := range x.Promises[:2] {
			if got, want := string(p.Body), p.Request.Target+" for /page, push: False, hints: False"; got != want || p.Request.Header["Cookie"] != nil {
				t.Errorf("%q, want %q", got, want)
			}
			if p.Ended >= x.Answered || p.Ended == 0 {
				t.Errorf("%s ended at %v, the page began at %v", p.Request.Target, p.Ended, x.Answered)
			}
		}
		if got := x.Promises[2].Request.Header.Get("X-Variant"); got != "1" {
			t.Errorf("X-Variant is %q", got)
		}
	})
}

// TestPushPresent holds when environ has http2.push, and what a call does once the client has changed its mind.
func TestPushPresent(t *testing.T) {
	const source = `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Link", "</a>; rel=preload")])
    return [str("http2.push" in environ)]
`
	both(t, func(t *testing.T, secure bool) {
		s := servePushes(t, secure, source, nil)
		check := func(name string, c *pushtest.Client, r pushtest.Request, want string, promises int) {
			t.Helper()
			if x := do(t, c, r); string(x.Body) != want || len(x.Promises) != promises {
				t.Errorf("%s: http2.push is there: %s, promised %q", name, x.Body, promised(x))
			}
		}
		page := pushtest.Request{Target: "/page"}
		check("a client that takes promises", s.dial(t, pushtest.Settings{}), page, "True", 1)
		check("one that does not", s.dial(t, pushtest.Settings{NoPush: true}), page, "False", 0)
		check("a policy", s.dial(t, pushtest.Settings{}), pushtest.Request{Target: "/page", Header: http.Header{"Accept-Push-Policy": {"none"}}}, "False", 0)
		c := s.dial(t, pushtest.Settings{MaxConcurrentStreams: -1})
		check("no streams", c, page, "True", 0)
		if err := c.Change(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1}); err != nil {
			t.Fatal(err)
		}
		check("one stream", c, page, "True", 1)
		c = s.dial(t, pushtest.Settings{})
		for i, on := range []uint32{0, 1, 0} {
			if err := c.Change(http2.Setting{ID: http2.SettingEnablePush, Val: on}); err != nil {
				t.Fatal(err)
			}
			want, promises := "False", 0
			if on == 1 {
				want, promises = "True", 1
			}
			check(fmt.Sprint("changed to ", on), c, pushtest.Request{Target: fmt.Sprint("/page", i)}, want, promises)
		}
		res, err := http1(secure).Get(s.URL + "/page")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var body bytes.Buffer
		body.ReadFrom(res.Body)
		if body.String() != "False" || res.Header.Get("Link") == "" || res.ProtoMajor != 1 {
			t.Errorf("%s: http2.push is there: %s, Link %q", res.Proto, body.String(), res.Header.Get("Link"))
		}
	})
}

// http1 returns a client that speaks HTTP/1.1.
func http1(secure bool) *http.Client {
	var p http.Protocols
	p.SetHTTP1(true)
	tr := &http.Transport{Protocols: &p, DisableKeepAlives: true}
	if secure {
		tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	}
	return &http.Client{Transport: tr}
}

// TestPushLate verifies that a call after the response is an error with a code, and nothing worse.
func TestPushLate(t *testing.T) {
	s := servePushes(t, false, `
def app(environ, start_response):
    push, hints = environ["http2.push"], environ["wsgi.early_hints"]
    environ["larkspur.on_finish"](lambda status, error: push("/a"))
    environ["larkspur.on_finish"](lambda status, error: hints([("Link", "</a>; rel=preload")]))
    start_response("200 OK", [])
    return []
`, nil)
	c := s.dial(t, pushtest.Settings{})
	if x := ask(t, c, "/"); x.Status != 200 || len(x.Promises) != 0 {
		t.Errorf("status %d, promised %q", x.Status, promised(x))
	}
	ask(t, c, "/") // a handler that has panicked would have taken the process with it
	deadline := time.Now().Add(10 * time.Second)
	for {
		s.mu.Lock()
		n := strings.Count(s.log.String(), "LARK0213") + strings.Count(s.log.String(), "called after the response ended")
		s.mu.Unlock()
		if n >= 4 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log:\n%s", s.log.String())
		}
		time.Sleep(time.Millisecond)
	}
}
