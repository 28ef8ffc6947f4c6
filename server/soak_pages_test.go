//go:build linux

package server_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/apps"
)

// A soakKind is one of clients.
type soakKind struct {
	name string
	run  func(*soak, *soakClient) error
}

// soakKinds are those of a lap.
func soakKinds(t *testing.T) []soakKind {
	all := []soakKind{{"count", count}, {"upload", upload}, {"share", share}, {"link", link},
		{"edition", edition}, {"talk", talk}, {"listen", listen}, {"visit", visit}, {"refuse", refuse}}
	for range 5 {
		all = append(all, soakKind{"count", count})
	}
	asked := make(map[string]bool)
	for _, p := range soakPages {
		app := strings.Split(p.path, "/")[1]
		asked[app] = true
		all = append(all, soakKind{"page of " + app, p.run})
	}
	for _, a := range apps.List() {
		if !asked[a.Name] {
			t.Errorf("no page of soakPages is one of the application %s", a.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(soakBreaks)) {
		all = append(all, soakKind{"broken: " + name, soakBreaks[name]})
	}
	return all
}

// A page is one request, and what its answer has.
type soakPage struct {
	method, path, body, kind string
	status                   int
	part                     string
}

const urlencoded = "application/x-www-form-urlencoded"

// soakPages are of all applications; each may be asked for at any time, any number of times.
var soakPages = []soakPage{
	{path: "/hello/", status: 200, part: "Hello, world!"},
	{path: "/environ/caf%C3%A9?x=1", status: 200, part: `PATH_INFO: "/café"`},
	{method: "POST", path: "/environ/", body: "a body", status: 200, part: "a body"},
	{path: "/form/", status: 200, part: "<form"},
	{method: "POST", path: "/form/", body: "name=lark&likes=spurs", kind: urlencoded, status: 200, part: "<td>spurs"},
	{path: "/upload/", status: 200, part: "multipart/form-data"},
	{path: "/wiki/p/Home", status: 200, part: ">Home</h1>"},
	{path: "/wiki/search?q=welcome", status: 200, part: "<mark>Welcome</mark>"},
	{path: "/wiki/p/Home/history", status: 200, part: "Version 1"},
	{path: "/links/", status: 200, part: "will be listed here"},
	{path: "/stream/", status: 200, part: "line 10"},
	{path: "/stream/written", status: 200, part: "line 10"},
	{path: "/push/push.css", status: 200, part: "vertical-align"},
	{path: "/httpbin/", status: 200, part: "/status/{codes}"},
	{path: "/httpbin/status/500", status: 500},
	{method: "DELETE", path: "/httpbin/anything", body: "x", status: 200, part: `"data": "x"`},
	{path: "/httpbin/stream/20", status: 200, part: `"id"`},
	{path: "/httpbin/drip?duration=0.2&numbytes=5&delay=0", status: 200, part: "*****"},
	{path: "/httpbin/delay/0.1", status: 200, part: "origin"},
	{method: "HEAD", path: "/httpbin/html", status: 200},
	{path: "/api/", status: 200, part: "lists authors"},
	{path: "/api/books?author=2", status: 200, part: "Solaris"},
	{path: "/api/books/99", status: 404, part: "there is no"},
	{path: "/chat/", status: 200, part: "Say what you want to be called"},
	{path: "/poll/", status: 200, part: "Ask around"},
	{path: "/jobs/", status: 200, part: "multipart/form-data"},
	{path: "/dash/", status: 200, part: "All numbers"},
	{path: "/mock/teas/assam", status: 200, part: "Assam"},
	{path: "/tour/", status: 200, part: "<title>Larkspur, by example</title>"},
	{path: "/tour/nowhere", status: 404, part: "Not here"},
	{path: "/soak/large?blocks=64", status: 200, part: "a lark"},
	{path: "/nowhere", status: 404},
}

// page asks for one of soakPages.
func (p soakPage) run(_ *soak, c *soakClient) error {
	method := p.method
	if method == "" {
		method = "GET"
	}
	var fields []string
	if p.kind != "" {
		fields = []string{"Content-Type", p.kind}
	}
	_, err := c.expect(p.status, p.part, method, p.path, p.body, fields...)
	return err
}
