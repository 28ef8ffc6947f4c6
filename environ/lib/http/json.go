package http

import (
	"errors"
	"net/http"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

func isJSON(media string) bool {
	return media == "application/json" ||
		strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
}

func jsonMember(d *disk) host.Member {
	return host.Member{
		Name: "json",
		Doc: "Returns the value of a JSON body, anew each time: it is the caller's to change. " +
			"The request must say that it is JSON, because a page of another site can post any " +
			"text, but not as JSON.",
		Params: []host.Param{environParam()},
		Result: "what decode of @json makes of the body",
		Errors: failures(host.Failure{
			Code: string(environ.CodeMedia),
			When: "the Content-Type is not that of JSON; uncaught, the client gets 415",
		}),
		Example: `environ = {"CONTENT_TYPE": "application/json", "wsgi.input": input('{"a": [1]}')}
json(environ)  # {"a": [1]}
json({"CONTENT_TYPE": "text/plain"})  # error: LARK0404: the Content-Type is "text/plain"`,
		Fn: func(a host.Args) (starlark.Value, error) { return decodeJSON(a, d) },
	}
}

func decodeJSON(a host.Args, d *disk) (starlark.Value, error) {
	env, err := unpackEnviron(a)
	if err != nil {
		return nil, err
	}
	header, err := text(env, "CONTENT_TYPE")
	if err != nil {
		return nil, err
	}
	if media, _, _ := strings.Cut(header, ";"); !isJSON(strings.ToLower(strings.TrimSpace(media))) {
		e := environ.Errorf(
			environ.CodeMedia, "", "the Content-Type is %q, not application/json", header,
		)
		e.Status, e.Told = http.StatusUnsupportedMediaType, true
		return nil, e
	}
	b, err := read(a.Thread, env, d, maxUpload, "json")
	if err != nil {
		return nil, err
	}
	return parseJSON(b.json)
}

// jsonLimits bound a JSON body beside its bytes.
var jsonLimits = json.Limits{
	Bytes: maxJSON, Depth: 100, Digits: 4300, Keys: maxKeys, AllKeys: 100_000, Values: 1_000_000,
}

func parseJSON(s string) (starlark.Value, error) {
	v, err := jsonLimits.Decode(s)
	var beyond *json.LimitError
	switch {
	case errors.As(err, &beyond):
		return nil, tooMany("the JSON body is too large: %v", err)
	case err != nil:
		return nil, malformed("the JSON body is malformed: %v", err)
	}
	return v, nil
}
