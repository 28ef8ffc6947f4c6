package state

import (
	"errors"

	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

// maxValue is how many bytes the JSON of a value has at most. A server of NATS takes messages of a
// mebibyte as it comes, with their fields.
const maxValue = 1_000_000

// values are the bounds of what is kept.
var values = json.Limits{Bytes: maxValue, Depth: 100}

// encode returns a value as it is kept.
func encode(v starlark.Value) ([]byte, error) {
	text, err := values.Encode(v)
	var limit *json.LimitError
	switch {
	case errors.As(err, &limit):
		return nil, failed(KindSize, "the value is too large: %v", limit)
	case err != nil:
		return nil, failed(KindValue, "the value is none that can be kept: %v", err)
	}
	return []byte(text), nil
}

// decode returns the value that was kept.
func decode(data []byte) (starlark.Value, error) {
	v, err := json.Limits{Bytes: 16 << 20, Depth: 1000}.Decode(string(data))
	if err != nil {
		return nil, failed(KindValue, "what is kept was not written by a script: it is no JSON")
	}
	return v, nil
}
