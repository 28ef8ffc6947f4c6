// Package static is the host module @static: files of the application's own tree. [Module]
// describes it.
//
// The application that static returns is called as any other, so it can be mounted and wrapped.
// It answers GET and HEAD with what net/http's ServeContent knows: ranges, conditional requests,
// If-Range. Its ETags are strong, made of the content; types come from a table of its own, so
// that they are the same on every machine. A name that begins with a dot is not served, except
// .well-known. No name leads out of the directory, and a symlink leads where runtime.Dir lets it:
// nowhere outside of the application's tree. A directory is answered by its index file.
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

// Module describes @static.
func Module() *host.Module {
	return &host.Module{
		Name:    "static",
		Doc:     "Files of the application's own tree.",
		Members: []host.Member{staticMember(), fileMember()},
	}
}

func staticMember() host.Member {
	return host.Member{
		Name: "static",
		Doc: "Makes an application that serves a directory: GET and HEAD, ranges and conditional " +
			"requests. Names that begin with a dot are not served, except .well-known.",
		Params: []host.Param{
			{Name: "dir", Doc: "a directory of the application's tree"},
			{
				Name:    "max_age",
				Doc:     "for how many seconds a client may use a file without asking again",
				Default: starlark.MakeInt(0),
			},
			{
				Name:    "index",
				Doc:     "the file that answers for a directory",
				Default: starlark.String("index.html"),
			},
		},
		Result: "an application",
		Errors: []host.Failure{
			{When: "there is no such directory in the tree, or another argument is wrong"},
		},
		Example: `static("public", max_age = 3600)  # <static "public">
static("..")  # error: static: the path ".." leads out of the application's tree`,
		Fn: newSite,
	}
}

func fileMember() host.Member {
	return host.Member{
		Name:   "file",
		Doc:    "Opens a file of the application's tree, for the request that asks for it.",
		Params: []host.Param{{Name: "path", Doc: "of the file, counted from the root of the tree"}},
		Result: "an open file: read, readline, readlines, iteration, seek, tell, close, name, size",
		Errors: []host.Failure{{When: "there is no such file in the tree"}},
		Example: `file("public/a.txt").read()  # b"hello"
file("public/b.txt")  # error: file: there is no file "public/b.txt" in the application's tree`,
		Fn: openFile,
	}
}

// clean returns the name of a path of the tree, which may begin with // (the root) or ./.
func clean(name string) (string, error) {
	rel := path.Clean(strings.TrimLeft(name, "/"))
	if !fs.ValidPath(rel) {
		return "", fmt.Errorf(
			"the path %s leads out of the application's tree", starlark.String(name),
		)
	}
	return rel, nil
}

func newSite(l *host.Load, dir string, maxAge int, index string) (*site, error) {
	tree := l.Tree
	rel, err := clean(dir)
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(tree, rel)
	if err != nil {
		return nil, fmt.Errorf(
			"there is no directory %s in the application's tree", starlark.String(dir),
		)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is a file; name the directory", starlark.String(dir))
	}
	if maxAge < 0 {
		return nil, fmt.Errorf("max_age is %d; it is a number of seconds from 0 on", maxAge)
	}
	if strings.ContainsAny(index, "/\\") || strings.HasPrefix(index, ".") {
		return nil, fmt.Errorf("index is %s, not the name of a file", starlark.String(index))
	}
	sub, err := fs.Sub(tree, rel)
	if err != nil {
		return nil, err
	}
	return &site{Object: "static", tree: sub, name: dir, maxAge: maxAge, index: index}, nil
}

// openFile opens a file for the request that asks for it.
func openFile(l *host.Load, t *starlark.Thread, name string) (*host.File, error) {
	rel, err := clean(name)
	if err != nil {
		return nil, err
	}
	f, info, err := openRegular(l.Tree, rel)
	if err != nil {
		return nil, fmt.Errorf(
			"there is no file %s in the application's tree", starlark.String(name),
		)
	}
	file := host.NewFile(f, name, info.Size())
	file.Fail = host.CallOf(t).Fail
	return file, nil
}

// openRegular opens a regular file, and nothing else: a FIFO would wait for ever. The file is an
// io.Seeker.
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
