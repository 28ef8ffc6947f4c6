package describe_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/describe"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
)

func TestModule(t *testing.T) {
	l := &describe.Library{Modules: new(runtime.Config).Catalog()}
	hosttest.Module(t, l.Module(), nil, nil)
}
