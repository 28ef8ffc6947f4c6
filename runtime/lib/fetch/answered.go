package fetch

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

// kinds are the kinds of failures that a test can have happen.
var kinds = []string{refused, timedOut, unknown, unreached, unsafe, oversized, misled, broken}

// An answered is an answer of a test, read.
type answered struct {
	status  int
	headers http.Header
	body    string
	failure string // the kind of one, "" if it answers
}

// newAnswered reads an answer: text or bytes, or a dict or a struct.
func newAnswered(v starlark.Value) (*answered, error) {
	a := &answered{status: http.StatusOK, headers: make(http.Header)}
	if text, ok := host.Octets(v); ok {
		a.body = text
		a.headers.Set("Content-Type", "text/plain; charset=utf-8")
		return a, nil
	}
	items, ok := itemsOf(v)
	if !ok {
		return nil, fmt.Errorf("got %s, want text, bytes, a dict or a struct", v.Type())
	}
	none := starlark.Value(starlark.None)
	headers, body, value := none, none, none
	if err := starlark.UnpackArgs("answer", nil, items, "status?", &a.status, "headers?", &headers,
		"body?", &body, "json?", &value, "error?", &a.failure); err != nil {
		return nil, err
	}
	var err error
	if a.headers, err = answerFields(headers); err != nil {
		return nil, err
	}
	switch {
	case a.failure != "" && !slices.Contains(kinds, a.failure):
		return nil, fmt.Errorf("error is %s: one of %s", host.Show(starlark.String(a.failure)),
			strings.Join(kinds, ", "))
	case a.status < 200 || a.status > 599:
		return nil, fmt.Errorf("status is %d: from 200 to 599", a.status)
	case body != none && value != none:
		return nil, fmt.Errorf("pass one of body and json")
	case value != none:
		if a.headers.Get("Content-Type") == "" {
			a.headers.Set("Content-Type", "application/json")
		}
		a.body, err = json.Encode(value)
		return a, err
	case body != none:
		if a.body, ok = host.Octets(body); !ok {
			return nil, fmt.Errorf("body is %s: want text or bytes", body.Type())
		}
	}
	return a, nil
}

// answerFields are the fields of an answer.
func answerFields(v starlark.Value) (http.Header, error) {
	h := make(http.Header)
	if v == starlark.None {
		return h, nil
	}
	err := pairs(v, func(name, value starlark.Value) error {
		key, ok := starlark.AsString(name)
		text, is := starlark.AsString(value)
		if !ok || !is {
			return fmt.Errorf("headers: got %s and %s, want strings", name.Type(), value.Type())
		}
		h.Add(key, text)
		return nil
	})
	return h, err
}
