package push_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/push"
)

// A browser keeps the cookie between connections.
type browser struct{ cookie string }

// visit asks for targets on a new connection, and returns what was promised.
func (b *browser) visit(t *testing.T, h http.Handler, targets ...string) string {
	t.Helper()
	c := newConn()
	c.outcome = func(string) error { return errPending }
	for _, target := range targets {
		target, field, _ := strings.Cut(target, " ")
		var fields []string
		if field != "" {
			fields = append(fields, field)
		}
		if b.cookie != "" {
			fields = append(fields, "Cookie: x=y; "+b.cookie)
		}
		for _, set := range c.get(t, h, "GET", target, fields...).Result().Cookies() {
			b.cookie = set.Name + "=" + set.Value
		}
		for i := range c.promises {
			if p := &c.promises[i]; p.settled != nil {
				p.settled(nil)
				p.settled = nil
			}
		}
	}
	return strings.Join(c.targets(), " ")
}

func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := bytes.Repeat([]byte("k"), 32)
		tag, age, pageCache := `"1"`, "max-age=86400", "private"
		s := site{
			"/": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Link", "</a.css>; rel=preload")
				if pageCache != "" {
					w.Header().Set("Cache-Control", pageCache)
				}
			},
			"/a.css": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("ETag", tag)
				w.Header().Set("Cache-Control", age)
				w.Write([]byte("a"))
			},
			"/private.css": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", "private, max-age=86400")
			},
		}
		memory := func(keys ...[]byte) *push.Handler {
			return &push.Handler{Next: s, Policy: &push.Policy{Memory: &push.Memory{Keys: keys}}}
		}
		h := memory(key)
		expect := func(name, got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s: promised %q, want %q", name, got, want)
			}
		}
		b := new(browser)
		expect("the first visit", b.visit(t, h, "/"), "/a.css")
		if b.cookie != "" {
			t.Error("what has not arrived yet is remembered")
		}
		expect("two pages", b.visit(t, h, "/", "/"), "/a.css")
		if !strings.HasPrefix(b.cookie, "larkspur-push=") {
			t.Fatalf("the cookie is %q", b.cookie)
		}
		expect("another visit", b.visit(t, h, "/"), "")
		expect("after a restart", b.visit(t, memory(key), "/"), "")
		expect("with a new key", b.visit(t, memory([]byte("new"), key), "/"), "")
		expect("with another key only", b.visit(t, memory([]byte("other")), "/"), "/a.css")
		expect("of another origin", func() string {
			c := newConn()
			c.get(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Host = "other"
				h.ServeHTTP(w, r)
			}), "GET", "/", "Cookie: "+b.cookie)
			return strings.Join(c.targets(), " ")
		}(), "/a.css")
		expect("a reload past the cache", b.visit(t, h, "/ Cache-Control: no-cache"), "/a.css")
		for name, forged := range map[string]string{
			"cut": b.cookie[:len(b.cookie)-4], "longer": b.cookie + "AAAA",
			"garbled": strings.Replace(b.cookie, "=A", "=B", 1), "empty": "larkspur-push=",
			"no base64": "larkspur-push=!!!", "very long": "larkspur-push=" +
				strings.Repeat("A", 100000),
		} {
			expect(name, (&browser{forged}).visit(t, h, "/"), "/a.css")
		}
		tag = `"2"`
		expect("changed", b.visit(t, h, "/", "/"), "/a.css")
		expect("changed, and remembered", b.visit(t, h, "/"), "")
		time.Sleep(25 * time.Hour)
		expect("no longer fresh", b.visit(t, h, "/"), "/a.css")

		b, age = new(browser), "max-age=99999999"
		expect("asked for", b.visit(t, h, "/a.css"), "")
		if b.cookie != "" {
			t.Error("a resource sets the cookie")
		}
		expect("asked for, then remembered", b.visit(t, h, "/a.css", "/"), "")
		expect("asked for on another connection", b.visit(t, h, "/"), "")
		time.Sleep(8 * 24 * time.Hour)
		expect("a week later", b.visit(t, h, "/"), "/a.css")

		b, pageCache = new(browser), "public, max-age=60"
		b.visit(t, h, "/", "/")
		if b.cookie != "" {
			t.Error("a page that shared caches keep sets the cookie")
		}
		pageCache = ""
		b.visit(t, h, "/ Sec-Fetch-Mode: cors", "/ Sec-Fetch-Mode: cors")
		if b.cookie != "" {
			t.Error("what is no navigation sets the cookie")
		}
		b.visit(t, h, "/", "/")
		if b.cookie == "" {
			t.Error("a page that no cache keeps sets no cookie")
		}
		b, age = new(browser), "no-cache"
		b.visit(t, h, "/", "/")
		if b.cookie != "" {
			t.Error("what has no lifetime is remembered")
		}
	})
}

// TestMemoryBounded holds how large the cookie may become, how it is sent, and that it is not sent
// again for nothing.
func TestMemoryBounded(t *testing.T) {
	h := &push.Handler{Policy: &push.Policy{Memory: &push.Memory{Keys: [][]byte{[]byte("k")}}},
		Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", fmt.Sprintf("%q", r.URL.Path))
			w.Header().Set("Cache-Control", "private, max-age=86400")
			w.Write([]byte("x"))
		})}
	c := newConn()
	for i := range 300 {
		c.get(t, h, "GET", fmt.Sprintf("/%d", i), "Sec-Fetch-Mode: no-cors")
	}
	set := c.get(t, h, "GET", "/", "Sec-Fetch-Mode: navigate").Result().Cookies()
	if len(set) != 1 {
		t.Fatalf("cookies %v", set)
	}
	if n := len(set[0].Value); n > 804 {
		t.Errorf("the cookie has %d bytes", n)
	}
	if s := set[0]; !s.HttpOnly || s.Secure || s.SameSite != http.SameSiteLaxMode ||
		s.MaxAge != 7*24*3600 || s.Path != "/" {
		t.Errorf("the cookie is %v", s)
	}
	if raw, _ := base64.RawURLEncoding.DecodeString(set[0].Value); bytes.Contains(raw,
		[]byte("/299")) {
		t.Error("the cookie tells what was read")
	}
	c = newConn()
	if again := c.get(t, h, "GET", "/",
		"Cookie: "+set[0].Name+"="+set[0].Value).Result().Cookies(); len(again) != 0 {
		t.Errorf("set again: %v", again)
	}
}

func FuzzMemory(f *testing.F) {
	h := &push.Handler{Policy: &push.Policy{Memory: &push.Memory{Keys: [][]byte{[]byte("k")}}},
		Next: site{"/": page("</a>; rel=preload")}}
	f.Add("AQAAAAA")
	f.Fuzz(func(t *testing.T, value string) {
		c := newConn()
		c.get(t, h, "GET", "/", "Cookie: larkspur-push="+value)
		if len(c.promises) != 1 {
			t.Errorf("%q keeps a promise from being made", value)
		}
	})
}
