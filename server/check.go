package server

import (
	"strconv"

	"go.starlark.net/starlark"
)

// CheckStatus returns what start_response would say of a status, nil if nothing.
func CheckStatus(status starlark.Value) error {
	_, err := parseStatus(status)
	return err
}

// CheckHeaders returns what start_response would say of headers, nil if nothing.
func CheckHeaders(headers starlark.Value) error {
	fields, err := parseHeaders(nil, headers, "headers")
	if err == nil {
		_, err = contentLength(fields)
	}
	return err
}

// CheckHints returns what environ["wsgi.early_hints"] would say of hints, nil if nothing.
func CheckHints(hints starlark.Value) error {
	_, err := (*earlyHints)(&response{sent: true}).CallInternal(nil, starlark.Tuple{hints}, nil)
	return err
}

// CheckBody returns what the server would say of a body that an application returns, nil if nothing. What can only
// be known by iterating is not.
func CheckBody(body starlark.Value) error {
	switch body := body.(type) {
	case *starlark.List, starlark.Tuple:
		blocks := body.(starlark.Indexable)
		for i := range blocks.Len() {
			if _, ok := blockOf(blocks.Index(i)); !ok {
				return notBlock(blocks.Index(i), "item "+strconv.Itoa(i)+" of the body")
			}
		}
	case starlark.Iterable, starlark.Callable:
	default:
		return notBody(body)
	}
	return nil
}
