package worker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/worker"
)

// numbered is a page with a style sheet, of a generation that both say.
const numbered = `
N = %d
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/gate":
        gate(environ["QUERY_STRING"])
    fields = [("Content-Type", "text/plain"), ("Cache-Control", "max-age=3600")]
    if path == "/page":
        if "http2.push" in environ:
            environ["http2.push"]("/called.css?%%d" %% N)
        fields = [("Content-Type", "text/html"), ("Link", "</a.css?%%d>; rel=preload; as=style" %% N)]
    start_response("200 OK", fields)
    return ["%%d" %% N]
`

// TestReloadUnderLoad reloads 20 times while many ask: nothing fails, and what is promised with a page
// is of its generation.
func TestReloadUnderLoad(t *testing.T) {
	h := build(t, fmt.Sprintf(numbered, 0), func(_ *house, f *server.Front) {
		f.Push = &push.Policy{VerifyTimeout: patience}
	})
	var stop atomic.Bool
	var clients sync.WaitGroup
	var pages, promises atomic.Int64
	for i := range 4 {
		clients.Go(func() {
			for c := client(t, 1+i%2); !stop.Load(); time.Sleep(time.Millisecond) {
				if a := ask(c, [...]string{"GET", "POST"}[i/2], h.url+"/", nil); a.err != nil || a.status != 200 {
					t.Errorf("got %d %q %v", a.status, a.text, a.err)
				}
			}
		})
	}
	clients.Go(func() {
		for !stop.Load() {
			c, err := pushtest.Dial(context.Background(), h.url, nil)
			if err != nil {
				t.Error(err)
				return
			}
			x := c.Get("/page")
			if err := x.WaitAll(); err != nil || x.Status != 200 {
				t.Errorf("the page: %d %v", x.Status, err)
			}
			pages.Add(1)
			for _, p := range x.Promises {
				promises.Add(1)
				if _, n, _ := strings.Cut(p.Request.Target, "?"); string(p.Body) != string(x.Body) || n != string(x.Body) {
					t.Errorf("with a page of generation %s: %s of %s", x.Body, p.Request.Target, p.Body)
				}
			}
			c.Close()
		}
	})
	reloads := fewer(20)
	for n := 1; n <= reloads; n++ {
		before := pages.Load()
		h.app(t, fmt.Sprintf(numbered, n))
		if err := h.pool.Reload(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := h.get("/"); got != fmt.Sprint(n) {
			t.Errorf("generation %s answers after reload %d", got, n)
		}
		await(t, "a page", func() bool { return pages.Load() > before })
	}
	stop.Store(true)
	clients.Wait()
	t.Logf("%d pages with %d promises", pages.Load(), promises.Load())
	if promises.Load() < pages.Load() {
		t.Errorf("with %d pages only %d promises", pages.Load(), promises.Load())
	}
	if g := h.pool.Generation(); g != uint64(reloads)+1 {
		t.Errorf("generation %d", g)
	}
	if strings.Contains(h.log.String(), "a worker has ended") {
		t.Error("a worker that was to end has done so by a fault")
	}
}

// TestReloadPage has a page that begins before a reload and says only then what goes with it: that is
// answered by the generation of the page, or not at all.
func TestReloadPage(t *testing.T) {
	source := func(n int) string {
		return strings.Replace(fmt.Sprintf(numbered, n), "def app(", "def plain(", 1) + `
def app(environ, start_response):
    if environ["PATH_INFO"] != "/slow":
        return plain(environ, start_response)
    gate("go")
    start_response("200 OK", [("Content-Type", "text/html"), ("Link", "</a.css?old>; rel=preload; as=style")])
    return ["%d" % N]
`
	}
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprint("late ", late), func(t *testing.T) {
			h := build(t, source(1), func(h *house, f *server.Front) {
				f.Push = &push.Policy{VerifyTimeout: patience}
				if h.pool.Grace = patience; late {
					h.pool.Grace = time.Millisecond
				}
			})
			c, err := pushtest.Dial(context.Background(), h.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			x := c.Get("/slow")
			h.came("go", 1)
			over := h.pool.Over()
			h.app(t, source(2))
			if err := h.pool.Reload(context.Background()); err != nil {
				t.Fatal(err)
			}
			if late {
				await(t, "the old ones end", over)
			}
			h.open("go")
			if err := x.WaitAll(); err != nil || string(x.Body) != "1" {
				t.Fatalf("the page: %d %q %v", x.Status, x.Body, err)
			}
			for _, p := range x.Promises {
				if string(p.Body) != "1" {
					t.Errorf("%s is of generation %s", p.Request.Target, p.Body)
				}
			}
			if !late && len(x.Promises) != 1 {
				t.Errorf("%d promises", len(x.Promises))
			}
			if got := h.get("/"); got != "2" {
				t.Errorf("generation %s answers", got)
			}
		})
	}
}

