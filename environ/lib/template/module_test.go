package template_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/environ/lib/template"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
)

func TestModule(t *testing.T) {
	hosttest.Module(t, template.Module(template.Config{}), nil, nil)
}
