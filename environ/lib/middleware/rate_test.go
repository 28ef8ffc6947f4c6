package middleware_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/middleware"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// A gate is what counts for all processes. It lets nobody pass, or is away.
type gate struct {
	away bool
	by   string
}

func (g *gate) Take(_ *starlark.Thread, by string, every, burst time.Duration) (time.Duration, error) {
	g.by = by
	if g.away {
		return 0, errors.New("away")
	}
	return every + burst, nil
}

// TestRateShared verifies that a limit that is shared is counted by who counts for all processes, as long
// as there is one, and by the process while it is away.
func TestRateShared(t *testing.T) {
	shared := func(grants map[string]any) (*runtime.Program, error) {
		return runtime.Load(&runtime.Config{
			FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@middleware", "rate_limit")
load("@response", "text")
app = rate_limit(2, "1m", lambda environ: environ["PATH_INFO"], shared = True)(text("hello"))
`)}},
			Modules: []*host.Module{middleware.Module(), response.Module()}, Grants: grants,
		}, "app.star")
	}
	g := new(gate)
	p, err := shared(map[string]any{"middleware": g})
	if err != nil {
		t.Fatal(err)
	}
	h := &server.Handler{App: p}
	if got := visit(h, "GET /ann", "Retry-After"); !strings.HasPrefix(got, "429 Retry-After: 90") {
		t.Errorf("got %s", got)
	}
	if want := "2 in 1m0s at app.star:4:17 /ann"; g.by != want {
		t.Errorf("it is counted by %q, want %q", g.by, want)
	}
	g.away = true
	for _, want := range []string{"200 hello", "200 hello", "429 "} {
		if got := visit(h, "GET /bob"); !strings.HasPrefix(got, want) {
			t.Errorf("while it is away: got %s, want %s", got, want)
		}
	}
	if _, err := shared(nil); err == nil || !strings.Contains(err.Error(), "LARK0403: rate_limit: shared = True needs what keeps state") {
		t.Errorf("without it: %v", err)
	}
}
