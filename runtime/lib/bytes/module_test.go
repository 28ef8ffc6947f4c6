package bytes_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/bytes"
)

func TestModule(t *testing.T) { hosttest.Module(t, bytes.Module(), nil, nil) }
