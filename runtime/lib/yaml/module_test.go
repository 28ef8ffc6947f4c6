package yaml_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/yaml"
)

func TestModule(t *testing.T) { hosttest.Module(t, yaml.Module(), nil, nil) }
