package site_test

import (
	"log/slog"
	"net/http"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/stats"
	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/site"
)

// TestCounter verifies what an application that is granted the numbers of its server sees of them; one that asks
// while it is loaded does not wait for the server that loads it.
func TestCounter(t *testing.T) {
	var c site.Counter
	if got := c.Numbers(); got != (stats.Numbers{}) {
		t.Errorf("without a server: %+v", got)
	}
	told := 0
	s := &site.Server{Logger: slog.New(slog.DiscardHandler), Observer: &server.Observer{End: func(*server.Record) { told++ }}}
	c.Attach(s)
	app := &site.Application{FS: fstest.MapFS{"app.star": {Data: []byte(`load("@json", "json")
load("@stats", "stats")

_loaded = stats()

def app(environ, start_response):
    path = environ["PATH_INFO"]
    fields = [("Content-Type", "application/json"), ("Cache-Control", "max-age=60")]
    if path == "/page":
        fields.append(("Link", "</a.css>; rel=preload; as=style"))
    start_response("503 Service Unavailable" if path == "/fail" else "200 OK", fields)
    return [json.encode([_loaded["uptime"], stats()["requests"]["in_flight"]])]
`)}}, Grants: map[string]any{stats.Name: &stats.Grant{Read: c.Numbers}}}
	url := serve(t, s, &site.Site{Listen: []string{anywhere}, Calls: 3, Mounts: []site.Mount{{App: app}}})
	client, err := pushtest.Dial(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for range 2 { // the second time the client has what goes with it
		x := client.Get("/page")
		if err := x.WaitAll(); err != nil || string(x.Body) != "[0.0,1]" {
			t.Errorf("the page is %q (%v)", x.Body, err)
		}
	}
	res, err := http.Get(url + "/fail")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	var n stats.Numbers
	for range 200 {
		if n = c.Numbers(); n.Requests.Ended == 3 && n.Connections.Taken == 2 {
			break
		}
		time.Sleep(10 * time.Millisecond) // a request ends after its response, and some numbers are kept for a while
	}
	if want := (stats.Requests{Ended: 3, Failed: 1}); n.Requests != want {
		t.Errorf("requests are %+v, want %+v", n.Requests, want)
	}
	if want := (stats.Resources{Promised: 1, Skipped: 1}); n.Resources != want {
		t.Errorf("resources are %+v, want %+v", n.Resources, want)
	}
	if n.Connections.Taken != 2 || n.Connections.Open < 1 || n.Calls.Slots != 3 || n.Uptime <= 0 ||
		n.Memory.Objects == 0 || n.Memory.Mapped < n.Memory.Objects {
		t.Errorf("the server is %+v", n)
	}
	if told != 3 {
		t.Errorf("the Observer that was there before has heard of %d requests", told)
	}
}
