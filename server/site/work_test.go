package site_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/site"
	"go.starlark.net/starlark"
)

// records is a log that may be read while it is written.
type records struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *records) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// TestWork verifies that what an application has done outside of the program is in the log, at the
// level of debugging with the request's id, and in the inspector of dev; and that dev points out
// what is done again and again for one request, once.
func TestWork(t *testing.T) {
	outside := &host.Module{Name: "outside", Doc: "Asks others.", Members: []host.Member{{
		Name: "ask", Doc: "Asks once.",
		Params: []host.Param{{Name: "what", Doc: "What to ask."}},
		Fn: func(t *starlark.Thread, what string) {
			w := host.Work{Kind: "sql", Text: what, Began: time.Now(), Took: time.Millisecond,
				Count: 2, Unit: "rows"}
			if what == "broken" {
				w.Err = errors.New("no such table")
			}
			host.Observe(t, w)
		},
	}}}
	app := &site.Application{Modules: []*host.Module{outside}, FS: fstest.MapFS{
		"app.star": {Data: []byte(`
load("@outside", "ask")

def app(environ, start_response):
    for i in range(7):
        ask("SELECT 1 WHERE id = ?")
    ask("broken")
    start_response("200 OK", [])
    return [environ["larkspur.request_id"]]
`)}}}
	const advice = "the same statement runs again and again for one request"
	for _, develop := range []bool{false, true} {
		var log records
		s := &site.Server{Develop: develop, Logger: slog.New(slog.NewTextHandler(&log,
			&slog.HandlerOptions{Level: slog.LevelDebug}))}
		url := serve(t, s, &site.Site{Listen: []string{anywhere}, Mounts: []site.Mount{{App: app}}})
		id := get(t, url+"/")
		for _, want := range []string{
			`level=DEBUG msg=sql text="SELECT 1 WHERE id = ?" took=1ms rows=2 request=` + id,
			`msg=sql text=broken took=1ms rows=2 error="no such table" request=` + id,
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("develop %v: the log lacks %q:\n%s", develop, want, log.String())
			}
		}
		want := 0
		if develop {
			want = 1
			page := get(t, url+"/_larkspur/requests/1")
			for _, want := range []string{"<td>7</td>", "sql: SELECT 1 WHERE id = ?", "14 rows", "no such table", advice} {
				if !strings.Contains(page, want) {
					t.Errorf("the inspector lacks %q:\n%s", want, page)
				}
			}
		}
		if got := strings.Count(log.String(), advice); got != want {
			t.Errorf("develop %v: the advice is logged %d times, want %d:\n%s", develop, got, want, log.String())
		}
	}
}
