//go:build unix

package server_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/runtime"
	rthost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

// waste is what a client has the server do.
type waste struct {
	pages int
	runs  int64         // of resources
	bytes int64         // of them, that were made
	cpu   time.Duration // of the process, for a page
	p99   time.Duration // of another client, meanwhile
}

func (w waste) String() string {
	return fmt.Sprintf("%d pages, %d runs, %d KiB, %v of CPU a page, others' p99 %v", w.pages, w.runs,
		w.bytes>>10, w.cpu.Round(time.Microsecond), w.p99.Round(time.Microsecond))
}

// A meter counts what is answered to requests for resources.
type meter struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (m meter) Unwrap() http.ResponseWriter { return m.ResponseWriter }
func (m meter) Write(b []byte) (int, error) {
	m.bytes.Add(int64(len(b)))
	return m.ResponseWriter.Write(b)
}

// withFiles has a page that links to n static files of 128 KiB.
func withFiles(t *testing.T, n int) *runtime.Program {
	files := fstest.MapFS{"app.star": {Data: []byte(`
load("@static", "static")
files = static(".")
LINK = ", ".join(["</%d.css>; rel=preload" % i for i in range(` + fmt.Sprint(n) + `)])
def app(environ, start_response):
    if environ["PATH_INFO"] != "/":
        return files(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/html"), ("Link", LINK)])
    return ["page"]
`)}}
	for i := range n {
		files[fmt.Sprintf("%d.css", i)] = &fstest.MapFile{
			Data: bytes.Repeat([]byte("0123456789abcdef"), 8<<10), ModTime: time.Unix(1e9, 0)}
	}
	app, err := runtime.Load(&runtime.Config{FS: files,
		Modules: []*rthost.Module{static.Module()}}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	return app
}

// view has a client look at a page of n files, again and again for a second, and another client ask
// for the page without pushes.
func view(t *testing.T, n int, off bool, settings pushtest.Settings) (w waste) {
	var runs, made atomic.Int64
	gateway := &server.Gateway{App: withFiles(t, n)}
	s := serve(t, &server.Front{
		Push: &push.Policy{Off: off, VerifyTimeout: 20 * time.Second},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".css") {
				runs.Add(1)
				w = meter{w, &made}
			}
			gateway.ServeHTTP(w, r)
		}),
		Logger: slog.New(slog.DiscardHandler),
	})
	client := dialPushes(t, s.URL, &settings)
	other := dialPushes(t, s.URL, &pushtest.Settings{NoPush: true})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	measured := make(chan []time.Duration, 1)
	go func() {
		var times []time.Duration
		for tick := time.NewTicker(2 * time.Millisecond); ctx.Err() == nil; <-tick.C {
			began := time.Now()
			_ = other.Get("/").Wait() // what fails takes its time too
			times = append(times, time.Since(began))
		}
		slices.Sort(times)
		measured <- times
	}()
	before := spent()
	for w.pages == 0 || ctx.Err() == nil {
		if err := client.Get("/").Wait(); err != nil {
			t.Fatal(err)
		}
		w.pages++
	}
	w.cpu = (spent() - before) / time.Duration(w.pages)
	times := <-measured
	w.p99 = times[len(times)*99/100]
	w.runs, w.bytes = runs.Load(), made.Load()
	return w
}

// spent is the CPU time of the process.
func spent() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestPushWaste verifies that a client which has the resources of a page, or does not want them,
// has next to nothing done for them, view after view.
func TestPushWaste(t *testing.T) {
	for _, c := range []struct {
		name     string
		links    int
		settings pushtest.Settings
	}{
		{"8 files", 8, pushtest.Settings{}},
		{"64 links", 64, pushtest.Settings{}},
		{"resets", 8, pushtest.Settings{OnPromise: pushtest.Refuse}},
	} {
		off := view(t, c.links, true, pushtest.Settings{})
		t.Log(c.name+", no pushes:", off)
		began := time.Now()
		w := view(t, c.links, false, c.settings)
		t.Log(c.name+":", w)
		// What is promised, what a connection has for nothing, and eight a second.
		if most := int64(64 + 64 + 8 + 8*time.Since(began).Seconds()); w.runs > most {
			t.Errorf("%s: %d runs, want at most %d", c.name, w.runs, most)
		}
		if most := int64(64 * 128 << 10); w.bytes > most {
			t.Errorf("%s: %d bytes were made, want at most %d", c.name, w.bytes, most)
		}
		// What is done at the beginning is bounded, and each page after it is like any other.
		if w.cpu > 10*off.cpu+time.Second/time.Duration(w.pages) {
			t.Errorf("%s: a page takes %v of CPU, without pushes %v", c.name, w.cpu, off.cpu)
		}
	}
}
