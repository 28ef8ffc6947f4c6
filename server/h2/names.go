package h2

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// What fields are called is looked up rather than made: http.CanonicalHeaderKey and
// strings.ToLower allocate for each name that they change, and each has to be
// checked.

// A fieldName is what is known of the name of a field: how HTTP/2 writes it, and
// its index in HPACK's static table (RFC 7541, appendix A), 0 if it is not there.
type fieldName struct {
	lower  string
	static uint8
}

// The names that have a static index, and others that are common, by how net/http
// writes them. All of them are tokens, and none is a field of the connection, so
// that a name that is found here needs no other check.
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
		if !wire.Connection.Has(name) { // transfer-encoding
			m[http.CanonicalHeaderKey(name)] = fieldName{name, uint8(15 + i)}
		}
	}
	for _, name := range []string{
		"access-control-allow-credentials", "access-control-allow-headers",
		"access-control-allow-methods", "access-control-expose-headers", "access-control-max-age",
		"access-control-request-headers", "access-control-request-method", "alt-svc",
		"content-security-policy", "cross-origin-opener-policy", "dnt", "early-data", "forwarded",
		"grpc-message", "grpc-status", "grpc-timeout", "larkspur-client", "larkspur-request", "origin", "permissions-policy", "pragma",
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

// canonicalNames are the names of knownNames the other way round: from the wire to
// net/http.
var canonicalNames = func() map[string]string {
	m := make(map[string]string, len(knownNames))
	for name, f := range knownNames {
		m[f.lower] = name
	}
	return m
}()

// canonicalName is a name from the wire, as net/http writes it, or what is wrong
// with it. RFC 9113, sections 8.2.1 and 8.2.2.
func canonicalName(lower string) (name, reason string) {
	if name, ok := canonicalNames[lower]; ok {
		return name, ""
	}
	switch {
	case !wire.LowerToken(lower):
		return "", "the name of a field is invalid"
	case wire.Connection.Has(lower):
		return "", "a field of the connection"
	}
	return http.CanonicalHeaderKey(lower), ""
}

// wireName is a name from a handler, as HTTP/2 writes it. ok is false if HTTP/2
// cannot have it: it is no token, or the name of a field of the connection.
func wireName(name string) (f fieldName, ok bool) {
	if f, ok := knownNames[name]; ok {
		return f, true
	}
	if !wire.Token(name) || wire.Connection.Has(name) {
		return fieldName{}, false
	}
	lower := strings.ToLower(name)
	if known, ok := canonicalNames[lower]; ok {
		return knownNames[known], true
	}
	return fieldName{lower, 0}, true
}

// What an octet of a request target may be.
const (
	inTarget = 1 << iota // in one at all
	inPlain              // in one that net/url would leave as it is
)

// octets says it of each octet, so that one look at a target tells all that there
// is to know. Beside what package wire lets through it has the octets above 0x7f:
// no URI has them, but there are clients that send a path as it was typed, and
// net/url hands it on.
var octets = func() (t [256]uint8) {
	for i := range 256 {
		b := byte(i)
		if _, bad := wire.BadOctet(string([]byte{b})); !bad || b >= 0x80 {
			t[i] |= inTarget
		}
		if 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' ||
			strings.IndexByte("-_.~$&+,/:;=@", b) >= 0 {
			t[i] |= inPlain
		}
	}
	return t
}()

// checkTarget reports whether target may be a :path, and whether it is plain:
// nothing in it needs decoding.
func checkTarget(target string) (plain, ok bool) {
	if target == "" || target[0] != '/' && target != "*" {
		return false, false
	}
	plain = target[0] == '/'
	query := false
	for i := range len(target) {
		b := octets[target[i]]
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

// validValue reports whether v may be the value of a field of HTTP/2, which has no
// white space at its ends. RFC 9113, section 8.2.1.
func validValue(v string) bool {
	if v == "" {
		return true
	}
	first, last := v[0], v[len(v)-1]
	if first == ' ' || first == '\t' || last == ' ' || last == '\t' {
		return false
	}
	return wire.Value(v)
}

// parseLength parses a content-length: digits, and nothing else. RFC 9110, section
// 8.6.
func parseLength(s string) (n int64, ok bool) {
	if !wire.Digits(s) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
