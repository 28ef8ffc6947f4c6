package body_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/environ/lib/body"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
)

func TestModule(t *testing.T) { hosttest.Module(t, body.Module(), nil, nil) }
