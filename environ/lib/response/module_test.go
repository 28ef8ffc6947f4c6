package response_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
)

func TestModule(t *testing.T) { hosttest.Module(t, response.Module(), nil, nil) }
