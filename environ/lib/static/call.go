package static

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
)

// A call is one call of a site.
type call struct {
	thread *starlark.Thread
	start  starlark.Callable
	env    starlark.Mapping
	status int  // in the place of 200; 0 for 200
	whole  bool // nothing that the request says decides what is sent
}

func (c *call) get(key string) string { return environ.Text(c.env, starlark.String(key)) }

// deciding are the fields that decide about ranges and conditions: RFC 9110, sections 13.1 and
// 14.2.
var deciding = [...]struct{ key, name string }{
	{"HTTP_RANGE", "Range"},
	{"HTTP_IF_RANGE", "If-Range"},
	{"HTTP_IF_MATCH", "If-Match"},
	{"HTTP_IF_NONE_MATCH", "If-None-Match"},
	{"HTTP_IF_MODIFIED_SINCE", "If-Modified-Since"},
	{"HTTP_IF_UNMODIFIED_SINCE", "If-Unmodified-Since"},
}

// request is as much of the request as http.ServeContent looks at. It is read from the environ, not
// taken from the message that the server has read: a mount moves the path, and middleware may have
// taken a condition away.
func (c *call) request() *http.Request {
	r := &http.Request{
		Method: c.get("REQUEST_METHOD"),
		URL:    &url.URL{Path: c.get("PATH_INFO")},
		Header: http.Header{},
	}
	if c.whole {
		return r
	}
	for _, f := range deciding {
		if v := c.get(f.key); v != "" {
			r.Header.Set(f.name, v)
		}
	}
	return r
}

// begin calls start_response.
func (c *call) begin(status int, fields []environ.Field) error {
	if status == http.StatusOK && c.status != 0 {
		status = c.status
	}
	return environ.Start(c.thread, c.start, status, fields)
}

// respond begins, and returns a body of one block.
func (c *call) respond(
	status int, fields []environ.Field, block starlark.Bytes,
) (starlark.Value, error) {
	if err := c.begin(status, fields); err != nil {
		return nil, err
	}
	if block == "" {
		return starlark.NewList(nil), nil
	}
	return starlark.NewList([]starlark.Value{block}), nil
}

// text answers with the status as text.
func (c *call) text(status int, more ...environ.Field) (starlark.Value, error) {
	text := strconv.Itoa(status) + " " + http.StatusText(status) + "\n"
	fields := append(more, environ.Field{Name: "Content-Type", Value: "text/plain; charset=utf-8"})
	return c.respond(status, fields, starlark.Bytes(text))
}

// absent answers for a file that is not there, or cannot be opened.
func (c *call) absent(err error) (starlark.Value, error) {
	if exhausted(err) {
		return nil, unavailable(err)
	}
	return c.text(http.StatusNotFound)
}

func (c *call) redirect(to string) (starlark.Value, error) {
	// A path that begins with two slashes would be another host.
	location := &url.URL{Path: "/" + strings.TrimLeft(to, "/"), RawQuery: c.get("QUERY_STRING")}
	return c.text(
		http.StatusMovedPermanently, environ.Field{Name: "Location", Value: location.String()},
	)
}
