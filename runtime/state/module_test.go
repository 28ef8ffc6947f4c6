package state_test

import (
	"io"
	"log/slog"
	"slices"
	"strings"
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

// TestKeyErrors holds that the methods which are passed a key say what is wrong with one, and no others.
func TestKeyErrors(t *testing.T) {
	for _, m := range state.Modules() {
		for _, of := range m.Types {
			for _, method := range of.Members {
				keyed := slices.ContainsFunc(method.Params, func(p host.Param) bool { return p.Name == "key" || p.Name == "prefix" })
				says := slices.ContainsFunc(method.Errors, func(f host.Failure) bool { return strings.HasPrefix(f.When, "the key is empty") })
				if says != keyed {
					t.Errorf("%s.%s: it speaks of keys: %v, it is passed one: %v", of.Name, method.Name, says, keyed)
				}
			}
		}
	}
}
