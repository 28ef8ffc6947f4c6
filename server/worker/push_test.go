package worker_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/server"
)

// pushes is an application that pushes in all ways there are.
const pushes = `
def app(environ, start_response):
    path = environ["PATH_INFO"]
    fields = [("Content-Type", "text/plain")]
    if path == "/page":
        push = environ["http2.push"]
        said = [push("/a", headers = [("X-Variant", "ä,\"1")]), push("/b", method = "HEAD")]
        environ["wsgi.early_hints"]([("Link", "</c>; rel=preload"), ("X-Early", "yes"), ("Link", "<https://cdn.test>; rel=preconnect")])
        fields += [("Link", "</d>; rel=preload, </cookie>; rel=preload, </user>; rel=preload, </missing>; rel=preload")]
        write = start_response("200 OK", fields)
        write("begun ")
        said.append(push("/late"))
        return [" ".join([v.status + v.reason for v in said])]
    if path == "/cookie":
        start_response("200 OK", fields)
        return ["for " + environ.get("HTTP_COOKIE", "nobody")]
    if path == "/user":
        start_response("200 OK", fields)
        return ["for " + environ["REMOTE_USER"]]
    start_response("404 Not Found" if path == "/missing" else "200 OK", fields + ([("Vary", "X-Variant")] if "HTTP_X_VARIANT" in environ else []))
    return ["%s of %s, %s %s" % (path, environ.get("http2.pushed"), environ.get("HTTP_X_VARIANT"), "http2.push" in environ)]
`

// TestPushes has calls, hints and Link fields of a worker, which the front acts on.
func TestPushes(t *testing.T) {
	h := build(t, pushes, func(h *house, f *server.Front) {
		f.Push = &push.Policy{VerifyTimeout: patience}
		h.pool.Variables = func(r *http.Request) map[string]string {
			user, _, _ := r.BasicAuth()
			return map[string]string{"REMOTE_USER": user}
		}
	})
	c, err := pushtest.Dial(context.Background(), h.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	x := c.Do(pushtest.Request{Target: "/page", Header: http.Header{"Cookie": {"id=1"}, "Authorization": {"Basic dXNlcjpwYXNz"}}})
	if err := x.WaitAll(); err != nil {
		t.Fatal(err)
	}
	if want := "begun forwarded forwarded skippeddisabled"; string(x.Body) != want {
		t.Errorf("the page has %q, want %q", x.Body, want)
	}
	want := map[string]string{"GET /a": "/a of /page, ä,\"1 False", "HEAD /b": "", "GET /c": "/c of /page, None False",
		"GET /d": "/d of /page, None False"}
	for _, p := range x.Promises {
		name := p.Request.Method + " " + p.Request.Target
		body, ok := want[name]
		if !ok || string(p.Body) != body {
			t.Errorf("%s: promised with %q, want %q", name, p.Body, body)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("not promised: %v", want)
	}
	var early []string
	for _, hint := range x.Hints {
		early = append(early, hint.Header["X-Early"]...)
		early = append(early, hint.Header["Link"]...)
	}
	if got := strings.Join(early, " "); got != "yes <https://cdn.test>; rel=preconnect" {
		t.Errorf("hints %q", got)
	}
	// One that takes no promises gets hints.
	c, err = pushtest.Dial(context.Background(), h.url, &pushtest.Settings{NoPush: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if x := c.Get("/cookie"); x.Wait() != nil || string(x.Body) != "for nobody" || len(x.Promises) > 0 {
		t.Errorf("%d %q", x.Status, x.Body)
	}
}
