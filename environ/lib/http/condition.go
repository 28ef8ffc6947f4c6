package http

import (
	"net/http"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

func notModifiedMember() host.Member {
	return host.Member{
		Name: "not_modified",
		Doc: "Reports whether the client has what it asks for, so that empty(304) answers it. Of " +
			"If-None-Match and If-Modified-Since the first counts. Send the same etag and " +
			"Last-Modified with the response, 304 or not.",
		Params: []host.Param{
			environParam(),
			{
				Name: "etag", Type: "string or None", Default: starlark.None,
				Doc: `the ETag of what there is, as "v7" or, as the field has it, "\"v7\""`,
			},
			{
				Name: "modified", Type: "time.time, int, float or None", Default: starlark.None,
				Doc: "when it was changed last: a time of @time, or seconds since 1970",
			},
		},
		Result: "a bool; False for methods other than GET and HEAD",
		Errors: []host.Failure{
			{Code: string(environ.CodeWebUse), When: "etag or modified is none"},
		},
		Example: `environ = {"REQUEST_METHOD": "GET", "HTTP_IF_NONE_MATCH": 'W/"v6", W/"v7"'}
not_modified(environ, etag = "v7")  # True
not_modified(environ, etag = "v8")  # False`,
		Fn: notModified,
	}
}

// notModified is RFC 9110, section 13.2.2, steps 3 and 4.
func notModified(a host.Args) (starlark.Value, error) {
	var env starlark.HasSetKey
	var etag, modified starlark.Value
	if err := a.Unpack(&env, &etag, &modified); err != nil {
		return nil, err
	}
	opaque, err := opaqueOf(etag)
	if err != nil {
		return nil, err
	}
	changed, err := timeOf(modified)
	if err != nil {
		return nil, err
	}
	var vars [3]string
	for i, key := range []string{
		"REQUEST_METHOD", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE",
	} {
		if vars[i], err = text(env, key); err != nil {
			return nil, err
		}
	}
	if vars[0] != http.MethodGet && vars[0] != http.MethodHead {
		return starlark.False, nil
	}
	if vars[1] != "" {
		return starlark.Bool(matches(vars[1], opaque)), nil
	}
	since, err := http.ParseTime(vars[2])
	if err != nil || changed.IsZero() {
		return starlark.False, nil // RFC 9110, section 13.1.3: what is no date is ignored
	}
	return starlark.Bool(!changed.Truncate(time.Second).After(since)), nil
}

// opaqueOf returns an ETag as it is compared, in quotes; "" for None. RFC 9110, section 8.8.3.
func opaqueOf(v starlark.Value) (string, error) {
	if v == starlark.None {
		return "", nil
	}
	s, ok := starlark.AsString(v)
	tag := strings.TrimPrefix(s, "W/")
	if !strings.HasPrefix(tag, `"`) {
		tag = `"` + s + `"`
	}
	if end := tagEnd(tag); !ok || end != len(tag) {
		return "", environ.Errorf(environ.CodeWebUse, `write "v7"`,
			"not_modified: etag %s is none", host.Show(v))
	}
	return tag, nil
}

// tagEnd returns how long the opaque tag is that s begins with, 0 if it begins with none.
func tagEnd(s string) int {
	if s == "" || s[0] != '"' {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return i + 1
		case c <= ' ' || c == 0x7f:
			return 0
		}
	}
	return 0
}

// matches compares an If-None-Match field with the ETag of what there is, weakly: RFC 9110,
// sections 8.8.3.2 and 13.1.2. A list ends where it is malformed.
func matches(field, opaque string) bool {
	if strings.Trim(field, blanks) == "*" {
		return true
	}
	for {
		field = strings.TrimPrefix(strings.TrimLeft(field, " \t,"), "W/")
		n := tagEnd(field)
		if n == 0 {
			return false
		}
		if field[:n] == opaque {
			return true
		}
		field = field[n:]
	}
}

// timeOf returns the time that a value is, the zero time for None.
func timeOf(v starlark.Value) (time.Time, error) {
	if v == starlark.None {
		return time.Time{}, nil
	}
	if t, ok := v.(startime.Time); ok {
		return time.Time(t), nil
	}
	if s, ok := starlark.AsFloat(v); ok && s >= 0 && s < 1<<40 {
		return time.Unix(int64(s), 0), nil
	}
	return time.Time{}, environ.Errorf(environ.CodeWebUse,
		"pass a time of @time, or seconds since 1970", "not_modified: modified is %s, not a time", host.Show(v))
}
