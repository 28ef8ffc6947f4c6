package static_test

import (
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
)

func TestModule(t *testing.T) {
	tree := fstest.MapFS{"public/a.txt": {Data: []byte("hello")}}
	hosttest.Module(t, static.Module(), &host.Load{Tree: tree}, nil)
}
