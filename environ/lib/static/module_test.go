package static_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
)

func TestModule(t *testing.T) { hosttest.Module(t, static.Module(), nil, nil) }
