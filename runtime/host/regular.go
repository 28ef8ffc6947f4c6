package host

import (
	"errors"
	"io/fs"
)

var errIrregular = errors.New("it is not a regular file")

// OpenRegular opens a regular file of a tree, and nothing else: to open a FIFO is to wait for its
// other end, and to open a device may do something. So it asks before it opens.
func OpenRegular(tree fs.FS, name string) (fs.File, fs.FileInfo, error) {
	info, err := Stat(tree, name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, &fs.PathError{Op: "open", Path: name, Err: errIrregular}
	}
	f, err := tree.Open(name)
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() { // it was replaced
		err = &fs.PathError{Op: "open", Path: name, Err: errIrregular}
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// Stat is fs.Stat, which opens a file of a tree that has no Stat, such as one that fs.Sub made.
// This one opens it only if the tree has no Lstat either, or it is a symlink.
func Stat(tree fs.FS, name string) (fs.FileInfo, error) {
	if _, ok := tree.(fs.ReadLinkFS); ok {
		info, err := fs.Lstat(tree, name)
		if err != nil || info.Mode().Type() != fs.ModeSymlink {
			return info, err
		}
	}
	return fs.Stat(tree, name)
}
