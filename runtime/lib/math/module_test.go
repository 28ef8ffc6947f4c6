package math_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/math"
)

func TestModule(t *testing.T) { hosttest.Module(t, math.Module(), nil, nil) }
