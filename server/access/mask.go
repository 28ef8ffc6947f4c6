package access

import (
	"net/url"
	"strings"
)

// Masked are the names of query parameters whose values are masked in any case: what is a secret as a
// rule, or is good for a log-in once. Upper and lower case are the same.
var Masked = [...]string{"access_token", "api_key", "apikey", "auth", "authorization", "client_secret", "code",
	"id_token", "jwt", "key", "pass", "passwd", "password", "private_key", "pwd", "refresh_token", "secret",
	"session", "session_id", "sessionid", "sid", "sig", "signature", "ticket", "token", "x-amz-credential",
	"x-amz-security-token", "x-amz-signature", "x-goog-signature"}

// mask stands for a value.
const mask = "***"

// A Mask knows the names whose values are masked. The zero value masks nothing.
type Mask map[string]bool

// NewMask returns one of the names of [Masked] and of more.
func NewMask(more ...string) Mask {
	m := Mask{}
	for _, name := range Masked {
		m[name] = true
	}
	for _, name := range more {
		m[strings.ToLower(name)] = true
	}
	return m
}

// Query returns a query with the values masked. One that cannot be read is masked as a whole.
func (m Mask) Query(q string) string {
	if q == "" || len(m) == 0 {
		return q
	}
	var b strings.Builder
	for rest := q; ; {
		i := strings.IndexAny(rest, "&;")
		pair := rest
		if i >= 0 {
			pair = rest[:i]
		}
		name, _, valued := strings.Cut(pair, "=")
		if valued && m.has(name) {
			pair = name + "=" + mask
		}
		b.WriteString(pair)
		if i < 0 {
			return b.String()
		}
		b.WriteByte(rest[i])
		rest = rest[i+1:]
	}
}

// has reports whether the values of a name are masked, as it stands in a query: user[token] is token.
func (m Mask) has(name string) bool {
	decoded, err := url.QueryUnescape(name)
	if err != nil {
		return true // nobody knows what it is
	}
	for part := range strings.FieldsFuncSeq(strings.ToLower(decoded), func(c rune) bool {
		return c == '[' || c == ']' || c == '.' || c == ' '
	}) {
		if m[part] {
			return true
		}
	}
	return false
}

// URL returns a URL, or a reference, with the values of its query masked, and without a password or a
// fragment.
func (m Mask) URL(u string) string {
	if len(m) == 0 {
		return u
	}
	u, _, _ = strings.Cut(u, "#")
	before, query, queried := strings.Cut(u, "?")
	if scheme, rest, ok := strings.Cut(before, "//"); ok {
		authority, path, slash := strings.Cut(rest, "/")
		if i := strings.LastIndexByte(authority, '@'); i >= 0 {
			authority = mask + authority[i:]
		}
		before = scheme + "//" + authority
		if slash {
			before += "/" + path
		}
	}
	if queried {
		return before + "?" + m.Query(query)
	}
	return before
}
