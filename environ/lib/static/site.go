package static

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A site is the application that static returns. It is safe for concurrent use.
type site struct {
	host.Object
	tree   fs.FS
	name   string
	maxAge int
	index  string
	tags   sync.Map // of tagged, by name
}

// tagged is the ETag of a file as it was when it had this size and time.
type tagged struct {
	size int64
	time time.Time
	tag  string
}

var _ starlark.Callable = (*site)(nil)

func (s *site) Name() string   { return s.Type() }
func (s *site) String() string { return "<static " + starlark.String(s.name).String() + ">" }

// CallInternal is app(environ, start_response).
func (s *site) CallInternal(t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var env starlark.Mapping
	var start starlark.Callable
	if err := starlark.UnpackPositionalArgs("static", args, kwargs, 2, &env, &start); err != nil {
		return nil, err
	}
	c := call{thread: t, start: start, environ: env}
	method := c.get("REQUEST_METHOD")
	if method != http.MethodGet && method != http.MethodHead {
		return c.text(http.StatusMethodNotAllowed, field{"Allow", "GET, HEAD"})
	}
	name, ok := fileName(c.get("PATH_INFO"))
	if !ok {
		return c.text(http.StatusNotFound)
	}
	info, err := fs.Stat(s.tree, name)
	if err != nil {
		return c.text(http.StatusNotFound)
	}
	if info.IsDir() {
		if p := c.get("PATH_INFO"); !strings.HasSuffix(p, "/") {
			return c.redirect(c.get("SCRIPT_NAME") + p + "/")
		}
		name = path.Join(name, s.index)
	} else if strings.HasSuffix(c.get("PATH_INFO"), "/") {
		return c.text(http.StatusNotFound) // a file is no directory
	}
	f, info, err := openRegular(s.tree, name)
	if err != nil {
		return c.text(http.StatusNotFound)
	}
	return s.serve(&c, f, info, name)
}

// fileName returns the name in the tree for a decoded path, and whether such a file may be served.
func fileName(p string) (string, bool) {
	if p == "" || p == "/" {
		return ".", true
	}
	rooted, ok := strings.CutPrefix(p, "/")
	name := strings.TrimSuffix(rooted, "/")
	// fs.ValidPath refuses empty elements, "." and "..": nothing is cleaned, so that a file has one path.
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

// serve answers with a file, which it closes or hands to the body.
func (s *site) serve(c *call, f fs.File, info fs.FileInfo, name string) (starlark.Value, error) {
	content := f.(io.ReadSeeker) // openRegular sees to it
	tag, err := s.tag(content, info, name)
	if err != nil {
		f.Close()
		return nil, err
	}
	a := &answer{header: http.Header{
		"Content-Type":           {contentType(name)},
		"Etag":                   {tag},
		"Cache-Control":          {cacheControl(s.maxAge)},
		"X-Content-Type-Options": {"nosniff"},
	}}
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
	if _, err := c.begin(a.status, a.fields()); err != nil {
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

// tag returns the file's ETag: a hash of its content, remembered while size and time stay the same.
func (s *site) tag(content io.ReadSeeker, info fs.FileInfo, name string) (string, error) {
	if v, ok := s.tags.Load(name); ok {
		if k := v.(tagged); k.size == info.Size() && k.time.Equal(info.ModTime()) {
			return k.tag, nil
		}
	}
	h := sha256.New()
	if _, err := io.Copy(h, content); err != nil {
		return "", err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	tag := `"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:15]) + `"`
	// A file that was written just now may be written again within the resolution of its time.
	if time.Since(info.ModTime()) > time.Second {
		s.tags.Store(name, tagged{info.Size(), info.ModTime(), tag})
	}
	return tag, nil
}

// A call is one call of a site.
type call struct {
	thread  *starlark.Thread
	start   starlark.Callable
	environ starlark.Mapping
}

type field struct{ name, value string }

func (c *call) get(key string) string {
	v, _, _ := c.environ.Get(starlark.String(key))
	s, _ := starlark.AsString(v)
	return s
}

// request is as much of the request as decides about ranges and conditions.
func (c *call) request() *http.Request {
	r := &http.Request{Method: c.get("REQUEST_METHOD"), URL: &url.URL{Path: c.get("PATH_INFO")}, Header: http.Header{}}
	for key, name := range map[string]string{
		"HTTP_RANGE": "Range", "HTTP_IF_RANGE": "If-Range", "HTTP_IF_MATCH": "If-Match", "HTTP_IF_NONE_MATCH": "If-None-Match",
		"HTTP_IF_MODIFIED_SINCE": "If-Modified-Since", "HTTP_IF_UNMODIFIED_SINCE": "If-Unmodified-Since",
	} {
		if v := c.get(key); v != "" {
			r.Header.Set(name, v)
		}
	}
	return r
}

// begin calls start_response.
func (c *call) begin(status int, fields []field) (starlark.Value, error) {
	headers := make([]starlark.Value, len(fields))
	for i, f := range fields {
		headers[i] = starlark.Tuple{starlark.String(f.name), starlark.String(f.value)}
	}
	line := strconv.Itoa(status) + " " + http.StatusText(status)
	return starlark.Call(c.thread, c.start, starlark.Tuple{starlark.String(line), starlark.NewList(headers)}, nil)
}

// respond begins, and returns a body of one block.
func (c *call) respond(status int, fields []field, block starlark.Bytes) (starlark.Value, error) {
	if _, err := c.begin(status, fields); err != nil {
		return nil, err
	}
	if block == "" {
		return starlark.NewList(nil), nil
	}
	return starlark.NewList([]starlark.Value{block}), nil
}

// text answers with the status as text.
func (c *call) text(status int, more ...field) (starlark.Value, error) {
	text := strconv.Itoa(status) + " " + http.StatusText(status) + "\n"
	return c.respond(status, append(more, field{"Content-Type", "text/plain; charset=utf-8"}), starlark.Bytes(text))
}

func (c *call) redirect(to string) (starlark.Value, error) {
	// A path that begins with two slashes would be another host.
	location := (&url.URL{Path: "/" + strings.TrimLeft(to, "/"), RawQuery: c.get("QUERY_STRING")}).String()
	return c.text(http.StatusMovedPermanently, field{"Location", location})
}
