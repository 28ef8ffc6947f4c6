package push

import (
	"bytes"
	"net/http"
	"strings"
	"unicode/utf8"
)

// maxTarget is how long a target may be once it is encoded.
const maxTarget = 8 << 10

// An origin is the scheme and the authority of a page, normalised. RFC 3986, section 6.2.
type origin struct{ scheme, authority string }

// originOf returns the origin that r was sent to. It does not trust what r says about its scheme.
func originOf(r *http.Request) origin {
	o := origin{scheme: "http"}
	if r.TLS != nil {
		o.scheme = "https"
	}
	o.authority = normalAuthority(o.scheme, r.Host)
	return o
}

// normalAuthority puts a host into lower case and takes away the port that the scheme implies.
func normalAuthority(scheme, authority string) string {
	authority = strings.ToLower(authority)
	port := ":80"
	if scheme == "https" {
		port = ":443"
	}
	if rest, ok := strings.CutSuffix(authority, port); ok {
		return rest
	}
	return strings.TrimSuffix(authority, ":")
}

// pageTarget returns the target that r was sent to: a path with perhaps a query.
func pageTarget(r *http.Request) string {
	target := r.RequestURI
	if !strings.HasPrefix(target, "/") && r.URL != nil {
		target = r.URL.RequestURI() // the absolute form, or a request that no server has read
	}
	if !strings.HasPrefix(target, "/") {
		target = "/"
	}
	return target
}

// Resolve resolves a URI reference against the page that r asks for, as a candidate's is. What it returns without a reason is
// the target of another request to the same origin; the reasons are [Invalid] and [Foreign].
func Resolve(r *http.Request, ref string) (target string, reason Reason) {
	return originOf(r).resolve(pageTarget(r), ref)
}

// resolve resolves a URI reference against the page of the origin o at target page. RFC 3986, section 5.2.
//
// What it returns without a reason is a :path of that origin: it begins with one slash, has no dot segments and
// no fragment, and only characters that RFC 3986 allows. If there is a reason, it is [Invalid] or [Foreign].
func (o origin) resolve(page, ref string) (target string, reason Reason) {
	ref = strings.Trim(ref, " \t")
	if !plain(ref) {
		return "", Invalid
	}
	ref, _, _ = strings.Cut(ref, "#")
	if scheme, rest, ok := cutScheme(ref); ok {
		// Strictly, as RFC 3986 is: "http:a.css" names no resource of any origin.
		if !strings.EqualFold(scheme, o.scheme) || !strings.HasPrefix(rest, "//") {
			return "", Foreign
		}
		ref = rest
	}
	base, _, _ := strings.Cut(page, "?")
	if rest, ok := strings.CutPrefix(ref, "//"); ok {
		end := strings.IndexAny(rest, "/?")
		if end < 0 {
			end = len(rest)
		}
		if rest[:end] == "" || normalAuthority(o.scheme, rest[:end]) != o.authority {
			return "", Foreign
		}
		if ref = rest[end:]; !strings.HasPrefix(ref, "/") {
			ref = "/" + ref
		}
	}
	path, query := ref, ""
	if i := strings.IndexByte(ref, '?'); i >= 0 {
		path, query = ref[:i], ref[i:]
	}
	switch {
	case ref == "":
		path = page
		if i := strings.IndexByte(page, '?'); i >= 0 {
			path, query = page[:i], page[i:]
		}
	case path == "":
		path = base
	case path[0] != '/':
		path = base[:strings.LastIndexByte(base, '/')+1] + path
	}
	path = removeDots(path)
	if !tame(path) {
		return "", Invalid
	}
	if target = encode(path + query); target == "" || len(target) > maxTarget {
		return "", Invalid
	}
	return target, ""
}

// plain reports whether ref is free of what could be read in two ways, or is no text.
func plain(ref string) bool {
	if len(ref) > maxTarget || !utf8.ValidString(ref) {
		return false
	}
	for i := range len(ref) {
		// A browser takes a backslash for a slash.
		if c := ref[i]; c < ' ' || c == 0x7f || c == '\\' {
			return false
		}
	}
	return true
}

