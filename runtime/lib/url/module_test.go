package url_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/url"
)

func TestModule(t *testing.T) { hosttest.Module(t, url.Module(), nil, nil) }
