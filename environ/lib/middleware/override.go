package middleware

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// maxPeeked is how many bytes of a form are looked at for the method.
const maxPeeked = 64 << 10

func overrideMember() host.Member {
	return host.Member{
		Name: "method_override",
		Doc: "Takes a POST for a PUT, PATCH or DELETE, which HTML forms cannot send: as the field of " +
			"the form says, if it is in the first 64 KiB, or X-HTTP-Method-Override. Other methods " +
			"are ignored. It belongs around a router, not into a group of it, and inside of " +
			"same_origin. The application reads the whole body all the same.",
		Params: []host.Param{
			appParam(),
			{
				Name: "field", Type: "string", Pass: host.ByName,
				Default: starlark.String("_method"), Doc: "the name of the field",
			},
		},
		Result: "a function from application to application, or the application around app",
		Example: `def app(environ, start_response):
    start_response("200 OK", [])
    return [environ["REQUEST_METHOD"]]

environ = {"REQUEST_METHOD": "POST", "HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"}
method_override(app)(environ, lambda status, headers: None)  # ["DELETE"]`,
		Fn: func(a host.Args) (starlark.Value, error) {
			var app starlark.Value
			var field string
			if err := a.Unpack(&app, &field); err != nil {
				return nil, err
			}
			return made("method_override", app, func(q *request) (starlark.Value, error) {
				if q.get(keyMethod) != http.MethodPost {
					return q.next(q.start)
				}
				method := q.get(keyOverride)
				if method == "" {
					var err error
					if method, err = q.peek(field); err != nil {
						return nil, err
					}
				}
				method = strings.ToUpper(method)
				if slices.Contains([]string{"PUT", "PATCH", "DELETE"}, method) {
					if err := q.env.SetKey(keyMethod, starlark.String(method)); err != nil {
						return nil, err
					}
				}
				return q.next(q.start)
			})
		},
	}
}

// peek looks for a field at the beginning of a form, which it puts back.
func (q *request) peek(field string) (string, error) {
	media, params, err := mime.ParseMediaType(q.get(keyType))
	if err != nil || media != "application/x-www-form-urlencoded" && media != "multipart/form-data" {
		return "", nil
	}
	in, ok, err := q.env.Get(keyInput)
	if err != nil || !ok {
		return "", err
	}
	r := environ.Reader(q.thread, in)
	seen, err := io.ReadAll(io.LimitReader(r, maxPeeked))
	if err != nil {
		return "", err
	}
	again := environ.NewInput(io.MultiReader(bytes.NewReader(seen), r))
	again.Fail = host.CallOf(q.thread).Fail
	if err := q.env.SetKey(keyInput, again); err != nil {
		return "", err
	}
	if media == "multipart/form-data" {
		return partOf(seen, params["boundary"], field), nil
	}
	return fieldOf(string(seen), field, len(seen) == maxPeeked), nil
}

// fieldOf returns a field of an urlencoded form, "" if there is none. The last field of a form that
// was cut is not whole.
func fieldOf(form, field string, cut bool) string {
	for pair := range strings.SplitSeq(form, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if cut && strings.HasSuffix(form, pair) {
			continue
		}
		if name, err := url.QueryUnescape(name); err != nil || name != field {
			continue
		}
		if value, err := url.QueryUnescape(value); err == nil {
			return value
		}
	}
	return ""
}

// partOf returns a field of a multipart form, "" if there is none that is whole in what was seen.
func partOf(seen []byte, boundary, field string) string {
	if boundary == "" {
		return ""
	}
	m := multipart.NewReader(bytes.NewReader(seen), boundary)
	for {
		part, err := m.NextRawPart()
		if err != nil {
			return ""
		}
		if part.FormName() != field || part.FileName() != "" {
			continue
		}
		value, err := io.ReadAll(io.LimitReader(part, 64))
		if err != nil {
			return ""
		}
		return string(value)
	}
}