// cutScheme cuts a scheme and its colon off ref. RFC 3986, section 3.1.
func cutScheme(ref string) (scheme, rest string, ok bool) {
	for i := range len(ref) {
		switch c := ref[i]; {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'):
		case c == ':' && i > 0:
			return ref[:i], ref[i+1:], true
		default:
			return "", ref, false
		}
	}
	return "", ref, false
}

// removeDots takes the dot segments out of a path that begins with a slash; a dot may be written as %2E.
// RFC 3986, sections 5.2.4 and 6.2.2.2.
func removeDots(path string) string {
	if !strings.Contains(path, "/.") && !strings.Contains(path, "/%2") {
		return path
	}
	out := make([]byte, 0, len(path))
	for rest := path[1:]; ; {
		segment, after, more := strings.Cut(rest, "/")
		dots := dotSegment(segment)
		if dots == 2 {
			out = out[:max(0, bytes.LastIndexByte(out, '/'))]
		}
		if dots == 0 {
			out = append(append(out, '/'), segment...)
		}
		if !more {
			if dots > 0 {
				out = append(out, '/')
			}
			return string(out)
		}
		rest = after
	}
}

// dotSegment returns how many dots a segment consists of, 0 if it is not a dot segment.
func dotSegment(s string) (dots int) {
	for s != "" {
		switch {
		case s[0] == '.':
			s = s[1:]
		case len(s) >= 3 && s[0] == '%' && s[1] == '2' && (s[2]|0x20) == 'e':
			s = s[3:]
		default:
			return 0
		}
		dots++
	}
	if dots > 2 {
		return 0
	}
	return dots
}

// tame reports whether a path leads to the same place for those who decode it before they
// look for dot segments and for those who do so after.
func tame(path string) bool {
	if strings.HasPrefix(path, "//") {
		return false // by many taken for an authority
	}
	if !strings.ContainsAny(path, "%\\\x00") {
		return true
	}
	decoded, ok := decode(path)
	if !ok || strings.IndexByte(decoded, 0) >= 0 {
		return false
	}
	decoded = strings.ReplaceAll(decoded, `\`, "/")
	return !strings.HasPrefix(decoded, "//") && removeDots(decoded) == decoded
}

// decode takes the percent-encoding out of s.
func decode(s string) (string, bool) {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
				return "", false
			}
			c = byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
		}
		b = append(b, c)
	}
	return string(b), true
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

// uric are the characters that a path or a query has as they are. RFC 3986, sections 3.3 and 3.4.
const uric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/?"

var uricTable = func() (t [256]bool) {
	for i := range len(uric) {
		t[uric[i]] = true
	}
	return t
}()

// encode encodes what a target cannot have as it is. It returns "" if there is a percent sign that is not
// the beginning of an encoded octet.
func encode(s string) string {
	extra := 0
	for i := range len(s) {
		switch {
		case uricTable[s[i]]:
		case s[i] == '%':
			if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
				return ""
			}
		default:
			extra += 2
		}
	}
	if extra == 0 {
		return s
	}
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+extra)
	for i := range len(s) {
		if c := s[i]; uricTable[c] || c == '%' {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

// sameTarget reports whether two targets name the same resource, however their octets are encoded.
// RFC 3986, section 6.2.2.
func sameTarget(a, b string) bool { return a == b || normalTarget(a) == normalTarget(b) }

// normalTarget decodes the unreserved characters of a target, and puts encoded octets in upper case.
func normalTarget(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
			b = append(b, s[i])
			continue
		}
		c := byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, strings.ToUpper(s[i:i+3])...)
		}
		i += 2
	}
	return string(b)
}

// withinMount reports whether the path of target lies in mount, a path without a slash at its end.
func withinMount(target, mount string) bool {
	if mount == "" {
		return true
	}
	path, _, _ := strings.Cut(target, "?")
	path, ok := decode(path)
	rest, in := strings.CutPrefix(path, mount)
	return ok && in && (rest == "" || rest[0] == '/')
}
