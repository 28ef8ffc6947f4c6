package response

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func fileMember() host.Member {
	return host.Member{
		Name: "file",
		Doc: "A response of a file, with an ETag: a client gets the ranges that it asks for, and " +
			"304 for what it has. It is of the application's tree, or of a directory of @files. No " +
			"path leads out of that, and no name begins with a dot, except .well-known, so that a " +
			"path may come from the client. An open file of such a directory answers once, and is " +
			"closed.",
		Params: append(params(0,
			host.Param{
				Name: "path", Doc: "of the file, from the root of the tree; or an open file",
				Type: "string or file",
			},
			host.Param{
				Name: "download", Type: "string, bool or None", Default: starlark.None,
				Doc: "what a browser is to save it as; True for its own name, None to show it",
			},
		), host.Param{
			Name: "directory", Type: "directory or None", Default: starlark.None,
			Doc: "the directory that it is of, None for the application's tree",
		}),
		Result: "a response",
		Errors: failures(host.Failure{
			Code: string(environ.CodeAbsent),
			When: "there is no such file; uncaught, the client gets 404",
		}),
		Example: `file("public/a.txt").header("Content-Type")  # "text/plain; charset=utf-8"
file("public/a.txt", download = "Ünde.txt").header("Content-Disposition")  # ` +
			`"attachment; filename=\"_nde.txt\"; filename*=UTF-8''%C3%9Cnde.txt"
file("../secret")  # error: LARK0405: file: there is no file "../secret"`,
		Fn: makeFile,
	}
}

// A library is the module for one generation of a program.
type library struct {
	memory  *static.Memory
	own     *static.Files // of the application's tree; nil without one
	granted sync.Map      // a *static.Files for each tree of a directory that was granted
}

// open returns a function that opens the module.
func open() func(*host.Load) (any, error) {
	memory := new(static.Memory)
	return func(l *host.Load) (any, error) {
		lib := &library{memory: memory}
		if l.Tree != nil {
			lib.own = memory.Files(l.Tree)
		}
		return lib, nil
	}
}

func makeFile(a host.Args) (starlark.Value, error) {
	var from, download, directory starlark.Value
	var c common
	err := a.Unpack(&from, &download, &c.headers, &c.cookies, &directory)
	if err != nil {
		return nil, err
	}
	lib := a.Of.(*library)
	var found, mediaType string
	var answer func(r *Response, q request) (starlark.Value, error)
	if open, ok := from.(*host.File); ok && directory == starlark.None {
		found, answer = open.Name(), lib.opened(open)
		mediaType = static.MediaType(found)
	} else if found, mediaType, answer, err = lib.named(from, directory); err != nil {
		return nil, err
	}
	r := New(http.StatusOK, mediaType, "",
		environ.Field{Name: "Cache-Control", Value: "no-cache"},
		environ.Field{Name: "X-Content-Type-Options", Value: "nosniff"},
	)
	disposition, err := dispositionOf(download, found)
	if err != nil {
		return nil, err
	}
	if disposition != "" {
		r.Fields = append(r.Fields, environ.Field{Name: "Content-Disposition", Value: disposition})
	}
	r.given, r.answer = starlark.None, answer
	return r, c.extend(r)
}

// opened answers with an open file.
func (l *library) opened(f *host.File) func(r *Response, q request) (starlark.Value, error) {
	return func(r *Response, q request) (starlark.Value, error) {
		return l.memory.AnswerOpen(
			q.thread, q.env, q.start, f, cmp.Or(r.Status, http.StatusOK), r.Fields,
		)
	}
}

// named answers with the file that a path leads to.
func (l *library) named(path, directory starlark.Value) (
	found, mediaType string, answer func(r *Response, q request) (starlark.Value, error), err error,
) {
	name, ok := starlark.AsString(path)
	if !ok {
		return "", "", nil, environ.Errorf(environ.CodeWebUse, "",
			"file: path is %s, neither a string nor an open file of a directory", path.Type())
	}
	files, err := l.files(directory)
	if err != nil {
		return "", "", nil, err
	}
	err = fs.ErrNotExist
	if files != nil {
		found, mediaType, err = files.Find(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		e := environ.Errorf(
			environ.CodeAbsent, "", "file: there is no file %s", starlark.String(name),
		)
		e.Status = http.StatusNotFound
		err = e
	}
	return found, mediaType, func(r *Response, q request) (starlark.Value, error) {
		return files.Answer(
			q.thread, q.env, q.start, found, cmp.Or(r.Status, http.StatusOK), r.Fields,
		)
	}, err
}

// files returns those of a directory, or of the application's tree.
func (l *library) files(directory starlark.Value) (*static.Files, error) {
	if directory == starlark.None {
		return l.own, nil
	}
	d, ok := directory.(host.Treed)
	if !ok {
		return nil, environ.Errorf(environ.CodeWebUse, "",
			"file: directory is %s, not a directory of @files", directory.Type())
	}
	tree := d.Tree()
	if f, ok := l.granted.Load(tree); ok {
		return f.(*static.Files), nil
	}
	f, _ := l.granted.LoadOrStore(tree, l.memory.Files(tree))
	return f.(*static.Files), nil
}

// dispositionOf returns the Content-Disposition of a download, "" for none.
func dispositionOf(download starlark.Value, name string) (string, error) {
	if download == starlark.None || download == starlark.False {
		return "", nil
	}
	if download == starlark.True {
		return attachment(path.Base(name)), nil
	}
	s, ok := starlark.AsString(download)
	if !ok {
		return "", environ.Errorf(environ.CodeWebUse, `write download = "report.pdf"`,
			"file: download is %s, not a string", download.Type())
	}
	if s == "" || !wire.Value(s) || strings.ContainsAny(s, "/\\\t") {
		return "", environ.Errorf(environ.CodeWebUse, "pass a name without directories",
			"file: download %s is not the name of a file", starlark.String(s))
	}
	return attachment(s), nil
}

// attachment is the Content-Disposition of a file that is to be saved under a name. RFC 6266,
// appendix D: a name of ASCII for old clients, and, where that is not the name, the name itself as
// RFC 8187 encodes it.
func attachment(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	plain := strings.Map(func(r rune) rune {
		// A quote and a percent sign are read in different ways by different browsers.
		if r < ' ' || r >= 0x7f || strings.ContainsRune(`"\%`, r) {
			return '_'
		}
		return r
	}, name)
	value := `attachment; filename="` + plain + `"`
	if plain == name {
		return value
	}
	return value + "; filename*=UTF-8''" + encodeExtended(name)
}

// encodeExtended percent-encodes what is no attr-char. RFC 8187, section 3.2.1.
func encodeExtended(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("!#$&+-.^_`|~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
	return b.String()
}
