package re_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/re"
)

func TestModule(t *testing.T) { hosttest.Module(t, re.Module(), nil, nil) }
