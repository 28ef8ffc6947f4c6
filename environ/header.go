package environ

import (
	"net/http"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
	"go.starlark.net/starlark"
)

// field returns the value of an HTTP_* key, whose name is given without that.
func (e *Environ) field(name string) starlark.Value {
	if name == "HOST" {
		// net/http takes Host out of the header and gives it, or :authority, here.
		if e.request.Message.Host == "" {
			return nil
		}
		return e.value(e.request.Message.Host)
	}
	canonical, ok := fieldNames[name]
	if !ok {
		if canonical = fieldName(name); canonical == "" {
			return nil
		}
	}
	e.note(canonical)
	lines := e.request.Message.Header[canonical]
	if len(lines) == 0 {
		return nil
	}
	return e.join(canonical, lines)
}

// join returns the lines of a field as one value.
func (e *Environ) join(name string, lines []string) starlark.Value {
	switch {
	case len(lines) > 1 && name == "Cookie":
		// RFC 9113, section 8.2.3: crumbs of a cookie are joined with "; ", in HTTP/1 as well.
		return starlark.String(strings.Join(lines, "; "))
	case len(lines) > 1:
		// RFC 9110, section 5.3: repeated fields combine with a comma.
		return starlark.String(strings.Join(lines, ", "))
	case name == "Cookie" || name == "Authorization":
		return starlark.String(lines[0]) // a secret is not kept beyond its request
	}
	return e.value(lines[0])
}

// setFields sets the HTTP_* keys.
func (e *Environ) setFields(d *starlark.Dict) {
	if v := e.field("HOST"); v != nil {
		put(d, hostKey, v)
	}
	for name, lines := range e.request.Message.Header {
		if len(lines) == 0 {
			continue
		}
		k, ok := headerKeys[name]
		if !ok {
			k = headerKey(name)
		}
		if k != nil {
			put(d, k, e.join(name, lines))
		}
	}
}

// fieldName returns the canonical name of the field that has the key HTTP_ and name, "" if none
// has: it is what headerKey undoes.
func fieldName(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r == '-' || 'a' <= r && r <= 'z' }) {
		return ""
	}
	canonical := http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
	if k, ok := headerKeys[canonical]; ok && k == nil {
		return ""
	}
	return canonical
}

// headerKey returns the environ key of a header field, or nil if it has none.
func headerKey(name string) starlark.Value {
	var buf [64]byte
	b := append(buf[:0], "HTTP_"...)
	for i := range len(name) {
		switch ch := name[i]; {
		case ch == '_':
			// X_User and X-User would be one key: what a proxy checked under one name could be sent
			// under the other.
			return nil
		case ch == '-':
			b = append(b, '_')
		case 'a' <= ch && ch <= 'z':
			b = append(b, ch-'a'+'A')
		default:
			b = append(b, ch)
		}
	}
	return starlark.String(b)
}

var hostKey starlark.Value = starlark.String("HTTP_HOST")

// headerKeys has the keys of the usual fields, and nil for those that never get one.
var headerKeys = func() map[string]starlark.Value {
	m := map[string]starlark.Value{
		// RFC 3875, section 4.1: they are CONTENT_TYPE and CONTENT_LENGTH, and only those.
		"Content-Type": nil, "Content-Length": nil,
		// CVE-2016-5388 ("httpoxy"): HTTP_PROXY configures the HTTP clients of many a library.
		"Proxy": nil,
		"Host":  nil,
	}
	// PEP 3333, "Other HTTP Features": hop-by-hop fields are the server's.
	for _, name := range wire.HopByHop.Names() {
		m[http.CanonicalHeaderKey(name)] = nil
	}
	for _, name := range []string{
		"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Accept-Push-Policy",
		"Access-Control-Request-Headers", "Access-Control-Request-Method", "Authorization",
		"Cache-Control", "Content-Encoding", "Content-Disposition", "Cookie", "Date", "Dnt",
		"Expect", "Forwarded", "From", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
		"If-Unmodified-Since", "Max-Forwards", "Origin", "Pragma", "Prefer", "Priority", "Purpose",
		"Range", "Referer", "Save-Data", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform",
		"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Sec-Gpc",
		"Sec-Purpose", "Traceparent", "Tracestate", "Upgrade-Insecure-Requests", "User-Agent",
		"Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix",
		"X-Forwarded-Proto", "X-Real-Ip",
		"X-Request-Id", "X-Requested-With",
	} {
		m[name] = headerKey(name)
	}
	return m
}()

// fieldNames has the names of the usual fields, by their keys without the HTTP_.
var fieldNames = func() map[string]string {
	m := make(map[string]string)
	for name, k := range headerKeys {
		if k != nil {
			m[strings.TrimPrefix(string(k.(starlark.String)), "HTTP_")] = name
		}
	}
	return m
}()
