package fetch_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/fetch"
)

// TestTrial: in a test the answers are those of the test, and what was asked can be looked at.
func TestTrial(t *testing.T) {
	c := newCanary(t)
	trial, err := (&fetch.Grant{Hosts: []string{"127.0.0.1:" + c.port}, Timeout: time.Second}).Trial(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	run := func(script string) string {
		t.Helper()
		if err := trial.Begin(); err != nil {
			t.Fatal(err)
		}
		p, err := runtime.Load(&runtime.Config{
			FS: fstest.MapFS{"app.star": {Data: []byte("load('@fetch', 'fetch', 'fetch_all', 'request')\nload('@test', 'fetches')\n" +
				"load('@struct', 'struct')\nC = 'http://127.0.0.1:" + c.port + "/'\n" + script)}},
			Modules: []*host.Module{fetch.Module(), {Name: "test", Doc: "Tests.", Members: trial.Members}},
			Grants:  map[string]any{"fetch": trial.Grant},
		}, "app.star")
		if err != nil {
			return err.Error()
		}
		defer p.Close()
		got, err := call(t.Context(), p)
		if err != nil {
			return "error: " + err.Error()
		}
		return got
	}
	for _, test := range []struct{ script, want string }{
		{`def app():
    return fetch(C)`, "error: fetch: the test says nothing of GET http://127.0.0.1:" + c.port + "/; fetches() knows nothing"},
		{`def app():
    fetches({"GET https://a.example": "x", "https://b.example/*": "y"})
    return fetch("https://a.example/c?d=secret")`,
			"error: fetch: the test says nothing of GET https://a.example/c?d=secret; fetches() knows GET https://a.example/, https://b.example/*"},
		{`def app():
    f = fetches({"https://a.example": "hé", "https://b.example/x": b"\xff"})
    return fetch("https://a.example").text(), fetch("https://A.example:443/?q=1").text(), fetch("https://b.example/x").bytes(), [r.url for r in f.requests]`,
			`("hé", "hé", b"\xff", ["https://a.example/", "https://a.example/?q=1", "https://b.example/x"])`},
		{`def app():
    f = fetches({"POST https://a.example/x": {"status": 201, "headers": {"Location": "/y", "X": ["1", "2"]}, "json": {"id": 7}},
        "https://a.example/x": struct(status = 404, body = "none")})
    r = fetch("https://a.example/x", json = {"t": 1}, headers = {"Authorization": "Bearer x"})
    q = f.requests[0]
    return r.status, r.reason, r.json(), r.headers.getall("x"), r.headers["content-type"], fetch("https://a.example/x").status, (q.method, q.json(), q.headers["authorization"])`,
			`(201, "Created", {"id": 7}, ["1", "2"], "application/json", 404, ("POST", {"t": 1}, "Bearer x"))`},
		{`def answer(q):
    return {"json": {"method": q.method, "page": q.url.split("page=")[1], "sent": q.text()}}
def app():
    fetches({"https://*.example/list*": answer})
    return [r.json() for r in fetch_all(["https://a.example/list?page=2", {"url": "https://b.example/list?page=3", "body": "x"}])]`,
			`[{"method": "GET", "page": "2", "sent": ""}, {"method": "POST", "page": "3", "sent": "x"}]`},
		{`def app():
    fetches({"https://a.example/old": {"status": 302, "headers": {"Location": "https://b.example/new"}}, "https://b.example/new": "here"})
    f = fetches()
    r = fetch("https://a.example/old", headers = {"Cookie": "a=b"})
    return r.text(), r.url, [(q.url, q.headers.get("Cookie")) for q in f.requests], fetch("https://a.example/old", follow = False).status`,
			`("here", "https://b.example/new", [("https://a.example/old", "a=b"), ("https://b.example/new", None)], 302)`},
		{`def app():
    fetches({"https://a.example/loop": {"status": 302, "headers": {"Location": "/loop"}}})
    return catch(fetch, "https://a.example/loop")[1].kind`, `"redirect"`},
		{`def app():
    fetches({"https://a.example/": {"error": "timeout"}})
    e = catch(fetch, "https://a.example/")[1]
    return e.kind, e.status, e.message, [x.kind for x in fetch_all(["https://a.example/", "http://0x7f.1/", "https://other.example/"])]`,
			`("timeout", 504, "fetch: GET https://a.example/: the test says so", ["timeout", "refused", "error"])`},
		{`def app():
    fetches({"https://a.example/*": "first", "https://a.example/b*": "second", "https://a.example/b": "exact", "*": "any"})
    fetches({"PUT https://a.example/b": "later"})
    return [fetch("https://a.example/" + p, method = m).text() for p, m in [("", "GET"), ("b", "GET"), ("bc", "GET"), ("b", "PUT")]] + [fetch("http://x.example/").text()]`,
			`["first", "exact", "first", "later", "any"]`},
		{`def app():
    fetches({"https://a.example/?q=1": "one", "https://a.example/?q=2": "two"})
    return fetch("https://a.example/?q=2").text(), catch(fetch, "https://a.example/")[1].message`,
			`("two", "fetch: the test says nothing of GET https://a.example/; fetches() knows https://a.example/?q=1, https://a.example/?q=2")`},
		{`def app():
    f = fetches({"https://a.example/": "x" * 200000})
    n = 0
    for b in fetch("https://a.example/", body = ["a", b"b"]).blocks():
        n += len(b)
    return n, f.requests[0].body`, `(200000, b"ab")`},
		{`def app():
    fetches({"https://a.example/": lambda q: fail("no such order")})
    return fetch("https://a.example/")`, "error: fail: no such order"},
		{`def app():
    fetches({"https://a.example/": lambda q: 7})
    return fetch("https://a.example/")`, "error: fetch: the test answers GET https://a.example/: got int, want text, bytes, a dict or a struct"},
		{`def app():
    return [catch(fetches, x)[1].message for x in [1, {"a": 1}, {"https://a.example/": 1}, {"https://a.example/": {"error": "x"}}, {"https://a.example/": {"status": 1}}]]`,
			`["fetches: for parameter answers: got int, want a dict from URLs to answers", "fetches: for parameter answers: \"a\" is no URL, and no \"METHOD URL\"", ` +
				`"fetches: for parameter answers: for \"https://a.example/\": got int, want text, bytes, a dict or a struct", ` +
				`"fetches: for parameter answers: for \"https://a.example/\": error is \"x\": one of refused, timeout, dns, connect, tls, size, redirect, protocol", ` +
				`"fetches: for parameter answers: for \"https://a.example/\": status is 1: from 200 to 599"]`},
		{`def app():
    return fetches().requests`, "[]"}, // what the tests before have asked is forgotten
	} {
		if got := run(test.script); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.script, got, strings.ReplaceAll(test.want, "PORT", c.port))
		}
	}
	if n := c.hits.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}
