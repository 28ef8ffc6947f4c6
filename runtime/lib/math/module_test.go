package math_test

import (
	"slices"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/math"
	stock "go.starlark.net/lib/math"
	"go.starlark.net/starlark"
)

func TestModule(t *testing.T) {
	values := hosttest.Module(t, math.Module(), nil, nil)
	got := values["math"].(starlark.HasAttrs).AttrNames()
	if want := stock.Module.Members.Keys(); !slices.Equal(got, want) {
		t.Errorf("got %v, want all of the stock module: %v", got, want)
	}
}
