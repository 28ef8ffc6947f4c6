// Package static is the host module @static: files of the application's own tree. [Module]
// describes it.
//
// The application that static returns is called as any other, so it can be mounted and wrapped.
// It answers GET and HEAD with what net/http's ServeContent knows: ranges, conditional requests,
// If-Range. Its ETags are made of the content; types come from a table of its own, so that they
// are the same on every machine. A name that begins with a dot is not served, except
// .well-known. No name leads out of the directory, and a symlink leads where runtime.Dir lets it:
// nowhere outside of the application's tree. A directory is answered by its index file. What is
// neither a file nor a directory is not there, and never opened.
//
// A file of more than 4 MiB has an ETag of its time and size, or none if it has no time; others
// are hashed once, by one request for all that ask, and on Linux for all generations.
package static

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @static.
func Module() *host.Module {
	return &host.Module{
		Name:    "static",
		Doc:     "Files of the application's own tree.",
		Whole:   true,
		Files:   map[string]string{"public/a.txt": "hello"},
		Members: []host.Member{staticMember(new(tags)), fileMember()},
		Open: func(l *host.Load) (any, error) {
			g := &generation{Load: l}
			l.OnPublish(func() { g.loaded.Store(true) })
			return g, nil
		},
	}
}

// A generation is what the functions of one work on.
type generation struct {
	*host.Load
	loaded atomic.Bool // whether it serves: what is opened from then on, it is not made of
}

func staticMember(kept *tags) host.Member {
	return host.Member{
		Name: "static",
		Doc: "Makes an application that serves a directory: GET and HEAD, ranges and conditional " +
			"requests. Names that begin with a dot are not served, except .well-known.",
		Params: []host.Param{
			{
				Name: "dir", Type: "string or directory",
				Doc: "a directory of the application's tree, counted from its root, which is the " +
					"directory of the script that is served; or one that @files has granted",
			},
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
		Fn: func(
			l *generation, dir starlark.Value, maxAge int, index string,
		) (*site, error) {
			if d, ok := dir.(host.Treed); ok {
				return newSite(d.Tree(), kept, "", maxAge, index)
			}
			name, ok := starlark.AsString(dir)
			if !ok {
				return nil, fmt.Errorf("for parameter dir: got %s, want string or directory", dir.Type())
			}
			rel, err := find(l.Tree, name)
			if err != nil {
				return nil, err
			}
			s, err := newSite(l.Tree, kept, rel, maxAge, index)
			if err == nil {
				s.name = name
			}
			return s, err
		},
	}
}

func fileMember() host.Member {
	return host.Member{
		Name: "file",
		Doc: "Opens a file of the application's tree, for the request that asks for it. A script that " +
			"opens one while it is loaded is loaded again when that changes.",
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

// find returns the name of a directory of the tree.
func find(tree fs.FS, dir string) (string, error) {
	rel, err := clean(dir)
	if err != nil {
		return "", err
	}
	info, err := host.Stat(tree, rel)
	if exhausted(err) {
		return "", err
	}
	if err != nil {
		return "", fmt.Errorf(
			"there is no directory %s in the application's tree%s", starlark.String(dir),
			host.MeantDirectory(tree, rel),
		)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is a file; name the directory", starlark.String(dir))
	}
	return rel, nil
}

// newSite returns the application that serves dir. One that was granted, "", is not looked at before
// it is asked for something.
func newSite(tree fs.FS, kept *tags, dir string, maxAge int, index string) (*site, error) {
	if maxAge < 0 {
		return nil, fmt.Errorf("max_age is %d; it is a number of seconds from 0 on", maxAge)
	}
	if strings.ContainsAny(index, "/\\") || strings.HasPrefix(index, ".") {
		return nil, fmt.Errorf("index is %s, not the name of a file", starlark.String(index))
	}
	return &site{
		Object: "static", tree: tree, dir: dir, name: dir, maxAge: maxAge, index: index, kept: kept,
	}, nil
}

// openFile opens a file for the request that asks for it. A program that opens one while it is
// loaded is made of that, and loaded again when it changes.
func openFile(l *generation, t *starlark.Thread, name string) (*host.File, error) {
	rel, err := clean(name)
	if err != nil {
		return nil, err
	}
	if !l.loaded.Load() {
		_, _ = l.Read(host.Input{Dir: rel}) // what is wrong with it is said below
	}
	f, info, err := openSeeker(l.Tree, rel)
	if exhausted(err) {
		return nil, unavailable(err)
	}
	if err != nil {
		return nil, fmt.Errorf(
			"there is no file %s in the application's tree", starlark.String(name),
		)
	}
	file := host.NewFile(f, name, info.Size())
	file.Own(t)
	file.Fail = host.CallOf(t).Fail
	return file, nil
}

// openSeeker is host.OpenRegular. The file is an io.Seeker.
func openSeeker(tree fs.FS, name string) (fs.File, fs.FileInfo, error) {
	f, info, err := host.OpenRegular(tree, name)
	if err != nil {
		return nil, nil, err
	}
	if _, ok := f.(io.Seeker); !ok {
		f = &reopened{File: f, tree: tree, name: name, size: info.Size()}
	}
	return f, info, nil
}

// exhausted reports whether an error says that the system has no more descriptors or memory to
// give, which tells nothing of the file.
func exhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOMEM)
}

// unavailable is the error of a request that is to come again.
func unavailable(err error) error {
	e := environ.Errorf(environ.CodeFull, "", "%v", err)
	e.Status, e.Err = http.StatusServiceUnavailable, err
	return e
}
