package worker_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/worker"
)

// TestFailures verifies that what workers log of failures is told, and nothing else.
func TestFailures(t *testing.T) {
	var told []string
	log := slog.New(worker.Failures(slog.NewTextHandler(io.Discard, nil), func(r *http.Request, f *server.Failure) {
		told = append(told, fmt.Sprint(r.Method, " ", r.URL.Path, " ", f.Status, " ", f.Code, " ", f.Place(), " ", f.Limit()))
	}))
	request := []any{"method", "GET", "path", "/loop", "status", 504, "code", "LARK0502", "place", "app.star:6:9"}
	own := log.With("worker", 12)
	log.Error("stopped at the limit of 9 steps", request...)
	own.Error("app.star:6:9: stopped at the limit of 9 steps", request...)
	own.With("app", "x").Warn("app.star:6:9: stopped at the time limit of 1s", request...)
	own.Error("a worker has ended", "cause", "killed")
	own.Info("app.star:6:9: stopped", request...)
	want := "[GET /loop 504 LARK0502 app.star:6:9 steps GET /loop 504 LARK0502 app.star:6:9 time]"
	if got := fmt.Sprint(told); got != want {
		t.Errorf("told %s\nwant %s", got, want)
	}
}
