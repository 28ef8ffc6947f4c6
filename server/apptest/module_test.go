package apptest_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/server/apptest"
)

func TestModule(t *testing.T) { hosttest.Module(t, new(apptest.Config).Module(), nil, nil) }
