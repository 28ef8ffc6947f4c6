package push

import (
	"bytes"
	"net/http"
	"net/url"
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

// Resolve resolves a URI reference against the page that r asks for, as a candidate's is. What it
// returns without a reason is the target of another request to the same origin; the reasons are
// [Invalid] and [Foreign]. It panics if r is nil.
func Resolve(r *http.Request, ref string) (target string, reason Reason) {
	if r == nil {
		panic("push: Resolve: nil *http.Request: there is no page to resolve against")
	}
	return originOf(r).resolve(pageTarget(r), ref)
}

// resolve resolves a URI reference against the page of the origin o at target page. RFC 3986,
// section 5.2.
//
// What it returns without a reason is a :path of that origin: it begins with one slash, has no dot
// segments and no fragment, and only characters that RFC 3986 allows. If there is a reason, it is
// [Invalid] or [Foreign].
func (o origin) resolve(page, ref string) (target string, reason Reason) {
	ref = strings.Trim(ref, " \t")
	if !plain(ref) {
		return "", Invalid
	}
	ref, _, _ = strings.Cut(ref, "#")
	ref, ok := o.within(ref)
	if !ok {
		return "", Foreign
	}
	path, query := merge(page, ref)
	if path = removeDots(path); !unambiguous(path) {
		return "", Invalid
	}
	if target = encode(path + query); target == "" || len(target) > maxTarget {
		return "", Invalid
	}
	return target, ""
}

// within takes scheme and authority off a reference. It is false if they are not those of the
// origin.
func (o origin) within(ref string) (rest string, ok bool) {
	if scheme, rest, ok := cutScheme(ref); ok {
		// Strictly, as RFC 3986 is: "http:a.css" names no resource of any origin.
		if !strings.EqualFold(scheme, o.scheme) || !strings.HasPrefix(rest, "//") {
			return "", false
		}
		ref = rest
	}
	rest, ok = strings.CutPrefix(ref, "//")
	if !ok {
		return ref, true
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	if rest[:end] == "" || normalAuthority(o.scheme, rest[:end]) != o.authority {
		return "", false
	}
	if rest = rest[end:]; !strings.HasPrefix(rest, "/") {
		rest = "/" + rest
	}
	return rest, true
}

// merge merges a reference that has neither scheme nor authority with the target of a page. query
// has its question mark. RFC 3986, sections 5.2.2 and 5.2.3.
func merge(page, ref string) (path, query string) {
	base, baseQuery := cutQuery(page)
	path, query = cutQuery(ref)
	switch {
	case ref == "":
		return base, baseQuery
	case path == "":
		return base, query
	case path[0] != '/':
		return base[:strings.LastIndexByte(base, '/')+1] + path, query
	}
	return path, query
}

// cutQuery cuts the query, with its question mark, off a target.
func cutQuery(target string) (path, query string) {
	if i := strings.IndexByte(target, '?'); i >= 0 {
		return target[:i], target[i:]
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
	scheme, rest, ok = strings.Cut(ref, ":")
	if !ok || scheme == "" {
		return "", ref, false
	}
	for i := range len(scheme) {
		c := scheme[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || strings.IndexByte("0123456789+-.", c) < 0) {
			return "", ref, false
		}
	}
	return scheme, rest, true
}

// removeDots takes the dot segments out of a path that begins with a slash; a dot may be written as
// %2E. RFC 3986, sections 5.2.4 and 6.2.2.2.
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

// unambiguous reports whether a path leads to the same place for those who decode it before they
// look for dot segments and for those who do so after.
func unambiguous(path string) bool {
	if strings.HasPrefix(path, "//") {
		return false // by many taken for an authority
	}
	if !strings.ContainsAny(path, "%\\\x00") {
		return true
	}
	decoded, err := url.PathUnescape(path)
	if err != nil || strings.IndexByte(decoded, 0) >= 0 {
		return false
	}
	decoded = strings.ReplaceAll(decoded, `\`, "/")
	return !strings.HasPrefix(decoded, "//") && removeDots(decoded) == decoded
}

// withinMount reports whether the path of target lies in mount, a path without a slash at its end.
func withinMount(target, mount string) bool {
	if mount == "" {
		return true
	}
	path, _, _ := strings.Cut(target, "?")
	path, err := url.PathUnescape(path)
	rest, in := strings.CutPrefix(path, mount)
	return err == nil && in && (rest == "" || rest[0] == '/')
}