// TestReloadBroken has a script that does not load: the one before it serves on.
func TestReloadBroken(t *testing.T) {
	h := build(t, fmt.Sprintf(numbered, 1), nil)
	pids := h.pool.Pids()
	for _, c := range []struct{ source, says string }{
		{"def app(environ:\n", "app.star:2"},
		{"x = 1 // 0\ndef app(e, s): pass\n", "app.star:2"},
		{"die('exit')\n", "exit status 7"},
		{"die('kill')\n", "signal: killed"},
	} {
		h.app(t, c.source)
		err := h.pool.Reload(context.Background())
		var load *worker.LoadError
		if !errors.As(err, &load) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: the error is %v, want one with %q", c.source, err, c.says)
		}
		if strings.HasPrefix(c.source, "def") && (len(load.Diagnostics) == 0 || load.Diagnostics[0].File != "app.star") {
			t.Errorf("%q: it is not said where: %+v", c.source, load.Diagnostics)
		}
		if got := h.get("/"); got != "1" {
			t.Errorf("generation %s answers", got)
		}
	}
	h.log.await(t, "ERROR reload failed, the last good version serves on", "app.star:2", "generation=1")
	if now := h.pool.Pids(); fmt.Sprint(sorted(now)) != fmt.Sprint(sorted(pids)) {
		t.Errorf("processes %v answer, and before %v", now, pids)
	}
	h.app(t, fmt.Sprintf(numbered, 2))
	if err := h.pool.Reload(context.Background()); err != nil || h.get("/") != "2" {
		t.Errorf("one that loads does not replace it: %v", err)
	}
}

// streams is an application of what has no end.
const streams = `
load("@websocket", "websocket")
load("@time", "time")

def talk(ws):
    ws.send("begun %d" % pid())
    for message in ws:
        ws.send(message)
    note("closed %d" % ws.close_code)

def events(stream):
    stream.write(": begun\n\n")
    while True:
        time.sleep(3600)

def ticks(stream):
    while True:
        stream.write("begun\n")
        time.sleep(0.05)

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/ws":
        return websocket(talk)(environ, start_response)
    def finished(status, error):
        note("finished %s %d %s" % (path[1:], status, error))
    environ["larkspur.on_finish"](finished)
    start_response("200 OK", [("Content-Type", "text/event-stream; charset=utf-8" if path == "/events" else "text/plain")])
    return {"/events": events, "/ticks": ticks}.get(path, ["%d" % pid()])
`

// A begun is the streams of an application that have begun.
type begun struct {
	ctx    context.Context
	ws     *websocket.Conn
	events io.ReadCloser
}

// stream begins a WebSocket and a stream of events.
func (h *house) stream(version int) begun {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	h.t.Cleanup(cancel)
	b := begun{ctx: ctx, events: h.endless(version, "/events", ": begun\n\n"), ws: dialWS(h.t, h, version)}
	if _, p, err := b.ws.Read(ctx); !strings.HasPrefix(string(p), "begun") {
		h.t.Fatalf("the WebSocket says %q, %v", p, err)
	}
	return b
}

