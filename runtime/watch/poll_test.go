package watch

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
)

// TestPoll watches without a watcher, as where the system has none to give or the file system sends no events.
func TestPoll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.star")
	save := func(script string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(script), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	save("def app(e, s): pass\n")
	live, err := runtime.NewLive(&runtime.Config{FS: runtime.Dir(filepath.Dir(path))}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	changed := make(chan error, 1)
	r := runner{logger: slog.New(slog.DiscardHandler), targets: []*target{{Target: Target{Live: live, Dir: filepath.Dir(path), Changed: func(err error) { changed <- err }}}}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.run(ctx) }()
	time.Sleep(10 * interval) // until it has seen that nothing changes
	save("def app(e, s): return []\n")
	select {
	case err := <-changed:
		if got := live.Status().Generation; err != nil || got != 2 {
			t.Errorf("generation %d, %v; want generation 2", got, err)
		}
	case <-time.After(5 * Poll):
		t.Error("the change was not seen")
	}
	cancel()
	<-done
}
