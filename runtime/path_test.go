package runtime_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"go.starlark.net/starlark"
)

// A border is a tree that reports names which lead out of it.
type border struct {
	t testing.TB
	fs.FS
}

func (b border) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") {
		b.t.Errorf("opened %q", name)
	}
	return b.FS.Open(name)
}

// FuzzLoadPath verifies that no name of a load, and no entry, leads out of the tree, and that what is loaded is the file
// that path.Clean would name.
func FuzzLoadPath(f *testing.F) {
	for _, name := range []string{
		"x.star", "./x.star", "../x.star", "../../x.star", "//x.star", "//lib/x.star", "//../x.star", "/x.star", "///x.star", "lib//x.star", `..\x.star`,
		"x.star\x00", "", ".", "..", "//", "lib/", "x.star:app", ":", "a:b:c", "@json", "@", "\xff", "x.star/../../..//x.star",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		tree := func(load string) fs.FS {
			return border{t, fstest.MapFS{
				"lib/app.star": {Data: []byte("load(" + load + ", x = 'here')\napp = lambda: x")},
				"x.star":       {Data: []byte("here = 'x.star'")},
				"lib/x.star":   {Data: []byte("here = 'lib/x.star'")},
			}}
		}
		p, err := runtime.Load(&runtime.Config{FS: tree(starlark.String(name).String())}, "lib/app.star")
		if err == nil {
			if v, err := result(p); err != nil || !strings.HasSuffix(name, strings.TrimPrefix(strings.Trim(v.String(), `"`), "lib/")) {
				t.Errorf("load(%q) gave %v, %v", name, v, err)
			}
		} else if strings.TrimSpace(err.Error()) == "" {
			t.Errorf("load(%q): an error that says nothing", name)
		}
		// As an entry: a path, and the name of a global behind a colon.
		if _, err := runtime.Load(&runtime.Config{FS: tree(`"x.star"`)}, name); err == nil && !strings.Contains(name, "app.star") && !strings.Contains(name, "x.star:here") {
			t.Errorf("entry %q was loaded", name)
		}
		_ = fmt.Sprint(runtime.Check(&runtime.Config{FS: tree(starlark.String(name).String())}, name))
	})
}
