package worker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
    note("closed")

def events(stream):
    note("events")
    stream.write(": begun\n\n")
    while True:
        stream.write("data: %d\n\n" % pid())
        time.sleep(0.05)

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/ws":
        return websocket(talk)(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/event-stream" if path == "/events" else "text/plain")])
    return events if path == "/events" else ["%d" % pid()]
`

// TestReloadStreams has an event stream and a WebSocket that outlive a reload: the WebSocket is closed
// with 1001, so that its client comes back; the stream goes on for as long as requests have to end,
// and breaks off then, for which an EventSource comes back too.
func TestReloadStreams(t *testing.T) {
	for version := 1; version <= 2; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			h := build(t, streams, func(h *house, _ *server.Front) { h.pool.Drain = 2 * time.Second })
			old := h.pids(2)
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			r, _ := http.NewRequestWithContext(ctx, "GET", h.url+"/events", nil)
			res, err := client(t, version).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			stream := bufio.NewReader(res.Body)
			if line, err := stream.ReadString('\n'); line != ": begun\n" {
				t.Fatalf("the stream begins with %q, %v", line, err)
			}
			ws, _, err := websocket.Dial(ctx, h.url+"/ws", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer ws.CloseNow()
			if _, p, err := ws.Read(ctx); !strings.HasPrefix(string(p), "begun") {
				t.Fatalf("the WebSocket says %q, %v", p, err)
			}
			began := time.Now()
			if err := h.pool.Reload(ctx); err != nil {
				t.Fatal(err)
			}
			_, _, err = ws.Read(ctx)
			if websocket.CloseStatus(err) != websocket.StatusGoingAway {
				t.Errorf("the WebSocket ends with %v, want 1001", err)
			}
			p, err := io.ReadAll(stream)
			if err == nil {
				t.Error("the stream ends as if it were whole")
			}
			if took := time.Since(began); took < 2*time.Second {
				t.Errorf("the stream broke off after %v, with %q", took, p)
			}
			for _, pid := range old {
				await(t, "the old worker ends", func() bool { return !alive(pid) })
			}
			h.log.await(t, "a worker has ended", "killed: its last requests took longer than 2s", "doing=[GET /events]")
			h.pids(2)
		})
	}
}

// sorted returns them so.
func sorted(pids []int) []int {
	slices.Sort(pids)
	return pids
}
