// Package wire has the rules of HTTP that more than one package enforces: which octets a token, a
// field value, an authority or a request target may have, and which fields belong to the connection
// and not to a message that is passed on; how a cookie is written, and what a client prefers. Every
// function is total, and allocates nothing but its result.
package wire

import (
	"net/netip"
	"strings"
)

// Token reports whether s is a token, as methods and field names are. RFC 9110, section 5.6.2.
func Token(s string) bool {
	for i := range len(s) {
		if octets[s[i]]&inToken == 0 {
			return false
		}
	}
	return s != ""
}

// LowerToken reports whether s is a token without upper case, as field names of HTTP/2 are.
// RFC 9113, section 8.2.1.
func LowerToken(s string) bool {
	for i := range len(s) {
		if octets[s[i]]&(inToken|upper) != inToken {
			return false
		}
	}
	return s != ""
}

// Value reports whether s has no octet that a field value must not have: no control character but
// the tab. RFC 9110, section 5.5; PEP 3333: "must not include any control characters".
func Value(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// Digits reports whether s is one digit or more, and nothing else.
func Digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// BadOctet returns the first octet of a request target that no URI has, or that readers differ
// about. RFC 3986, section 2.
func BadOctet(target string) (c byte, bad bool) {
	for i := range len(target) {
		if octets[target[i]]&inTarget == 0 {
			return target[i], true
		}
	}
	return 0, false
}

// Trim returns the value of a field without the blanks around it. RFC 9110, section 5.5.
func Trim(value string) string {
	for value != "" && (value[0] == ' ' || value[0] == '\t') {
		value = value[1:]
	}
	for n := len(value); n > 0 && (value[n-1] == ' ' || value[n-1] == '\t'); n = len(value) {
		value = value[:n-1]
	}
	return value
}

// Authority reports whether s is HOST or HOST:PORT, as Host and :authority have it: without user
// information, an address of IPv6 in brackets, a port of at most five digits, which may be missing.
// RFC 3986, section 3.2; RFC 9110, section 4.2.4.
func Authority(s string) bool {
	host, port, _ := strings.Cut(s, ":")
	if inside, ok := strings.CutPrefix(s, "["); ok {
		var found bool
		if inside, port, found = strings.Cut(inside, "]"); !found {
			return false
		}
		if a, err := netip.ParseAddr(inside); err != nil || !a.Is6() || a.Zone() != "" {
			return false
		}
		if port == "" {
			return true
		}
		if port, found = strings.CutPrefix(port, ":"); !found {
			return false
		}
		host = inside
	}
	if port != "" && (len(port) > 5 || !Digits(port)) {
		return false
	}
	for i := range len(host) {
		if octets[host[i]]&inHost == 0 && !(host[i] == ':' && s[0] == '[') {
			return false
		}
	}
	return host != ""
}

// Target reports whether target may be that of a request of any method but CONNECT: a path, or an
// http or https URI that names a host, or "*", which only OPTIONS has. Of a URI it returns the
// scheme, in any case, and the authority.
//
// RFC 9112, section 3.2, for HTTP/1; RFC 9113, section 8.3.1, has the parts of a URI in fields of
// their own, and only the others in :path.
func Target(method, target string) (scheme, authority string, ok bool) {
	switch {
	case strings.HasPrefix(target, "/"): // section 3.2.1
		return "", "", true
	case target == "*": // section 3.2.4
		return "", "", method == "OPTIONS"
	}
	scheme, rest, _ := strings.Cut(target, "://") // section 3.2.2
	if !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", "", false
	}
	authority = rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	// RFC 9110, section 4.2.1: a URI with an empty host is invalid.
	return scheme, authority, Authority(authority)
}

// SameAuthority reports whether a and b are the same authority of a URI with the scheme: without
// regard to case, and with the port that the scheme has by default or none.
// RFC 9110, section 4.2.3; RFC 3986, section 6.2.3.
func SameAuthority(scheme, a, b string) bool {
	return strings.EqualFold(withoutDefault(scheme, a), withoutDefault(scheme, b))
}

// withoutDefault returns an authority without a port that is empty, or the scheme's.
func withoutDefault(scheme, authority string) string {
	port := ":80"
	if strings.EqualFold(scheme, "https") {
		port = ":443"
	}
	return strings.TrimSuffix(strings.TrimSuffix(authority, port), ":")
}

// What an octet may be in.
const (
	inToken = 1 << iota
	inHost
	inTarget
	upper
)

// octets says of each octet what it may be in.
var octets = func() (t [256]uint8) {
	for c := range 256 {
		b := byte(c)
		switch {
		case 'A' <= b && b <= 'Z':
			t[c] = inToken | inHost | upper
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9':
			t[c] = inToken | inHost
		default:
			if strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0 {
				t[c] |= inToken
			}
			if strings.IndexByte("-._~!$&'()*+,;=%", b) >= 0 { // RFC 3986, section 3.2.2: reg-name
				t[c] |= inHost
			}
		}
		if ' ' < b && b < 0x7f && b != '#' && b != '\\' {
			t[c] |= inTarget
		}
	}
	return t
}()

// Encode percent-encodes the octets of a URI reference that no URI has; what is encoded already
// stays. RFC 3986, section 2.1.
func Encode(ref string) string {
	const hex = "0123456789ABCDEF"
	extra := 0
	for i := range len(ref) {
		if encoded(ref[i]) {
			extra += 2
		}
	}
	if extra == 0 {
		return ref
	}
	out := make([]byte, 0, len(ref)+extra)
	for i := range len(ref) {
		if c := ref[i]; encoded(c) {
			out = append(out, '%', hex[c>>4], hex[c&15])
		} else {
			out = append(out, c)
		}
	}
	return string(out)
}

// encoded reports whether c stands in no URI. A # does, before a fragment.
func encoded(c byte) bool {
	return c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0
}

// MediaType reports whether s is a media type, with or without parameters: type/subtype, each a
// token, and what follows without control characters. RFC 9110, section 8.3.1.
func MediaType(s string) bool {
	name, params, _ := strings.Cut(s, ";")
	kind, sub, ok := strings.Cut(Trim(name), "/")
	return ok && Token(kind) && Token(sub) && Value(params)
}
