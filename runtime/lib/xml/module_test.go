package xml_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/xml"
)

func TestModule(t *testing.T) { hosttest.Module(t, xml.Module(), nil, nil) }
