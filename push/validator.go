package push

import (
	"hash/maphash"
	"net/http"
	"strings"
)

// seed makes the hashes of this process unlike those of any other, so that none can be aimed at.
var seed = maphash.MakeSeed()

// A validator tells one state of a resource from another. Each part may be missing, and is then 0.
type validator struct {
	tag      uint64 // hash of the ETag
	modified uint64 // hash of Last-Modified
	sum      uint64 // hash of the body
}

// validatorOf returns the validator that a response's header gives.
func validatorOf(h http.Header) (v validator) {
	if tag := opaqueTag(entityTag(h)); tag != "" {
		v.tag = maphash.String(seed, tag)
	}
	if m := lastModified(h); m != "" {
		v.modified = maphash.String(seed, m)
	}
	return v
}

// entityTag returns the ETag of a response, "" if it has none that is valid.
func entityTag(h http.Header) string {
	// RFC 9110, section 5.3: a field that is no list and comes twice means nothing.
	if tags := h["Etag"]; len(tags) == 1 && isEntityTag(tags[0]) {
		return tags[0]
	}
	return ""
}

// isEntityTag reports whether s is one entity-tag, and so neither a list of them nor the "*" that
// is a condition of its own. RFC 9110, section 8.8.3.
func isEntityTag(s string) bool {
	s = opaqueTag(s)
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return false
	}
	for i := 1; i < len(s)-1; i++ {
		if c := s[i]; c <= ' ' || c == '"' || c == 0x7f {
			return false
		}
	}
	return true
}

// opaqueTag returns an entity-tag without the mark of weakness, for the weak comparison: RFC 9110,
// section 8.8.3.2.
func opaqueTag(tag string) string { return strings.TrimPrefix(tag, "W/") }

// lastModified returns the Last-Modified of a response, "" if it has none that is a date. RFC 9110,
// section 13.1.3: another value would be no condition.
func lastModified(h http.Header) string {
	if values := h["Last-Modified"]; len(values) == 1 && isDate(values[0]) {
		return values[0]
	}
	return ""
}

// isDate reports whether s is an HTTP-date. RFC 9110, section 5.6.7.
func isDate(s string) bool {
	_, err := http.ParseTime(s)
	return err == nil
}

// notModified returns the validator of what a client has that a 304 with the validator v answers:
// what the response does not tell, the condition of its request does.
func notModified(v validator, request http.Header) validator {
	if tags := request["If-None-Match"]; v.tag == 0 && len(tags) == 1 && isEntityTag(tags[0]) {
		v.tag = maphash.String(seed, opaqueTag(tags[0]))
	}
	if m := first(request, "If-Modified-Since"); v == (validator{}) && isDate(m) {
		v.modified = maphash.String(seed, m)
	}
	return v
}

// same reports whether v and w are of the same state: they are compared by the best part that both
// have.
func (v validator) same(w validator) bool {
	switch {
	case v.tag != 0 && w.tag != 0:
		return v.tag == w.tag
	case v.sum != 0 && w.sum != 0:
		return v.sum == w.sum
	case v.modified != 0 && w.modified != 0:
		return v.modified == w.modified
	}
	return false
}