// endless asks for what has no end, and reads what it begins with.
func (h *house) endless(version int, path, begins string) io.ReadCloser {
	h.t.Helper()
	r, err := http.NewRequest("GET", h.url+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	res, err := client(h.t, version).Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { res.Body.Close() })
	p := make([]byte, len(begins))
	if _, err := io.ReadFull(res.Body, p); string(p) != begins {
		h.t.Fatalf("%s begins with %q, %v", path, p, err)
	}
	return res.Body
}

// ended fails the test unless both have been told that their server ends, and have ended well.
func (h *house) ended(b begun) {
	h.t.Helper()
	if _, _, err := b.ws.Read(b.ctx); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		h.t.Errorf("the WebSocket ends with %v, want 1001", err)
	}
	if p, err := io.ReadAll(b.events); err != nil || len(p) > 0 {
		h.t.Errorf("the stream of events ends with %q, %v, and should be whole", p, err)
	}
	for _, note := range []string{"closed 1001", "finished events 200 None"} {
		await(h.t, note, func() bool { return h.notes(note) == 1 })
	}
}

// TestReloadStreams has streams that outlive a reload: a WebSocket is closed with 1001, and a stream of
// events ends as if it were whole, so that their clients come back; any other goes on for as long as
// requests have to end, and breaks off then.
func TestReloadStreams(t *testing.T) {
	for version := 1; version <= 2; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			h := build(t, streams, func(h *house, _ *server.Front) { h.pool.Workers, h.pool.Drain = 1, time.Second })
			old := h.pids(1)[0]
			b, ticks := h.stream(version), h.endless(version, "/ticks", "begun\n")
			if err := h.pool.Reload(b.ctx); err != nil {
				t.Fatal(err)
			}
			h.ended(b)
			if p, err := io.ReadAll(ticks); err == nil {
				t.Errorf("a stream of no events ends as if it were whole: %q", p)
			}
			await(t, "the old worker ends", func() bool { return !alive(old) })
			h.log.await(t, "a worker has ended", "killed: its last requests took longer than 1s", "doing=[GET /ticks]")
			h.pids(1)
		})
	}
}

// TestDrainStreams ends the front's server: streams that workers make are told, as those of an
// application in the same process.
func TestDrainStreams(t *testing.T) {
	for version := 1; version <= 2; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			h := build(t, streams, func(h *house, _ *server.Front) { h.pool.Workers = 1 })
			b := h.stream(version)
			done := make(chan error, 1)
			go func() { done <- h.http.Shutdown(b.ctx) }()
			h.ended(b)
			if err := <-done; err != nil {
				t.Error(err)
			}
			if pids := h.pool.Pids(); len(pids) != 1 || strings.Contains(h.log.String(), "ERROR") {
				t.Errorf("workers %v are left, and should be as they were", pids)
			}
		})
	}
}

// sorted returns them so.
func sorted(pids []int) []int {
	slices.Sort(pids)
	return pids
}

// TestRestartChanged has files that change without a reload, and a worker that is killed then: all
// workers load them before one that has answers.
func TestRestartChanged(t *testing.T) {
	h := build(t, fmt.Sprintf(numbered, 1), nil)
	before := h.pool.Pids()
	h.app(t, fmt.Sprintf(numbered, 2))
	c, now := client(t, 2), "1"
	if err := syscall.Kill(before[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, "the second version", func() bool {
		a := ask(c, "GET", h.url+"/", nil)
		if a.text != "1" && a.text != "2" || a.text < now {
			t.Fatalf("%d %q after %q, %v", a.status, a.text, now, a.err)
		}
		now = a.text
		return now == "2"
	})
	for range 8 { // in turns
		if text := h.get("/"); text != "2" {
			t.Errorf("a worker answers with version %s", text)
		}
	}
	h.log.await(t, "the files have changed since they were loaded", "generation=1")
	if s := h.pool.Stats(); s.Generation != 2 || s.Started != 5 || len(s.Workers) != 2 {
		t.Errorf("the statistics are %+v", s)
	}
}
