package http_test

import (
	"testing"

	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
)

func TestModule(t *testing.T) { hosttest.Module(t, libhttp.Module(), nil, nil) }
