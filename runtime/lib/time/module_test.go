package time_test

import (
	"slices"
	"testing"

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
