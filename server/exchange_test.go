package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
	rthost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// linking is a page with a style sheet that another mount has.
const linking = `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html"), ("Link", "</static/a.css>; rel=preload")])
    return ["page"]
`

// pushing serves h, and connects a client that takes promises.
func pushing(t *testing.T, h http.Handler) (*httptest.Server, *pushtest.Client) {
	t.Helper()
	s := serve(t, h)
	return s, dialPushes(t, s.URL, nil)
}

// TestFrontsNest verifies that what is promised with a page runs in the slot of the page where one front is
// behind another.
func TestFrontsNest(t *testing.T) {
	slots := &server.Slots{Calls: 1, Queue: -1}
	inner := &server.Front{
		Handler: &server.Gateway{App: program(t, linking, nil), Slots: slots},
		Mounts:  []server.Mount{{Path: "/static", Handler: &server.Gateway{App: program(t, where, nil), Slots: slots}}},
		Logger:  slog.New(slog.DiscardHandler),
	}
	_, c := pushing(t, &server.Front{Handler: inner, Push: &push.Policy{VerifyTimeout: 20 * time.Second}})
	for range 2 {
		if x := ask(t, c, "/"); string(x.Body) != "page" {
			t.Errorf("got %q", x.Body)
		}
	}
	_, c = pushing(t, &server.Front{Handler: inner, Push: &push.Policy{VerifyTimeout: 20 * time.Second}})
	if got, want := fmt.Sprint(bodies(ask(t, c, "/"))), "[/static|/a.css]"; got != want {
		t.Errorf("promised %s, want %s", got, want)
	}
}

// TestPromiseDoesNotWait verifies that a promised request never waits for a slot, which its own page may have,
// where no front is around both.
func TestPromiseDoesNotWait(t *testing.T) {
	slots := &server.Slots{Calls: 1, Wait: time.Minute}
	quiet := slog.New(slog.DiscardHandler)
	gateway := &server.Gateway{App: program(t, linking, nil), Slots: slots, Logger: quiet}
	for _, next := range []http.Handler{gateway, &server.Front{Handler: gateway, Logger: quiet}} {
		_, c := pushing(t, &push.Handler{Next: next, Policy: &push.Policy{VerifyTimeout: time.Minute}})
		began := time.Now()
		x := ask(t, c, "/")
		if took := time.Since(began); took > 30*time.Second || string(x.Body) != "page" {
			t.Errorf("%T: got %q after %v", next, x.Body, took)
		}
	}
}

// TestPromiseTakesItsSlot verifies that what is promised from another application keeps to the slots of that
// one, where they are not those of the page.
func TestPromiseTakesItsSlot(t *testing.T) {
	var inside, over atomic.Int32
	entered, leave := make(chan bool, 1), make(chan bool)
	work := starlark.NewBuiltin("work", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		defer inside.Add(-1)
		if inside.Add(1) > 1 {
			over.Add(1)
		}
		if args[0] == starlark.String("/hold") {
			entered <- true
			<-leave
		}
		return starlark.None, nil
	})
	serial := program(t, `
def app(environ, start_response):
    work(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Type", "text/css")])
    return ["style"]
`, starlark.StringDict{"work": work})
	s, c := pushing(t, &server.Front{
		Handler: &server.Gateway{App: program(t, linking, nil)},
		Mounts:  []server.Mount{{Path: "/static", Handler: &server.Gateway{App: serial, Slots: &server.Slots{Calls: 1}}}},
		Push:    &push.Policy{VerifyTimeout: 20 * time.Second},
		Logger:  slog.New(slog.DiscardHandler),
	})
	held := make(chan bool)
	go func() {
		defer close(held)
		if res, err := http.Get(s.URL + "/static/hold"); err == nil {
			res.Body.Close()
		}
	}()
	<-entered
	if x := ask(t, c, "/"); string(x.Body) != "page" {
		t.Errorf("got %q", x.Body)
	}
	close(leave)
	<-held
	if n := over.Load(); n > 0 {
		t.Errorf("%d calls overlapped another of an application with one slot", n)
	}
}

// TestPromiseGivesItsSlotBack verifies that a page that is no application's does not keep the slot of what was
// promised with it.
func TestPromiseGivesItsSlotBack(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		push.From(w).Push(push.Resource{Target: "/static/a.css"})
		entered <- true
		<-leave
		io.WriteString(w, "page")
	})
	f := &server.Front{
		Handler: page,
		Mounts: []server.Mount{
			{Path: "/static", Handler: &server.Gateway{App: program(t, where, nil), Slots: &server.Slots{Calls: 1, Queue: -1}}},
		},
		Push:   &push.Policy{VerifyTimeout: 20 * time.Second},
		Logger: slog.New(slog.DiscardHandler),
	}
	_, c := pushing(t, f)
	done := make(chan int)
	go func() {
		<-entered
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequest("GET", "/static/b", nil))
		close(leave)
		done <- w.Code
	}()
	if got, want := fmt.Sprint(bodies(ask(t, c, "/"))), "[/static|/a.css]"; got != want {
		t.Errorf("promised %s, want %s", got, want)
	}
	if code := <-done; code != 200 {
		t.Errorf("while the page went on: %d, want 200", code)
	}
}

// A beginning is an App whose first Begin panics.
type beginning struct {
	rthost.App
	begun bool
}

func (b *beginning) Begin() rthost.Run {
	if !b.begun {
		b.begun = true
		panic("no")
	}
	return b.App.Begin()
}

// TestBeginPanics verifies that an App which panics does not keep a slot.
func TestBeginPanics(t *testing.T) {
	g := &server.Gateway{App: &beginning{App: program(t, where, nil)}, Slots: &server.Slots{Calls: 1, Queue: -1}}
	func() {
		defer func() { recover() }()
		g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}()
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 200 {
		t.Errorf("after a panic: %d, want 200", w.Code)
	}
}
