package sql_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
	"go.starlark.net/starlark"
	"testing/fstest"
)

// TestModule runs the examples on databases of a directory.
func TestModule(t *testing.T) {
	g := &sql.Grant{Dir: t.TempDir()}
	defer g.Close()
	m := sql.Module()
	tree := make(fstest.MapFS)
	for name, text := range m.Files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	builtins := new(runtime.Config).Builtins()
	hosttest.Module(t, m, &host.Load{Tree: tree, Grant: g}, starlark.StringDict{
		"catch": builtins["catch"], "fail": builtins["fail"],
	})
}
