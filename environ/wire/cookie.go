package wire

import (
	"strconv"
	"strings"
)

// UnquoteCookie reads the value of a cookie in quotes as werkzeug and Python's http.cookies write
// it, with octets as three octal digits. A value that is not in quotes is what it is.
func UnquoteCookie(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if i+3 < len(s) {
				if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
					b = append(b, byte(n))
					i += 3
					continue
				}
			}
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// QuoteCookie writes the value of a cookie as werkzeug and Python's http.cookies do: what is no
// octet of a cookie (RFC 6265, section 4.1.1) as three octal digits, and the whole then in quotes.
func QuoteCookie(s string) string {
	plain := func(ch byte) bool {
		return ' ' < ch && ch < 0x7f && strings.IndexByte(`",;\`, ch) < 0
	}
	var b strings.Builder
	quoted := false
	for i := range len(s) {
		switch ch := s[i]; {
		case plain(ch):
			b.WriteByte(ch)
			continue
		case ch == ' ':
			b.WriteByte(ch)
		case ch == '"' || ch == '\\':
			b.WriteByte('\\')
			b.WriteByte(ch)
		default:
			b.Write([]byte{'\\', '0' + ch>>6, '0' + ch>>3&7, '0' + ch&7})
		}
		quoted = true
	}
	if quoted {
		return `"` + b.String() + `"`
	}
	return b.String()
}
