package push

import "strings"

// octet returns the octet whose percent-encoding stands at the beginning of s. RFC 3986, section
// 2.1.
func octet(s string) (c byte, ok bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, low := unhex(s[1]), unhex(s[2])
	return byte(high<<4 | low), high >= 0 && low >= 0
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// unreserved are the characters whose percent-encoding means the same as they do. RFC 3986,
// sections 2.3 and 6.2.2.2.
const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// What an octet of a target may be.
const (
	isUnreserved = 1 << iota
	isPlain      // in a path or a query as it is: RFC 3986, sections 3.3 and 3.4
)

var octets = func() (t [256]uint8) {
	for i := range len(unreserved) {
		t[unreserved[i]] = isUnreserved | isPlain
	}
	for _, c := range []byte("!$&'()*+,;=:@/?") {
		t[c] = isPlain
	}
	return t
}()

// encode encodes what a target cannot have as it is. It returns "" if there is a percent sign that
// is not the beginning of an encoded octet.
func encode(s string) string {
	extra := 0
	for i := range len(s) {
		if s[i] == '%' {
			if _, ok := octet(s[i:]); !ok {
				return ""
			}
		} else if octets[s[i]]&isPlain == 0 {
			extra += 2
		}
	}
	if extra == 0 {
		return s
	}
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+extra)
	for i := range len(s) {
		if c := s[i]; c == '%' || octets[c]&isPlain != 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

// sameTarget reports whether two targets name the same resource, however their octets are encoded.
func sameTarget(a, b string) bool { return a == b || normalTarget(a) == normalTarget(b) }

// normalTarget decodes the unreserved characters of a target, and puts encoded octets in upper
// case. RFC 3986, section 6.2.2.
func normalTarget(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c, ok := octet(s[i:])
		switch {
		case !ok:
			b = append(b, s[i])
			continue
		case octets[c]&isUnreserved != 0:
			b = append(b, c)
		default:
			b = append(b, strings.ToUpper(s[i:i+3])...)
		}
		i += 2
	}
	return string(b)
}
