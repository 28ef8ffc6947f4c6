package http

import (
	"errors"
	"net/http"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

func isJSON(media string) bool {
	return media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
}

func decodeJSON(t *starlark.Thread, name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	env, err := only(name, args, kwargs)
	if err != nil {
		return nil, err
	}
	header, err := text(env, "CONTENT_TYPE")
	if err != nil {
		return nil, err
	}
	// A page of another site can post JSON as text/plain without asking, but not as JSON.
	if media, _, _ := strings.Cut(header, ";"); !isJSON(strings.ToLower(strings.TrimSpace(media))) {
		e := environ.Errorf(environ.CodeMalformed, "", "the Content-Type is %q, not application/json", header)
		e.Status = http.StatusUnsupportedMediaType
		return nil, e
	}
	b, err := read(t, name, args, kwargs)
	if err != nil {
		return nil, err
	}
	return parseJSON(b.json) // anew each time: the value is the caller's to change
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
