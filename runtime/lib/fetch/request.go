package fetch

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

// A request is what is to be sent, as requestType describes it. It is immutable, but for what a
// stream is made of.
type request struct {
	host.Object
	method  string
	url     string // as it was given
	headers http.Header
	text    string         // what is sent
	stream  starlark.Value // or what makes it, nil if nothing does
	timeout time.Duration  // 0 for that of the grant
	follow  bool
}

var _ starlark.HasAttrs = (*request)(nil)

// given are the arguments of a request, before they are looked at.
type given struct {
	url, method               string
	headers, body, json, form starlark.Value
	timeout                   starlark.Value
	follow                    bool
}

// requestOf makes a request of the arguments of a function.
func requestOf(a host.Args) (*request, error) {
	var g given
	err := a.Unpack(&g.url, &g.method, &g.headers, &g.body, &g.json, &g.form, &g.timeout, &g.follow)
	if err != nil {
		return nil, err
	}
	return g.request()
}

// requestIn makes a request of what stands for one in a list: a URL, a request, or the arguments as a
// dict or a struct.
func requestIn(v starlark.Value) (*request, error) {
	none := starlark.Value(starlark.None)
	g := given{headers: none, body: none, json: none, form: none, timeout: none, follow: true}
	switch v := v.(type) {
	case *request:
		return v, nil
	case starlark.String:
		g.url = string(v)
		return g.request()
	}
	items, ok := itemsOf(v)
	if !ok {
		return nil, fmt.Errorf("got %s, want a URL, a request or a dict", v.Type())
	}
	if err := starlark.UnpackArgs("request", nil, items, "url", &g.url, "method?", &g.method,
		"headers?", &g.headers, "body?", &g.body, "json?", &g.json, "form?", &g.form,
		"timeout?", &g.timeout, "follow?", &g.follow); err != nil {
		return nil, err
	}
	return g.request()
}

// itemsOf returns the items of a dict with strings as keys, or the fields of a struct.
func itemsOf(v starlark.Value) ([]starlark.Tuple, bool) {
	switch v := v.(type) {
	case starlark.IterableMapping:
		items := v.Items()
		for _, item := range items {
			if _, ok := item[0].(starlark.String); !ok {
				return nil, false
			}
		}
		return items, true
	case starlark.HasAttrs:
		if v.Type() != "struct" {
			return nil, false
		}
		var items []starlark.Tuple
		for _, name := range v.AttrNames() {
			x, err := v.Attr(name)
			if err != nil || x == nil {
				return nil, false
			}
			items = append(items, starlark.Tuple{starlark.String(name), x})
		}
		return items, true
	}
	return nil, false
}

func (g *given) request() (*request, error) {
	r := &request{Object: "fetch.request", url: g.url, follow: g.follow}
	var err error
	if r.headers, err = fieldsOf(g.headers); err != nil {
		return nil, err
	}
	if err := r.fill(g); err != nil {
		return nil, err
	}
	if r.method, err = methodOf(g.method, r.text != "" || r.stream != nil); err != nil {
		return nil, err
	}
	r.timeout, err = timeOf(g.timeout)
	return r, err
}

// fill says what is sent.
func (r *request) fill(g *given) error {
	several, none := 0, starlark.Value(starlark.None)
	for _, v := range []starlark.Value{g.body, g.json, g.form} {
		if v != none {
			several++
		}
	}
	if several > 1 {
		return fmt.Errorf("pass one of body, json and form, not %d", several)
	}
	media := ""
	var err error
	switch {
	case g.json != none:
		media = "application/json"
		if r.text, err = json.Encode(g.json); err != nil {
			return fmt.Errorf("for parameter json: %w", err)
		}
	case g.form != none:
		media = "application/x-www-form-urlencoded"
		if r.text, err = formOf(g.form); err != nil {
			return fmt.Errorf("for parameter form: %w", err)
		}
	case g.body != none:
		text, ok := host.Octets(g.body)
		if r.text = text; !ok {
			r.stream = g.body
			return streamable(g.body)
		}
	}
	if media != "" && r.headers.Get("Content-Type") == "" {
		if r.headers == nil {
			r.headers = make(http.Header)
		}
		r.headers.Set("Content-Type", media)
	}
	return nil
}

