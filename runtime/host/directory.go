package host

import (
	"io/fs"
	"path"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/spell"
)

// MeantDirectory says which directory of a tree is meant by the name of one that is not there, as in
// `; did you mean "templates"?`: one beside it whose name is near, or one of its name elsewhere at the
// root or below a directory of that. It is "" if none is.
func MeantDirectory(tree fs.FS, name string) string {
	if tree == nil {
		return ""
	}
	name = path.Clean(strings.TrimLeft(name, "/"))
	above, base := path.Dir(name), path.Base(name)
	if near := spell.Nearest(base, directories(tree, above), 3); near != "" {
		return "; did you mean " + quote(path.Join(above, near)) + "?"
	}
	for _, dir := range append([]string{"."}, directories(tree, ".")...) {
		if near := spell.Nearest(base, directories(tree, dir), 3); near != "" {
			return "; did you mean " + quote(path.Join(dir, near)) + "?"
		}
	}
	return ""
}

// directories are the names of those in one of a tree, none if that cannot be read.
func directories(tree fs.FS, dir string) (names []string) {
	entries, _ := fs.ReadDir(tree, dir)
	for _, e := range entries[:min(len(entries), maxEntries)] {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

// maxEntries is how many entries of a directory are compared with a name.
const maxEntries = 1000

func quote(s string) string { return `"` + s + `"` }
