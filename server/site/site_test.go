package site_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/site"
	"go.starlark.net/starlark"
)

// says is an application that answers with a text and the name of its mount.
func says(text string) *site.Application {
	return &site.Application{FS: fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["` + text + ` at ", environ["SCRIPT_NAME"]]
`)}}}
}

var quiet = slog.New(slog.DiscardHandler)

// serve serves a site until the test ends, and returns its server and the first URL.
func serve(t *testing.T, s *site.Server, v *site.Site) string {
	t.Helper()
	if s.Logger == nil {
		s.Logger = quiet
	}
	if err := s.Set(v); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	url := s.Listeners()[0].URL
	go func() { served <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return url
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

const anywhere = "http://127.0.0.1:0"

// TestSet takes up one site after the other while it serves: what stays is kept, what is new is
// served, what is gone is not, and a site that cannot be served changes nothing.
func TestSet(t *testing.T) {
	s := new(site.Server)
	a, b := says("a"), says("b")
	v := &site.Site{Listen: []string{anywhere}, Mounts: []site.Mount{{App: a}, {Path: "/b", App: b}}}
	url := serve(t, s, v)
	wants := func(path, want string) {
		t.Helper()
		if got := get(t, url+path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	wants("/", "a at ")
	wants("/b/x", "b at /b")

	c := says("c")
	next := &site.Site{Listen: v.Listen,
		Mounts: []site.Mount{{Path: "/c", App: c}, {Path: "/d", App: c}, {App: says("a")}}}
	if err := s.Set(next); err != nil {
		t.Fatal(err)
	}
	if got := s.Listeners()[0].URL; got != url {
		t.Errorf("the listener that stays is at %s, was at %s", got, url)
	}
	wants("/c", "c at /c")
	wants("/d", "c at /d")
	wants("/b/x", "a at ")

	broken := says("x")
	broken.FS.(fstest.MapFS)["app.star"].Data = []byte("def app(:")
	err := s.Set(&site.Site{Listen: v.Listen, Mounts: []site.Mount{{App: broken}}})
	var load *site.LoadError
	if !errors.As(err, &load) || load.Application != broken ||
		!strings.HasPrefix(err.Error(), "site: load: app.star:1:10: ") {
		t.Errorf("got %v, want a LoadError with its place", err)
	}
	if err := s.Set(&site.Site{Listen: []string{"gopher://x"}}); !errors.Is(err, server.ErrAddress) {
		t.Errorf("got %v, want ErrAddress", err)
	}
	wants("/c", "c at /c")
}

// TestSetUnderLoad takes up other sites while requests come: each is answered, by the one or the
// other.
func TestSetUnderLoad(t *testing.T) {
	s := new(site.Server)
	sites := []*site.Site{
		{Listen: []string{anywhere}, Mounts: []site.Mount{{App: says("one")}}},
		{Listen: []string{anywhere}, Mounts: []site.Mount{{App: says("two")}}},
	}
	url := serve(t, s, sites[0])
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range 100 {
				if got := get(t, url); got != "one at " && got != "two at " {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	for i := range 50 {
		if err := s.Set(sites[i%2]); err != nil {
			t.Error(err)
		}
	}
	clients.Wait()
}

// TestHandler serves a site as the handler of another server: before the first Set, after it, and
// while that changes.
func TestHandler(t *testing.T) {
	s := &site.Server{Logger: quiet}
	mine := httptest.NewServer(s)
	defer mine.Close()
	for _, want := range []string{"503 Service Unavailable\n", "one at ", "two at "} {
		if got := get(t, mine.URL); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		app := says("two")
		if want[0] == '5' {
			app = says("one")
		}
		if err := s.Set(&site.Site{Mounts: []site.Mount{{App: app}}}); err != nil {
			t.Fatal(err)
		}
	}
	if all := s.Listeners(); len(all) > 0 {
		t.Errorf("it listens on %v", all)
	}
}

// TestModulesEnd verifies that what a module opened for an application is let go of once the
// application is no longer a part of the site and its last request has ended, and not before.
func TestModulesEnd(t *testing.T) {
	retired := make(chan bool, 10)
	app := &site.Application{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@shop", "name")
def app(environ, start_response):
    start_response("200 OK", [])
    return [name]
`)}},
		Modules: []*host.Module{{
			Name: "shop", Doc: "A shop.",
			Members: []host.Member{{Name: "name"}},
			Open: func(l *host.Load) (any, error) {
				l.OnRetire(func() { retired <- true })
				return starlark.StringDict{"name": starlark.String("Lark & Sons")}, nil
			},
		}},
	}
	entered, leave := make(chan bool), make(chan bool)
	hold := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { entered <- true; <-leave })
	s := new(site.Server)
	v := &site.Site{Listen: []string{anywhere},
		Mounts: []site.Mount{{App: app}, {Path: "/hold", Handler: hold}}}
	url := serve(t, s, v)
	if got := get(t, url); got != "Lark & Sons" {
		t.Errorf("got %q", got)
	}
	done := make(chan string)
	go func() { done <- get(t, url+"/hold") }()
	<-entered
	next := &site.Site{Listen: v.Listen, Mounts: []site.Mount{{App: says("b")}}}
	if err := s.Set(next); err != nil {
		t.Fatal(err)
	}
	if got := get(t, url+"/hold"); got != "b at " {
		t.Errorf("got %q", got)
	}
	if len(retired) > 0 {
		t.Error("the module was retired while a request of its site was still running")
	}
	leave <- true
	<-done
	<-retired
}

// TestReload verifies that a changed script is served, and that one that does not load is not,
// with a word in the log.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		t.Helper()
		source := "def app(environ, start_response):\n" +
			"    start_response('200 OK', [])\n    return ['" + text + "']\n"
		if text == "" {
			source = "def app(:\n"
		}
		if err := os.WriteFile(filepath.Join(dir, "app.star"), []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	s := new(site.Server)
	url := serve(t, s, &site.Site{Listen: []string{anywhere},
		Mounts: []site.Mount{{App: site.Dir(dir, "")}}})
	if got := get(t, url); got != "one" {
		t.Errorf("got %q", got)
	}
	write("two")
	if err := s.Reload(); err != nil {
		t.Error(err)
	}
	if got := get(t, url); got != "two" {
		t.Errorf("got %q", got)
	}
	write("")
	var load *site.LoadError
	if err := s.Reload(); !errors.As(err, &load) {
		t.Errorf("got %v, want a LoadError", err)
	}
	if got := get(t, url); got != "two" {
		t.Errorf("after a reload that failed: got %q", got)
	}
}