// methodOf returns the method, RFC 9110, section 9.
func methodOf(method string, sends bool) (string, error) {
	switch {
	case method == "" && sends:
		return http.MethodPost, nil
	case method == "":
		return http.MethodGet, nil
	}
	method = strings.ToUpper(method)
	if !token(method) || len(method) > 32 {
		return "", fmt.Errorf("method: %s is none", host.Show(starlark.String(method)))
	}
	// A tunnel would lead to where nobody looks, and TRACE gives back what is secret.
	if method == http.MethodConnect || method == http.MethodTrace {
		return "", fmt.Errorf("method: %s is not sent", method)
	}
	return method, nil
}

// maxTime is as long as a time-out may be.
const maxTime = 24 * time.Hour

// timeOf is a time-out, 0 for None.
func timeOf(v starlark.Value) (time.Duration, error) {
	var d time.Duration
	switch v := v.(type) {
	case starlark.NoneType:
		return 0, nil
	case startime.Duration:
		d = time.Duration(v)
	case starlark.Int, starlark.Float:
		f, _ := starlark.AsFloat(v) // which it is
		if !(f > 0 && f <= maxTime.Seconds()) {
			return 0, fmt.Errorf("timeout is %s: want seconds, more than 0 and up to a day", v)
		}
		d = max(time.Duration(f*float64(time.Second)), 1)
	default:
		return 0, fmt.Errorf("for parameter timeout: got %s, want seconds or a duration", v.Type())
	}
	if d <= 0 || d > maxTime {
		return 0, fmt.Errorf("timeout is %v: want a time, more than 0 and up to a day", d)
	}
	return d, nil
}

func (r *request) String() string {
	return "<fetch.request " + cmp.Or(r.shown(), r.method) + ">"
}

// shown is the request in messages, "" if it has no URL: there may be a password in what is none.
func (r *request) shown() string {
	u, _, err := parseURL(r.url)
	if err != nil {
		return ""
	}
	return shown(r.method, u)
}

// Freeze freezes what makes the body.
func (r *request) Freeze() {
	if r.stream != nil {
		r.stream.Freeze()
	}
}

func (r *request) AttrNames() []string { return requestType.AttrNames() }

// Attr returns what is sent.
func (r *request) Attr(name string) (starlark.Value, error) {
	switch name {
	case "method":
		return starlark.String(r.method), nil
	case "url":
		return starlark.String(r.url), nil
	case "headers":
		return newHeaders(r.headers), nil
	case "body":
		return starlark.Bytes(r.text), nil
	}
	return requestType.Method(r, name), nil
}

var requestType = &host.Type{
	Name: "fetch.request",
	Doc:  "A request that was or is to be sent.",
	Members: []host.Member{
		{Name: "method", Doc: "In capital letters."},
		{Name: "url", Doc: "As it was given."},
		{Name: "headers", Doc: "The fields that were given, and the Content-Type: a fetch.headers."},
		{
			Name: "body",
			Doc: "The bytes that are sent. Of a body that is made as it is sent they are there in " +
				"tests only, where all of it is kept.",
		},
		{
			Name: "text", Doc: "Returns the body as text.", Result: "a string",
			Example: `request("https://example.com/", body = "é").text()  # "é"`,
			Fn:      func(r *request) string { return strings.ToValidUTF8(r.text, "\uFFFD") },
		},
		{
			Name: "json", Doc: "Returns the value that the body is the JSON of.", Result: "any",
			Errors:  []host.Failure{{When: "it is no JSON"}},
			Example: `request("https://example.com/", json = [1]).json()  # [1]`,
			Fn:      func(r *request) (starlark.Value, error) { return json.Decode(r.text) },
		},
	},
}
