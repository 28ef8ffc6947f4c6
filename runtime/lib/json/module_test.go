package json_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/json"
)

func TestModule(t *testing.T) { hosttest.Module(t, json.Module(), nil, nil) }
