package state_test

import (
	"io"
	"log/slog"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/state"
)

// grant returns a Grant of a directory, which ends with the test.
func grant(t testing.TB, dir string) *state.Grant {
	g := &state.Grant{Dir: dir, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	t.Cleanup(func() { g.Close() })
	return g
}

// TestModule runs the examples.
func TestModule(t *testing.T) {
	g := grant(t, t.TempDir())
	for _, m := range state.Modules() {
		hosttest.Module(t, m, &host.Load{Grant: g}, nil)
	}
}
