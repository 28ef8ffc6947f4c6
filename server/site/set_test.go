package site_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/site"
	"go.starlark.net/starlark"
)

// TestServeTwice verifies that a second Serve is refused, and does no harm to the first.
func TestServeTwice(t *testing.T) {
	s := new(site.Server)
	url := serve(t, s, &site.Site{Listen: []string{anywhere}, Mounts: []site.Mount{{App: says("a")}}})
	get(t, url) // it serves by now
	if err := s.Serve(context.Background()); err == nil {
		t.Error("a second Serve returned nil")
	}
	if got := get(t, url); got != "a at " {
		t.Errorf("after a second Serve: got %q", got)
	}
}

// TestApplicationsOutliveTheirSites verifies that an application which a request of a site needs
// is there for it, although the two sites that came after, of which the first had it too, have
// been taken up.
func TestApplicationsOutliveTheirSites(t *testing.T) {
	app := says("a")
	entered, leave := make(chan bool), make(chan bool)
	wait := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { entered <- true; <-leave })
	retired := make(chan bool, 10)
	app.Modules = []*host.Module{{
		Name: "shop", Doc: "A shop.", Members: []host.Member{{Name: "name"}},
		Open: func(l *host.Load) (any, error) {
			l.OnRetire(func() { retired <- true })
			return starlark.StringDict{"name": starlark.String("Lark & Sons")}, nil
		},
	}}
	file := app.FS.(fstest.MapFS)["app.star"]
	file.Data = append([]byte("load(\"@shop\", \"name\")\n"), file.Data...)
	s := new(site.Server)
	mounts := []site.Mount{{App: app}, {Path: "/wait", Handler: wait}}
	v := &site.Site{Listen: []string{anywhere}, Mounts: mounts}
	url := serve(t, s, v)
	done := make(chan string)
	go func() { done <- get(t, url+"/wait") }()
	<-entered
	for _, mounts := range [][]site.Mount{mounts[:1], {{App: says("b")}}} {
		if err := s.Set(&site.Site{Listen: v.Listen, Mounts: mounts}); err != nil {
			t.Fatal(err)
		}
	}
	if len(retired) > 0 {
		t.Error("the application has ended while a request of a site that has it was still running")
	}
	close(leave)
	<-done
	<-retired
}

// TestSetKeepsSlots verifies that calls of an application do not overlap, where the site says so,
// when another site is taken up in between.
func TestSetKeepsSlots(t *testing.T) {
	entered, leave := make(chan bool, 10), make(chan bool)
	var inside, over atomic.Int32
	app := says("a")
	app.Modules = []*host.Module{{
		Name: "shop", Doc: "A shop.", Members: []host.Member{{Name: "work"}},
		Open: func(*host.Load) (any, error) {
			work := func(*starlark.Thread, *starlark.Builtin, starlark.Tuple,
				[]starlark.Tuple) (starlark.Value, error) {
				defer inside.Add(-1)
				if inside.Add(1) > 1 {
					over.Add(1)
				}
				entered <- true
				<-leave
				return starlark.None, nil
			}
			return starlark.StringDict{"work": starlark.NewBuiltin("work", work)}, nil
		},
	}}
	app.FS = fstest.MapFS{"app.star": {Data: []byte(`
load("@shop", "work")
def app(environ, start_response):
    work()
    start_response("200 OK", [])
    return ["done"]
`)}}
	s := new(site.Server)
	v := &site.Site{Listen: []string{anywhere}, Mounts: []site.Mount{{App: app}}, Calls: 1}
	url := serve(t, s, v)
	done := make(chan string, 2)
	ask := func() { done <- get(t, url) }
	go ask()
	<-entered
	next := *v
	next.MaxBody = 1000
	if err := s.Set(&next); err != nil {
		t.Fatal(err)
	}
	go ask()
	select {
	case <-entered:
	case <-time.After(200 * time.Millisecond): // the second one waits for the first
	}
	close(leave)
	if got := fmt.Sprint(<-done, <-done); got != "donedone" {
		t.Errorf("got %s", got)
	}
	if n := over.Load(); n > 0 {
		t.Errorf("%d calls overlapped, one at a time is allowed", n)
	}
}
