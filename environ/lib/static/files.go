package static

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Memory has the ETags of files that the system identifies, for all generations of a program. The
// zero value is ready; it is safe for concurrent use.
type Memory struct{ kept tags }

// Tag returns the ETag of a file of a tree, "" if it has none: strong, and of its content, which may be
// read, if that has no more than 4 MiB; of time and size if it has, and then weak as long as another
// content could have the same time. ctx bounds it.
func (m *Memory) Tag(ctx context.Context, tree any, name string, info fs.FileInfo, content io.ReadSeeker) (string, error) {
	if info.Size() > maxHashed {
		return stamp(info), nil
	}
	wait := func(f func(context.Context) error) error { return f(ctx) }
	if key, changed, ok := identity(info); ok {
		return m.kept.of(ctx, wait, key, info, changed, content)
	}
	return m.kept.of(ctx, wait, [2]any{tree, name}, info, time.Time{}, content)
}

// Files are single files of a tree that never changes, for modules that know which to answer with.
// It is safe for concurrent use.
type Files struct{ site site }

// Files returns those of a tree.
func (m *Memory) Files(tree fs.FS) *Files { return &Files{site{tree: tree, kept: &m.kept}} }

// Find returns the name in the tree of the file that a path means, and its media type. There is
// none, which is an [fs.ErrNotExist], for a path that leads out of the tree, and for one with a
// name that begins with a dot, other than .well-known.
func (f *Files) Find(path string) (name, mediaType string, err error) {
	name, ok := FileName("/" + strings.TrimLeft(path, "/"))
	if !ok || name == "." {
		return "", "", fs.ErrNotExist
	}
	info, err := host.Stat(f.site.tree, name)
	switch {
	case exhausted(err):
		err = unavailable(err)
	case err != nil || !info.Mode().IsRegular():
		err = fs.ErrNotExist
	}
	return name, MediaType(name), err
}

// Answer answers a request with a file that was found, and with fields: if the status is 200 with
// what of it a GET or HEAD asks for, on its conditions, else with all of it. It is gone if it is not
// there any more: 404.
func (f *Files) Answer(
	t *starlark.Thread, env starlark.Mapping, start starlark.Callable, name string, status int,
	fields []environ.Field,
) (starlark.Value, error) {
	c := newCall(t, env, start, status)
	open, info, err := openSeeker(f.site.tree, name)
	if err != nil {
		return c.absent(err)
	}
	return f.site.serve(c, open, open.(io.ReadSeeker), info, name, headerOf(fields))
}

// AnswerOpen answers as Answer does, with a file that a script has opened, and closes it. It fails
// for one that cannot seek or was closed.
func (m *Memory) AnswerOpen(
	t *starlark.Thread, env starlark.Mapping, start starlark.Callable, file *host.File, status int,
	fields []environ.Field,
) (starlark.Value, error) {
	info, err := file.Stat()
	content, ok := file.Below().(io.ReadSeeker)
	if err == nil && !ok {
		err = fs.ErrInvalid
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be answered with: %w", file, err)
	}
	header := headerOf(fields)
	if _, _, ok := identity(info); !ok && header.Get("Etag") == "" {
		if tag := stamp(info); tag != "" { // of files that are open names tell nothing
			header.Set("Etag", tag)
		}
	}
	s := site{kept: &m.kept}
	return s.serve(newCall(t, env, start, status), file, content, info, "", header)
}

// newCall returns a call in which the request decides what is sent only if that is good news.
func newCall(
	t *starlark.Thread, env starlark.Mapping, start starlark.Callable, status int,
) *call {
	c := &call{thread: t, start: start, env: env, status: status}
	method := c.get("REQUEST_METHOD")
	c.whole = status != http.StatusOK || method != http.MethodGet && method != http.MethodHead
	return c
}

func headerOf(fields []environ.Field) http.Header {
	header := make(http.Header, len(fields)+1)
	for _, f := range fields {
		header.Add(f.Name, f.Value)
	}
	return header
}
