package fetch

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"github.com/larkspur-web/larkspur/runtime/host/text"
	"go.starlark.net/starlark"
)

const (
	// maxBody is how many bytes of a body are read at once if nothing else is said.
	maxBody = 10 << 20
	// small is how many bytes a body has at most that is read with the head, if its length is known.
	small = 64 << 10
)

// A response is what responseType describes. It belongs to one request of a client, unless its body
// has been read: then it is immutable.
type response struct {
	host.Object
	asked  *request
	status int
	reason string
	header http.Header
	url    string
	flight *flight // that brings the body; nil once it is here, or given up
	body   string
	err    error // of every further reading, nil if body has all
	stop   func()
}

var _ starlark.HasAttrs = (*response)(nil)

// newResponse returns the response without its body.
func newResponse(res *http.Response, asked *request) *response {
	_, reason, _ := strings.Cut(res.Status, " ")
	if reason == "" {
		reason = http.StatusText(res.StatusCode) // HTTP/2 has none
	}
	return &response{Object: "fetch.response", asked: asked, status: res.StatusCode, reason: reason,
		header: res.Header, url: res.Request.URL.String()}
}

// fetch sends r on the call of t.
func (l *library) fetch(t *starlark.Thread, r *request) (starlark.Value, error) {
	if l.client == nil {
		return l.grant.trial.fetch(t, r)
	}
	f := newFlight(l.client, r)
	got, err := f.fetch(t, r)
	f.observe(t)
	if err != nil {
		f.close()
		return nil, err
	}
	return got, nil
}

// fetch returns the response, and with it the body if that is small.
func (f *flight) fetch(t *starlark.Thread, r *request) (*response, error) {
	var got *response
	if r.stream != nil {
		res, err := f.upload(t, r)
		if err != nil {
			return nil, err
		}
		if err := f.wait(t, func() error { got = f.received(res); return nil }); err != nil {
			return nil, err
		}
	} else if err := f.wait(t, func() error {
		res, done, err := follow(f.ctx, r, f.send, f.release)
		if f.done = done; err == nil {
			got = f.received(res)
		}
		return err
	}); err != nil {
		return nil, err
	}
	if got.flight != nil {
		got.stop = host.CallOf(t).OnEnd(f.close)
	}
	return got, nil
}

// received returns the response of which the head has come. It blocks, for a small body.
func (f *flight) received(res *http.Response) *response {
	got := newResponse(res, f.asked)
	f.body = res.Body
	if n := lengthOf(res); n >= 0 && n <= small {
		if got.body, got.err = f.rest(small, n); got.err != nil {
			got.err = f.reason(got.err)
		}
		w := &f.done[len(f.done)-1]
		w.Count, w.Unit, w.Err = int64(len(got.body)), "bytes", got.err
		f.close()
		return got
	}
	got.flight = f
	return got
}

// lengthOf is how many bytes the body has, -1 if that is not known. The length that a response to HEAD
// says is that of a body which does not come.
func lengthOf(res *http.Response) int64 {
	if res.Body == http.NoBody {
		return 0
	}
	return res.ContentLength
}

// over lets go of the body, of which further readings fail with err if that is not nil.
func (r *response) over(err error) {
	if r.flight != nil {
		r.flight.close()
		r.stop()
	}
	r.flight, r.err = nil, err
}

// read returns the body.
func (r *response) read(t *starlark.Thread, most int) (string, error) {
	switch {
	case most < 0 || most > host.MaxSize:
		return "", fmt.Errorf("limit is %d: from 0 to %d", most, host.MaxSize)
	case r.err != nil:
		return "", r.err
	case r.flight == nil:
		if len(r.body) > most {
			return "", failed(oversized, "the body has %d bytes, more than %d", len(r.body), most).of(r.asked.shown())
		}
		return r.body, nil
	}
	f := r.flight
	err := f.wait(t, func() (err error) {
		r.body, err = f.rest(most, -1)
		return err
	})
	r.over(err)
	return r.body, err
}

// Freeze gives up the body of a response that was fetched while a module was loaded, unless it has
// been read: it could not be read for several requests at once.
func (r *response) Freeze() {
	if r.flight != nil {
		r.over(errors.New("this response was fetched while a module was loaded, and its body not read; " +
			"read it there, or fetch it in each request"))
	}
}

func (r *response) String() string { return fmt.Sprintf("<fetch.response %d>", r.status) }

func (r *response) AttrNames() []string { return responseType.AttrNames() }

// Attr returns what the head says, or a method.
func (r *response) Attr(name string) (starlark.Value, error) {
	switch name {
	case "status":
		return starlark.MakeInt(r.status), nil
	case "ok":
		return starlark.Bool(r.status < http.StatusBadRequest), nil
	case "reason":
		return starlark.String(r.reason), nil
	case "headers":
		return newHeaders(r.header), nil
	case "url":
		return starlark.String(r.url), nil
	}
	return responseType.Method(r, name), nil
}

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
	_, params, err := mime.ParseMediaType(r.header.Get("Content-Type"))
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
