package toml_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/toml"
)

func TestModule(t *testing.T) { hosttest.Module(t, toml.Module(), nil, nil) }
