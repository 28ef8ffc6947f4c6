package random_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/random"
)

func TestModule(t *testing.T) { hosttest.Module(t, random.Module(), nil, nil) }
