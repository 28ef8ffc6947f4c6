package host

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// An Input is files of a tree that a module reads while a program is loaded: those below a
// directory whose names end so.
type Input struct {
	Dir string // a path of the tree, "." for all of it; or that of a file, which is alone then
	Ext string // as ".html"; empty means all files
}

// A Text is a file of an [Input] and what stands in it.
type Text struct {
	Name    string // path in the tree
	Content []byte
}

// The bounds of an [Input].
const (
	maxTexts = 10_000
	maxText  = 4 << 20  // bytes of one file
	maxTotal = 64 << 20 // bytes of all
)

// Read reads the files of an input, in the order of their names, and has the program be loaded
// again when one of them is changed, comes or goes: it is made of them as it is of its scripts.
// Files and directories whose names begin with a dot do not count. It is to be called while the
// program is loaded; later nobody is told. More than 10,000 files, 4 MiB of one or 64 MiB of all
// are an error.
func (l *Load) Read(in Input) ([]Text, error) {
	texts, err := in.Read(l.Tree)
	if l.Reads != nil {
		l.Reads(in, texts)
	}
	return texts, err
}

// Read is [Load.Read] of files that are in tree now, of which nobody is told.
func (in Input) Read(tree fs.FS) (texts []Text, err error) {
	if tree == nil {
		return nil, &fs.PathError{Op: "open", Path: in.Dir, Err: fs.ErrNotExist}
	}
	total := 0
	err = fs.WalkDir(tree, in.Dir, func(name string, d fs.DirEntry, err error) error {
		switch base := path.Base(name); {
		case err != nil && name == in.Dir:
			return err
		case err != nil:
			return nil // it has just gone
		case name != in.Dir && base[0] == '.':
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() || !strings.HasSuffix(base, in.Ext):
			return nil
		case len(texts) == maxTexts:
			return fmt.Errorf("%s has more than %d files", in.Dir, maxTexts)
		}
		content, err := readText(tree, name)
		if err != nil || content == nil {
			return err
		}
		if total += len(content); total > maxTotal {
			return fmt.Errorf("the files of %s have more than %d bytes", in.Dir, maxTotal)
		}
		texts = append(texts, Text{name, content})
		return nil
	})
	slices.SortFunc(texts, func(a, b Text) int { return strings.Compare(a.Name, b.Name) })
	return texts, err
}

// readText returns what stands in a file; nil if it is no regular file, or not there any more.
func readText(tree fs.FS, name string) ([]byte, error) {
	f, _, err := OpenRegular(tree, name)
	if err != nil {
		return nil, nil
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxText {
		return nil, fmt.Errorf("%s has more than %d bytes", name, maxText)
	}
	return content[:len(content):len(content)], nil
}
