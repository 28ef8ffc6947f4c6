package web

import (
	"encoding/json"
	"math/big"
	"net/http"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
)

// The bounds of a JSON body beside its bytes. The hash of a short key is public, so a client can
// make all keys of an object collide; these two keep that below a fraction of a second.
const (
	maxAllKeys = 100_000
	maxDepth   = 100
	maxValues  = 1_000_000
	maxDigits  = 4300
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

// parseJSON is not @json's decoder, though it gives the same values (TestJSONIsThatOfTheModule): that one belongs to
// package runtime, which knows no HTTP, and this package does not know runtime. Here encoding/json reads the text, and
// what is left is to count what a client may send, so that too much of it is a 413 and not a 400.
func parseJSON(s string) (starlark.Value, error) {
	var raw json.RawMessage
	if err := json.Unmarshal([]byte(s), &raw); err != nil {
		return nil, malformed("the JSON body is malformed: %v", err)
	}
	d := decoder{Decoder: json.NewDecoder(strings.NewReader(s))}
	d.UseNumber()
	return d.value(0)
}

// A decoder makes Starlark values of a text that is known to be well formed.
type decoder struct {
	*json.Decoder
	keys, values int
}

func (d *decoder) value(depth int) (starlark.Value, error) {
	t, err := d.Token()
	if err != nil {
		return nil, malformed("the JSON body is malformed: %v", err)
	}
	if d.values++; d.values > maxValues {
		return nil, tooMany("the JSON body has more than %d values", maxValues)
	}
	switch t := t.(type) {
	case bool:
		return starlark.Bool(t), nil
	case string:
		return starlark.String(t), nil
	case json.Number:
		return number(string(t))
	case json.Delim:
		if depth++; depth > maxDepth {
			return nil, tooMany("the JSON body is nested deeper than %d", maxDepth)
		}
		if t == '[' {
			return d.array(depth)
		}
		return d.object(depth)
	}
	return starlark.None, nil
}

func (d *decoder) array(depth int) (starlark.Value, error) {
	var items []starlark.Value
	for d.More() {
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	_, err := d.Token()
	return starlark.NewList(items), err
}

func (d *decoder) object(depth int) (starlark.Value, error) {
	dict := new(starlark.Dict)
	for n := 1; d.More(); n++ {
		if d.keys++; n > maxKeys || d.keys > maxAllKeys {
			return nil, tooMany("the JSON body has more than %d keys in one object, or %d in all", maxKeys, maxAllKeys)
		}
		key, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		if err := dict.SetKey(key, v); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return dict, err
}

func number(s string) (starlark.Value, error) {
	if len(s) > maxDigits {
		return nil, tooMany("a number of the JSON body has more than %d digits", maxDigits)
	}
	if !strings.ContainsAny(s, ".eE") {
		if i, ok := new(big.Int).SetString(s, 10); ok {
			return starlark.MakeBigInt(i), nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, malformed("the JSON body has a number out of range")
	}
	return starlark.Float(f), nil
}
