package time_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/time"
)

func TestModule(t *testing.T) { hosttest.Module(t, time.Module(), nil, nil) }
