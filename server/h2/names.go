package h2

import (
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// A fieldName is what is known of the name of a field: how HTTP/2 writes it, and its index in
// HPACK's static table (RFC 7541, appendix A), 0 if it is not there.
type fieldName struct {
	lower  string
	static uint8
}

// The names that have a static index, and others that are common, by how net/http writes them.
var knownNames = func() map[string]fieldName {
	m := map[string]fieldName{}
	for i, name := range []string{
		"accept-charset", "accept-encoding", "accept-language", "accept-ranges", "accept",
		"access-control-allow-origin", "age", "allow", "authorization", "cache-control",
		"content-disposition", "content-encoding", "content-language", "content-length",
		"content-location", "content-range", "content-type", "cookie", "date", "etag", "expect",
		"expires", "from", "host", "if-match", "if-modified-since", "if-none-match", "if-range",
		"if-unmodified-since", "last-modified", "link", "location", "max-forwards",
		"proxy-authenticate", "proxy-authorization", "range", "referer", "refresh", "retry-after",
		"server", "set-cookie", "strict-transport-security", "transfer-encoding", "user-agent",
		"vary", "via", "www-authenticate",
	} {
		m[http.CanonicalHeaderKey(name)] = fieldName{name, uint8(15 + i)}
	}
	for _, name := range []string{
		"access-control-allow-credentials", "access-control-allow-headers",
		"access-control-allow-methods", "access-control-expose-headers", "access-control-max-age",
		"access-control-request-headers", "access-control-request-method", "alt-svc",
		"content-security-policy", "cross-origin-opener-policy", "dnt", "early-data", "forwarded",
		"grpc-message", "grpc-status", "grpc-timeout", "origin", "permissions-policy", "pragma",
		"priority", "purpose", "referrer-policy", "sec-ch-ua", "sec-ch-ua-mobile",
		"sec-ch-ua-platform", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site",
		"sec-fetch-user", "te", "timing-allow-origin", "trailer", "upgrade-insecure-requests",
		"x-content-type-options", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
		"x-frame-options", "x-real-ip", "x-request-id", "x-requested-with", "x-xss-protection",
	} {
		m[http.CanonicalHeaderKey(name)] = fieldName{name, 0}
	}
	return m
}()

// canonicalNames are the names of knownNames the other way round.
var canonicalNames = func() map[string]string {
	m := make(map[string]string, len(knownNames))
	for name, f := range knownNames {
		m[f.lower] = name
	}
	return m
}()

// canonicalName is a name from the wire, as net/http writes it.
func canonicalName(lower string) string {
	if name, ok := canonicalNames[lower]; ok {
		return name
	}
	return http.CanonicalHeaderKey(lower)
}

// wireName is a name from a handler, as HTTP/2 writes it; ok is false if it cannot be written.
func wireName(name string) (f fieldName, ok bool) {
	if f, ok := knownNames[name]; ok {
		return f, true
	}
	if !httpguts.ValidHeaderFieldName(name) {
		return fieldName{}, false
	}
	lower := strings.ToLower(name)
	if known, ok := canonicalNames[lower]; ok {
		return knownNames[known], true
	}
	return fieldName{lower, 0}, true
}

// What a byte may be part of.
const (
	inName   = 1 << iota // a field's name: a token without upper case
	inTarget             // a request target
	inPlain              // a request target that net/url would leave as it is
)

var bytesIn = func() (t [256]uint8) {
	for i := range 256 {
		b := byte(i)
		if httpguts.IsTokenRune(rune(b)) && b < 0x80 && (b < 'A' || b > 'Z') {
			t[i] |= inName
		}
		if b > ' ' && b != 0x7f && b != '#' && b != '\\' {
			t[i] |= inTarget
		}
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-_.~$&+,/:;=@", b) >= 0 {
			t[i] |= inPlain
		}
	}
	return t
}()

// validName says if name may be a field's on the wire. RFC 9113, section 8.2.1.
func validName(name string) bool {
	if name == "" {
		return false
	}
	for i := range len(name) {
		if bytesIn[name[i]]&inName == 0 {
			return false
		}
	}
	return true
}

// validValue says if v may be the value of a field: no control characters, and no space at its ends.
// RFC 9113, section 8.2.1.
func validValue(v string) bool {
	if v == "" {
		return true
	}
	if c := v[0]; c == ' ' || c == '\t' {
		return false
	}
	if c := v[len(v)-1]; c == ' ' || c == '\t' {
		return false
	}
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// checkTarget says if target may be a :path, and if it is plain: nothing in it needs decoding.
func checkTarget(target string) (plain, ok bool) {
	if target == "" || target[0] != '/' && target != "*" {
		return false, false
	}
	plain = target[0] == '/'
	query := false
	for i := range len(target) {
		b := bytesIn[target[i]]
		if b&inTarget == 0 {
			return false, false
		}
		if b&inPlain == 0 && !query {
			if target[i] == '?' {
				query = true
			} else {
				plain = false
			}
		}
	}
	return plain, true
}

// validAuthority says if a is a host and perhaps a port, without user information.
// RFC 9113, section 8.3.1; RFC 3986, section 3.2.
func validAuthority(a string) bool {
	if a == "" {
		return true
	}
	host, port := a, ""
	if i := strings.LastIndexByte(a, ':'); i >= 0 && !strings.HasSuffix(a, "]") {
		host, port = a[:i], a[i+1:]
	}
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return false
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		return ok && inner != "" && only(inner, "0123456789abcdefABCDEFvV.:%-_~")
	}
	for i := range len(host) {
		c := host[i]
		if c >= 0x80 || bytesIn[c]&inPlain == 0 && strings.IndexByte("%!'()*", c) < 0 || strings.IndexByte(":/@", c) >= 0 {
			return false
		}
	}
	return host != ""
}

func only(s, set string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(set, r) }) < 0
}

// parseLength parses a content-length: digits, and nothing else. RFC 9110, section 8.6.
func parseLength(s string) (n int64, ok bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = 10*n + int64(s[i]-'0')
	}
	return n, true
}

// connectionField says if a response must not have this field. RFC 9113, section 8.2.2.
func connectionField(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}
