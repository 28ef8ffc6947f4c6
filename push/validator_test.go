package push_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/push"
)

// TestInvalidValidators verifies that what is no entity-tag and no date does not come back as a
// condition, which might mean something else: If-None-Match: * holds for every state. Such a
// resource is compared by its body.
func TestInvalidValidators(t *testing.T) {
	const date = "Mon, 02 Jan 2006 15:04:05 GMT"
	for _, c := range []struct {
		name   string
		fields http.Header
		want   string // the condition
	}{
		{"a star", http.Header{"Etag": {"*"}}, ""},
		{"no quotes", http.Header{"Etag": {"abc"}}, ""},
		{"half a quote", http.Header{"Etag": {`"abc`}}, ""},
		{"one quote", http.Header{"Etag": {`"`}}, ""},
		{"a list", http.Header{"Etag": {`"a", "b"`}}, ""},
		{"two fields", http.Header{"Etag": {`"a"`, `"b"`}}, ""},
		{"a blank in it", http.Header{"Etag": {`"a b"`}}, ""},
		{"a weak star", http.Header{"Etag": {`W/*`}}, ""},
		{"a small w", http.Header{"Etag": {`w/"a"`}}, ""},
		{"empty", http.Header{"Etag": {""}}, ""},
		{"a star beside a date", http.Header{"Etag": {"*"}, "Last-Modified": {date}},
			"If-Modified-Since: " + date},
		{"a number for a date", http.Header{"Last-Modified": {"1136214245"}}, ""},
		{"zero for a date", http.Header{"Last-Modified": {"0"}}, ""},
		{"two dates", http.Header{"Last-Modified": {date, date}}, ""},
		{"a comma in a tag", http.Header{"Etag": {`"a,b"`}}, `If-None-Match: "a,b"`},
		{"a tag of nothing", http.Header{"Etag": {`""`}}, `If-None-Match: ""`},
		{"octets", http.Header{"Etag": {"\"\xc3\xa4!\""}}, "If-None-Match: \"\xc3\xa4!\""},
		{"a date of 1994", http.Header{"Last-Modified": {"Sunday, 06-Nov-94 08:49:37 GMT"}},
			"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT"},
		{"a long tag beside a date", http.Header{"Etag": {`"` + strings.Repeat("a", 300) + `"`},
			"Last-Modified": {date}}, "If-Modified-Since: " + date},
	} {
		t.Run(c.name, func(t *testing.T) {
			body, condition := "1", ""
			s := site{"/": page(`</a>; rel=preload`),
				"/a": func(w http.ResponseWriter, r *http.Request) {
					for name, values := range c.fields {
						w.Header()[name] = values
					}
					condition = ""
					for _, name := range []string{"If-None-Match", "If-Modified-Since"} {
						if v, ok := r.Header[name]; ok {
							condition += name + ": " + strings.Join(v, "|")
						}
					}
					w.Write([]byte(body))
				}}
			policy, verdicts := watched()
			h := &push.Handler{Next: s, Policy: policy}
			conn := newConn()
			conn.get(t, h, "GET", "/")
			conn.get(t, h, "GET", "/")
			if condition != c.want {
				t.Errorf("condition %q, want %q", condition, c.want)
			}
			if got := fmt.Sprint(*verdicts); got != "[/a promised /a skipped: diary]" {
				t.Errorf("verdicts %s", got)
			}
			if body = "2"; c.want != "" {
				return
			}
			if conn.get(t, h, "GET", "/"); len(conn.promises) != 2 {
				t.Errorf("what has changed was not promised: %q", *verdicts)
			}
		})
	}
}

// TestConditionsOfTheClient verifies that a 304 tells what the client has only where its condition
// is one validator.
func TestConditionsOfTheClient(t *testing.T) {
	for _, c := range []struct {
		condition string
		want      int // promises
	}{
		{`If-None-Match: "a"`, 0},
		{`If-None-Match: W/"a"`, 0},
		{`If-None-Match: "a,b"`, 1},
		{`If-None-Match: a`, 1},
		{`If-None-Match: *`, 1},
		{`If-None-Match: "a", "b"`, 1},
		{`If-Modified-Since: yesterday`, 1},
	} {
		s := site{"/": page(`</a>; rel=preload`),
			"/a": func(w http.ResponseWriter, r *http.Request) {
				if _, promised := push.Pushed(r.Context()); !promised {
					w.WriteHeader(http.StatusNotModified)
					return
				}
				w.Header()["Etag"] = []string{`"a"`}
				w.Header()["Last-Modified"] = []string{"yesterday"}
			}}
		if strings.HasSuffix(c.condition, " a") {
			s["/a"] = tagged(s["/a"], "a")
		}
		conn := newConn()
		h := &push.Handler{Next: s, Policy: new(push.Policy)}
		conn.get(t, h, "GET", "/a", c.condition)
		conn.get(t, h, "GET", "/")
		if n := len(conn.promises); n != c.want {
			t.Errorf("%s: %d promises, want %d", c.condition, n, c.want)
		}
	}
}

// tagged is h with another ETag in what is promised.
func tagged(h http.HandlerFunc, tag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h(w, r)
		w.Header()["Etag"] = []string{tag}
	}
}

// TestOutcomesHaveOwners verifies that what was found out about a resource holds for the handler
// that answered and for its origin, not for another one that has the same Policy, and that a
// Memory too is of one origin.
func TestOutcomesHaveOwners(t *testing.T) {
	policy, verdicts := watched()
	serving := func(resource http.HandlerFunc) *push.Handler {
		return &push.Handler{Policy: policy, Next: site{"/": page(`</a>; rel=preload`), "/a": resource}}
	}
	good := func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("a")) }
	none, some := serving(http.NotFound), serving(good)
	for _, h := range []*push.Handler{none, some, none, some} {
		newConn().get(t, h, "GET", "/")
	}
	both := serving(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil {
			http.Redirect(w, r, "https://example.com:8000/a", http.StatusPermanentRedirect)
			return
		}
		good(w, r)
	})
	newConn().get(t, both, "GET", "/")
	newConn().get(t, secure(both), "GET", "/")
	want := "[/a skipped: unverified /a promised /a skipped: unverified /a promised " +
		"/a skipped: unverified /a promised]"
	if got := fmt.Sprint(*verdicts); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	h := &push.Handler{Policy: &push.Policy{
		Memory: &push.Memory{Keys: [][]byte{bytes.Repeat([]byte("k"), 32)}}},
		Next: site{"/": page(`</a>; rel=preload`), "/a": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"1"`)
			w.Header().Set("Cache-Control", "max-age=86400")
		}}}
	b := new(browser)
	b.visit(t, h, "/", "/")
	if got := b.visit(t, h, "/"); got != "" || b.cookie == "" {
		t.Errorf("the cookie %q: promised %q", b.cookie, got)
	}
	if got := b.visit(t, secure(h), "/"); got != "/a" {
		t.Errorf("what came over http is taken for what would come over https: promised %q", got)
	}
}

// secure is h as it is over TLS.
func secure(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.TLS = new(tls.ConnectionState)
		h.ServeHTTP(w, r)
	})
}
