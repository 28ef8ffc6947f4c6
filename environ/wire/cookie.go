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
