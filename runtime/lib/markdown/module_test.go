package markdown_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/markdown"
)

func TestModule(t *testing.T) { hosttest.Module(t, markdown.Module(), nil, nil) }
