package server_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/tee"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// A sharedLog is a log that is read while it may be written.
type sharedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *sharedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *sharedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// flood makes h answer n requests, whose status must be that.
func flood(t *testing.T, h http.Handler, n, status int, r *http.Request) {
	t.Helper()
	for range n {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != status {
			t.Fatalf("status %d, want %d", w.Code, status)
		}
	}
}

// TestFloodIsCounted has strangers make a server log: that it is full is said once, what they do
// wrong, or make go wrong at one place, a few times, and then how often each ten seconds, until it
// is over.
func TestFloodIsCounted(t *testing.T) {
	bad := httptest.NewRequest("GET", "/", nil)
	bad.Method = "GE T"
	away := httptest.NewRequest("GET", "/elsewhere", nil)
	tests := []struct {
		name   string
		r      *http.Request
		slots  *server.Slots
		status int
		first  int // of the lines of one request each
	}{
		{"refused", bad, nil, 400, 20},
		{"outside", away, nil, 404, 20},
		{"failed", httptest.NewRequest("GET", "/app", nil), nil, 500, 20},
		{"full", httptest.NewRequest("GET", "/app", nil), &server.Slots{Calls: 1, Queue: -1}, 503, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hold := make(chan struct{})
				wait := func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple,
					_ []starlark.Tuple) (starlark.Value, error) {
					if args[0] == starlark.String("hold") {
						<-hold
					}
					return starlark.None, nil
				}
				app, err := runtime.Load(&runtime.Config{
					FS: fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    wait(environ["QUERY_STRING"])
    fail("at one place")
`)}},
					Limits:      runtime.Limits{Time: time.Hour}, // else the slot is given away
					Predeclared: starlark.StringDict{"wait": starlark.NewBuiltin("wait", wait)},
				}, "app.star")
				if err != nil {
					t.Fatal(err)
				}
				var log sharedLog
				h := &server.Handler{App: app, Mount: "/app", Slots: test.slots,
					Logger: slog.New(slog.NewTextHandler(&log, nil))}
				if test.slots != nil {
					go h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/app?hold", nil))
					synctest.Wait()
				}
				lines := func(want int, last string) {
					t.Helper()
					synctest.Wait()
					all := strings.Split(strings.TrimSpace(log.String()), "\n")
					if len(all) != want || !strings.Contains(all[want-1], last) {
						t.Errorf("the log has %d lines, want %d, the last with %q:\n%s", len(all),
							want, last, &log)
					}
				}
				flood(t, h, 1000, test.status, test.r)
				lines(test.first, "LARK")
				time.Sleep(10*time.Second + time.Millisecond)
				more := map[int]string{1: "more=999 in=10s", 20: "more=980 in=10s"}
				lines(test.first+1, more[test.first])
				flood(t, h, 500, test.status, test.r)
				lines(test.first+1, "more=")
				time.Sleep(10 * time.Second)
				lines(test.first+2, "more=500 in=10s")
				time.Sleep(time.Minute)
				lines(test.first+2, "more=500 in=10s")
				flood(t, h, 1, test.status, test.r)
				lines(test.first+3, "LARK")
				time.Sleep(time.Minute)
				close(hold)
			})
		})
	}
}

// TestFloodIsCollected gives who collects what is logged for a request every record of it.
func TestFloodIsCollected(t *testing.T) {
	var collected int
	r := httptest.NewRequest("GET", "/elsewhere", nil)
	r = r.WithContext(tee.With(r.Context(), func(slog.Record) bool { collected++; return true }))
	h := &server.Front{Logger: slog.New(tee.New(slog.DiscardHandler))}
	flood(t, h, 100, 404, r)
	if collected != 100 {
		t.Errorf("%d records of 100 were collected", collected)
	}
}
