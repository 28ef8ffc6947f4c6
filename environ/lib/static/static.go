// Package static is the host module @static: files of the application's own tree.
//
//	static(dir, max_age = 0, index = "index.html")   an application that serves the directory
//	file(path)                                       an open file: read, readline, readlines, seek, tell, close
//
// The application that static returns is called as any other, so it can be mounted and wrapped. It
// answers GET and HEAD with what net/http's ServeContent knows: ranges, conditional requests, If-Range. Its
// ETags are strong, made of the content; types come from a table of its own, so that they are the same on every
// machine. A name that begins with a dot is not served, except .well-known. No name leads out of the directory,
// and a symlink leads where runtime.Dir lets it: nowhere outside of the application's tree. A directory is answered
// by its index file.
package static

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module is the host module @static, for the tree of one generation.
func Module(tree fs.FS) (starlark.StringDict, error) {
	return starlark.StringDict{
		"static": starlark.NewBuiltin("static", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			var dir string
			maxAge, index := 0, "index.html"
			if err := starlark.UnpackArgs(b.Name(), args, kwargs, "dir", &dir, "max_age?", &maxAge, "index?", &index); err != nil {
				return nil, err
			}
			return newSite(tree, dir, maxAge, index)
		}),
		"file": starlark.NewBuiltin("file", func(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			var name string
			if err := starlark.UnpackArgs(b.Name(), args, kwargs, "path", &name); err != nil {
				return nil, err
			}
			return openFile(t, tree, name)
		}),
	}, nil
}

// clean returns the name of a path of the tree, which may begin with // (the root) or ./.
func clean(name string) (string, error) {
	rel := path.Clean(strings.TrimLeft(name, "/"))
	if !fs.ValidPath(rel) {
		return "", fmt.Errorf("the path %s leads out of the application's tree", starlark.String(name))
	}
	return rel, nil
}

func newSite(tree fs.FS, dir string, maxAge int, index string) (starlark.Value, error) {
	rel, err := clean(dir)
	if err != nil {
		return nil, fmt.Errorf("static: %w", err)
	}
	info, err := fs.Stat(tree, rel)
	if err != nil {
		return nil, fmt.Errorf("static: there is no directory %s in the application's tree", starlark.String(dir))
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("static: %s is a file; name the directory", starlark.String(dir))
	}
	if maxAge < 0 {
		return nil, fmt.Errorf("static: max_age is %d; it is a number of seconds from 0 on", maxAge)
	}
	if strings.ContainsAny(index, "/\\") || strings.HasPrefix(index, ".") {
		return nil, fmt.Errorf("static: index is %s, not the name of a file", starlark.String(index))
	}
	sub, err := fs.Sub(tree, rel)
	if err != nil {
		return nil, fmt.Errorf("static: %w", err)
	}
	return &site{Object: "static", tree: sub, name: dir, maxAge: maxAge, index: index}, nil
}

// openFile opens a file for the request that asks for it.
func openFile(t *starlark.Thread, tree fs.FS, name string) (starlark.Value, error) {
	rel, err := clean(name)
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	f, info, err := openRegular(tree, rel)
	if err != nil {
		return nil, fmt.Errorf("file: there is no file %s in the application's tree", starlark.String(name))
	}
	file := host.NewFile(f, name, info.Size())
	file.Fail = host.CallOf(t).Fail
	return file, nil
}

// openRegular opens a regular file, and nothing else: a FIFO would wait for ever. The file is an io.Seeker.
func openRegular(tree fs.FS, name string) (fs.File, fs.FileInfo, error) {
	info, err := fs.Stat(tree, name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, info, fs.ErrInvalid
	}
	f, err := tree.Open(name)
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err != nil {
		f.Close()
		return nil, nil, err
	}
	if _, ok := f.(io.Seeker); !ok {
		f = &reopened{File: f, tree: tree, name: name, size: info.Size()}
	}
	return f, info, nil
}
