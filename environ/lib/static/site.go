package static

import (
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A site is the application that static returns. It is safe for concurrent use.
type site struct {
	host.Object
	tree   fs.FS
	dir    string // in the tree
	name   string // of dir, as the script has it
	maxAge int
	index  string
	tags   tags  // of files that have no identity, by name
	kept   *tags // of others; the module's, which outlive the generation
}

var _ starlark.Callable = (*site)(nil)

func (s *site) Name() string   { return s.Type() }
func (s *site) String() string { return "<static " + starlark.String(s.name).String() + ">" }

// CallInternal is app(environ, start_response).
func (s *site) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var env starlark.Mapping
	var start starlark.Callable
	if err := starlark.UnpackPositionalArgs("static", args, kwargs, 2, &env, &start); err != nil {
		return nil, err
	}
	c := call{thread: t, start: start, env: env}
	method := c.get("REQUEST_METHOD")
	if method != http.MethodGet && method != http.MethodHead {
		return c.text(http.StatusMethodNotAllowed, environ.Field{Name: "Allow", Value: "GET, HEAD"})
	}
	name, ok := FileName(c.get("PATH_INFO"))
	if !ok {
		return c.text(http.StatusNotFound)
	}
	name = path.Join(s.dir, name)
	info, err := host.Stat(s.tree, name)
	if err != nil {
		return c.absent(err)
	}
	if info.IsDir() {
		if p := c.get("PATH_INFO"); !strings.HasSuffix(p, "/") {
			return c.redirect(c.get("SCRIPT_NAME") + p + "/")
		}
		name = path.Join(name, s.index)
	} else if strings.HasSuffix(c.get("PATH_INFO"), "/") {
		return c.text(http.StatusNotFound) // a file is no directory
	}
	f, info, err := openSeeker(s.tree, name)
	if err != nil {
		return c.absent(err)
	}
	return s.serve(&c, f, f.(io.ReadSeeker), info, name, http.Header{
		"Content-Type":           {MediaType(name)},
		"Cache-Control":          {cacheControl(s.maxAge)},
		"X-Content-Type-Options": {"nosniff"},
	})
}

// FileName returns the name in a tree for a decoded path, and whether such a file may be served.
func FileName(p string) (string, bool) {
	if p == "" || p == "/" {
		return ".", true
	}
	rooted, ok := strings.CutPrefix(p, "/")
	name := strings.TrimSuffix(rooted, "/")
	// fs.ValidPath refuses empty elements, "." and "..": nothing is cleaned, so that a file has
	// one path.
	if !ok || !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") {
		return "", false
	}
	for element := range strings.SplitSeq(name, "/") {
		// RFC 8615: .well-known is meant to be seen; other dot files are not.
		if element[0] == '.' && element != ".well-known" {
			return "", false
		}
	}
	return name, true
}

// serve answers with a file, which it closes or hands to the body, with its content, and with a
// header.
func (s *site) serve(
	c *call, f fs.File, content io.ReadSeeker, info fs.FileInfo, name string, header http.Header,
) (starlark.Value, error) {
	a := &answer{header: header}
	if header.Get("Etag") == "" {
		tag, err := s.tag(c, content, info, name)
		if err != nil {
			f.Close()
			return nil, err
		}
		if tag != "" {
			a.header.Set("Etag", tag)
		}
	}
	body, err := a.decide(c.request(), f, content, info)
	if err != nil || body == nil {
		f.Close()
	}
	if err != nil {
		return nil, err
	}
	if body == nil {
		return c.respond(a.status, a.fields(), starlark.Bytes(a.text.Bytes()))
	}
	body.Own(c.thread)
	if err := c.begin(a.status, a.fields()); err != nil {
		body.Close()
		return nil, err
	}
	return environ.NewFileWrapper(c.thread, body), nil
}

func cacheControl(maxAge int) string {
	if maxAge == 0 {
		return "no-cache" // kept, and asked about each time: the ETag makes that cheap
	}
	return "public, max-age=" + strconv.Itoa(maxAge)
}

// tag returns the file's ETag, "" if it has none.
func (s *site) tag(
	c *call, content io.ReadSeeker, info fs.FileInfo, name string,
) (string, error) {
	if info.Size() > maxHashed {
		return stamp(info), nil
	}
	call := host.CallOf(c.thread)
	if key, changed, ok := identity(info); ok {
		return s.kept.of(call.Context(), call.Wait, key, info, changed, content)
	}
	return s.tags.of(call.Context(), call.Wait, name, info, time.Time{}, content)
}
