package runtime

import (
	"io/fs"
	"os"
)

// Dir returns the tree of files in the directory path, for Config.FS. Nothing outside it can be
// reached, neither by name nor by a symlink inside it: [os.Root] holds the border.
//
// The directory itself is opened again for each generation of a program, so path may be, or lead
// through, a symlink that is swapped when a new release comes. A generation reads all its files,
// for as long as it lives, from the directory that path named when it was loaded. The descriptor
// is closed once nothing uses the generation any more.
func Dir(path string) fs.FS { return dir(path) }

type dir string

// Open opens a file of the directory that the path names now.
func (d dir) Open(name string) (fs.File, error) {
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.FS().Open(name)
}

// snapshot returns the tree that one generation is loaded from.
func snapshot(tree fs.FS) (fs.FS, error) {
	d, ok := tree.(dir)
	if !ok {
		return tree, nil
	}
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return nil, err
	}
	return root.FS(), nil
}
