package hex_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/hex"
)

func TestModule(t *testing.T) { hosttest.Module(t, hex.Module(), nil, nil) }
