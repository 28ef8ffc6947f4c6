package fetch

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"github.com/larkspur-web/larkspur/runtime/host/text"
	"go.starlark.net/starlark"
)

// limit is the parameter of what reads a body.
func limit() host.Param {
	return host.Param{
		Name: "limit", Type: "int", Default: starlark.MakeInt(maxBody), Pass: host.ByName,
		Doc: "how many bytes the body may have, compressed or not; more are an error",
	}
}

// reading are the errors of what reads a body.
var reading = []host.Failure{
	{When: `the body has more bytes than limit (kind "size"): blocks() reads any number`},
	{When: `it takes too long (kind "timeout"), or breaks off (kind "protocol")`},
	{When: "it has been read by blocks(), or was closed"},
}

var responseType = &host.Type{
	Name: "fetch.response",
	Doc: "What a server answered. The body comes when it is asked for; what is not read is let go of " +
		"at the end of the request.",
	Members: []host.Member{
		{Name: "status", Doc: "The status, an int."},
		{Name: "ok", Doc: "Whether the status is below 400."},
		{Name: "reason", Doc: "What the server says of the status, or what it is usually called."},
		{Name: "headers", Doc: "The fields of the head: a fetch.headers."},
		{Name: "url", Doc: "The URL that answered, behind all redirects."},
		{
			Name: "bytes", Doc: "Returns the body, decompressed.", Params: []host.Param{limit()},
			Result: "bytes", Errors: reading,
			Example: `def size(url):
    return len(fetch(url).bytes(limit = 1 << 20))
size("https://example.com/")  # error: is not granted`,
			Fn: func(a host.Args) (starlark.Value, error) {
				var most int
				if err := a.Unpack(&most); err != nil {
					return nil, err
				}
				body, err := a.Of.(*response).read(a.Thread, most)
				return starlark.Bytes(body), err
			},
		},
		{
			Name: "text",
			Doc:  "Returns the body as text. Bytes that are none become U+FFFD.",
			Params: []host.Param{
				{
					Name: "encoding", Type: "string", Default: starlark.String(""),
					Doc: "utf-8, latin-1 or ascii; empty is what the Content-Type says, or utf-8",
				},
				limit(),
			},
			Result: "a string", Errors: append(reading, host.Failure{
				When: "it is in another encoding, which bytes() does not mind",
			}),
			Example: `def title(url):
    return fetch(url).text().split("<title>")[1].split("<")[0]
title("https://example.com/")  # error: is not granted`,
			Fn: func(a host.Args) (starlark.Value, error) {
				var encoding string
				var most int
				if err := a.Unpack(&encoding, &most); err != nil {
					return nil, err
				}
				r := a.Of.(*response)
				body, err := r.read(a.Thread, most)
				if err != nil {
					return nil, err
				}
				if encoding = cmp.Or(encoding, r.charset()); encoding == "utf-8" && utf8.ValidString(body) {
					return starlark.String(body), nil
				}
				body, err = text.Decode(body, encoding, "replace")
				return starlark.String(body), err
			},
		},
		{
			Name: "json", Doc: "Returns the value that the body is the JSON of.",
			Params: []host.Param{limit()}, Result: "any",
			Errors: append(reading, host.Failure{When: "it is no JSON"}),
			Example: `def count(url):
    return len(fetch(url).json()["items"])
count("https://example.com/")  # error: is not granted`,
			Fn: func(a host.Args) (starlark.Value, error) {
				var most int
				if err := a.Unpack(&most); err != nil {
					return nil, err
				}
				r := a.Of.(*response)
				body, err := r.read(a.Thread, most)
				if err != nil {
					return nil, err
				}
				// RFC 8259, section 8.1: parsers "MAY ignore the presence of a byte order mark".
				v, err := json.Decode(strings.TrimPrefix(body, "\ufeff"))
				if err != nil {
					return nil, fmt.Errorf("%s: the body is no JSON: %w", r.asked.shown(), err)
				}
				return v, nil
			},
		},
		{
			Name: "blocks",
			Doc: "Returns the body block by block, as it comes and without a bound: for what is large, " +
				"or never ends. It is read once, and let go of when the loop is left. A failure " +
				"ends the call.",
			Result: "an iterable of bytes, each of up to 64 KiB",
			Errors: reading[1:],
			Example: `def size(url):
    n = 0
    for block in fetch(url).blocks():
        n += len(block)
    return n
size("https://example.com/")  # error: is not granted`,
			Fn: func(r *response, t *starlark.Thread) starlark.Value { return r.blocks(t) },
		},
		{
			Name: "close", Doc: "Lets go of a body that is not read: another request can have its connection.",
			Result: "None",
			Example: `def exists(url):
    r = fetch(url)
    r.close()
    return r.ok
exists("https://example.com/")  # error: is not granted`,
			Fn: func(r *response) {
				if r.flight != nil {
					r.over(errors.New("the response was closed"))
				}
			},
		},
	},
}

// charset is the encoding that the Content-Type names.
func (r *response) charset() string {
	media := strings.ToLower(r.header.Get("Content-Type"))
	if !strings.Contains(media, "charset") || strings.HasSuffix(media, "; charset=utf-8") {
		return "utf-8" // as nearly all; if more is said of it, that is wrong
	}
	_, params, err := mime.ParseMediaType(media)
	switch name := strings.ToLower(params["charset"]); {
	case err != nil, name == "":
		return "utf-8"
	case name == "windows-1252", name == "cp1252":
		return "latin-1" // whose letters it has
	default:
		return name
	}
}

// blocks returns the body as it comes.
func (r *response) blocks(t *starlark.Thread) starlark.Value {
	b := &host.Iterable{Object: "fetch.blocks", Thread: t}
	b.Start = func() host.Steps {
		rest := r.body
		if r.flight == nil {
			return host.Steps{Next: func() (starlark.Value, bool, error) {
				if r.err != nil || rest == "" {
					return nil, false, r.err
				}
				n := min(len(rest), block)
				v := starlark.Bytes(rest[:n])
				rest = rest[n:]
				return v, true, nil
			}}
		}
		f := r.flight
		r.err = errors.New("the body is read by blocks()")
		buffer := make([]byte, block)
		next := func() (starlark.Value, bool, error) {
			n := 0
			f.left = f.length
			err := f.wait(t, func() (err error) {
				for range 100 {
					n, err = f.body.Read(buffer)
					switch {
					case n > 0, err == io.EOF: // an error comes again
						return nil
					case err != nil:
						return err
					}
				}
				return io.ErrNoProgress
			})
			if err != nil || n == 0 {
				return nil, false, err
			}
			return starlark.Bytes(buffer[:n]), true, nil
		}
		return host.Steps{Next: next, Done: func() { r.over(r.err) }}
	}
	return b.Sized(-1)
}
