package base64_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/base64"
)

func TestModule(t *testing.T) { hosttest.Module(t, base64.Module(), nil, nil) }
