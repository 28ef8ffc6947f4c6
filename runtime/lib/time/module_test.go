package time_test

import (
	"slices"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/time"
	stock "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

func TestModule(t *testing.T) {
	values := hosttest.Module(t, time.Module(), nil, nil)
	got := values["time"].(starlark.HasAttrs).AttrNames()
	want := append(stock.Module.Members.Keys(), "sleep")
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want all of the stock module, and sleep: %v", got, want)
	}
}

// TestTypes compares the descriptions of times and durations with what they have.
func TestTypes(t *testing.T) {
	for name, v := range map[string]starlark.HasAttrs{"time.time": stock.Time{}, "time.duration": stock.Duration(0)} {
		i := slices.IndexFunc(time.Module().Types, func(t *host.Type) bool { return t.Name == name })
		if i < 0 {
			t.Errorf("%s is not described", name)
			continue
		}
		want := v.AttrNames()
		slices.Sort(want)
		if got := time.Module().Types[i].AttrNames(); !slices.Equal(got, want) {
			t.Errorf("%s is described with %v, and has %v", name, got, want)
		}
	}
}
