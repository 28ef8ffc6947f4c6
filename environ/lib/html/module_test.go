package html_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/environ/lib/html"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
)

func TestModule(t *testing.T) { hosttest.Module(t, html.Module(), nil, nil) }
