package describe_test

import (
	"slices"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/describe"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
)

// TestBuiltins verifies that each function that needs no load is described, and runs the examples.
func TestBuiltins(t *testing.T) {
	m := describe.Builtins()
	hosttest.Module(t, m, nil, nil)
	var want []string
	for _, name := range new(runtime.Config).Builtins().Keys() {
		if !slices.Contains([]string{"None", "True", "False"}, name) {
			want = append(want, name)
		}
	}
	if got := m.Names(); !slices.Equal(got, want) {
		t.Errorf("described are %v, there are %v", got, want)
	}
}
