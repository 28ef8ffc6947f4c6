package structs_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/structs"
)

func TestModule(t *testing.T) { hosttest.Module(t, structs.Module(), nil, nil) }
