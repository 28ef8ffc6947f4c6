package push

import "strings"

// A linkReader reads the elements of one field.
type linkReader struct {
	s    string
	i    int  // what is read
	open bool // a quote that was passed over has no end, so no later one has
	link Link // the last one
}

// next reads the next link, and reports whether there was one.
func (r *linkReader) next() bool {
	for {
		for r.i < len(r.s) && (r.s[r.i] == ',' || blank(r.s[r.i])) {
			r.i++
		}
		if r.i == len(r.s) {
			return false
		}
		if r.s[r.i] != '<' {
			r.skip()
			continue
		}
		start := r.i
		n := closed(r.s[r.i:])
		if n < 0 {
			r.i++
			r.skip()
			continue
		}
		r.link = Link{Target: r.s[start+1 : start+n]}
		r.i += n + 1
		r.params()
		end := r.i
		r.skip()
		r.link.Text = strings.TrimRight(r.s[start:end], " \t;")
		return true
	}
}

// closed returns where the angle bracket at the beginning of s is closed, -1 if it is not: no URI
// has brackets in it, so one that opens before one closes belongs to another element.
func closed(s string) int {
	n := strings.IndexAny(s[1:], "<>") + 1
	if n == 0 || s[n] == '<' {
		return -1
	}
	return n
}

// skip passes over what is left of an element, up to its comma or the end.
func (r *linkReader) skip() {
	for r.i < len(r.s) {
		switch r.s[r.i] {
		case ',':
			return
		case '"':
			if !r.open {
				n := quoted(r.s[r.i:])
				r.open = n == 0
				if n > 0 {
					r.i += n
					continue
				}
			}
		case '<':
			if n := closed(r.s[r.i:]); n > 0 {
				r.i += n
			}
		}
		r.i++
	}
}

// quoted returns how long the quoted string at the beginning of s is, 0 if it has no end.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// params reads parameters as long as there are any. RFC 8288, appendix B.3.
func (r *linkReader) params() {
	var seen parameters
	for n := 0; ; n++ {
		r.blanks()
		if r.i == len(r.s) || r.s[r.i] != ';' {
			return
		}
		r.i++
		r.blanks()
		name := r.s[r.i:]
		if n := strings.IndexAny(name, " \t=;,"); n >= 0 {
			name = name[:n]
		}
		r.i += len(name)
		r.blanks()
		value := ""
		if r.i < len(r.s) && r.s[r.i] == '=' {
			r.i++
			r.blanks()
			value = r.value()
		}
		r.link.set(name, value, &seen, n >= maxLinkParams)
	}
}

// value reads the value of a parameter.
func (r *linkReader) value() string {
	rest := r.s[r.i:]
	if rest == "" || rest[0] != '"' {
		n := strings.IndexAny(rest, ";,")
		if n < 0 {
			n = len(rest)
		}
		r.i += n
		return strings.TrimRight(rest[:n], " \t")
	}
	n := quoted(rest)
	if n == 0 {
		// RFC 8288, appendix B.4: what has no end goes up to the end of the field.
		r.i = len(r.s)
		return unquote(rest[1:])
	}
	r.i += n
	return unquote(rest[1 : n-1])
}

// unquote takes the backslashes out of the content of a quoted string. RFC 9110, section 5.6.4.
func unquote(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			if i++; i == len(s) {
				break
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

func (r *linkReader) blanks() {
	for r.i < len(r.s) && blank(r.s[r.i]) {
		r.i++
	}
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// longestParameter is the length of the longest name of a parameter that means something here.
const longestParameter = len("x-http2-push-only")

// parameters are those that a link has had, of those of which the first counts.
type parameters uint16

const (
	hasRel parameters = 1 << iota
	hasAnchor
	hasAs
	hasType
	hasMedia
	hasSrcset
	hasPriority
	hasMethod
	hasFields
)

// forbidding are the parameters that may forbid a push.
const forbidding = hasAnchor | hasMedia | hasSrcset

// set takes a parameter. Of a rel, media or type that is repeated the first counts; we take all so.
// beyond says that there are too many, so that only what forbids a push is taken.
func (l *Link) set(name, value string, seen *parameters, beyond bool) {
	// RFC 8288, section 3: names are compared case-insensitively.
	var buf [longestParameter]byte
	if len(name) > len(buf) {
		return
	}
	lower := buf[:len(name)]
	for i := range lower {
		lower[i] = name[i]
		if c := name[i]; 'A' <= c && c <= 'Z' {
			lower[i] += 'a' - 'A'
		}
	}
	if flag := l.flag(string(lower)); flag != nil {
		// Its value does not matter: nopush, nopush=1 and NOPUSH="no" are the same.
		*flag = *flag || !beyond || flag == &l.NoPush
		return
	}
	text, bit := l.text(string(lower))
	if text == nil || *seen&bit != 0 || beyond && forbidding&bit == 0 {
		return
	}
	*seen |= bit
	*text = value
}

// flag returns the field that a parameter without a value sets, or nil.
func (l *Link) flag(name string) *bool {
	switch name {
	case "nopush":
		return &l.NoPush
	case "crossorigin":
		return &l.CrossOrigin
	case "x-http2-push-only":
		return &l.PushOnly
	case "critical":
		return &l.Critical
	case "push":
		return &l.call
	}
	return nil
}

// text returns the field that a parameter with a value sets, or nil.
func (l *Link) text(name string) (field *string, bit parameters) {
	switch name {
	case "rel":
		return &l.Rel, hasRel
	case "as":
		return &l.As, hasAs
	case "anchor":
		return &l.Anchor, hasAnchor
	case "type":
		return &l.Type, hasType
	case "media":
		return &l.Media, hasMedia
	case "imagesrcset":
		return &l.ImageSrcset, hasSrcset
	case "fetchpriority":
		return &l.FetchPriority, hasPriority
	case "push-method":
		return &l.method, hasMethod
	case "push-fields":
		return &l.fields, hasFields
	}
	return nil, 0
}
