package push

import (
	"net/http"
	"strings"
)

// What is read of the Link fields of one response. What lies beyond is not read.
const (
	maxLinkBytes  = 8 << 10 // of all fields together
	maxLinks      = 64
	maxLinkParams = 32 // of one link; of those beyond, only what forbids a push counts
)

// A Link is one element of a Link field. RFC 8288, section 3.
type Link struct {
	Target string // what stands between the angle brackets, as it is written
	Rel    string // the first rel parameter: relation types, separated by white space
	Anchor string // the resource that the link is about; if empty, the one that was asked for
	As     string // what the target is used for: "style", "script", "font", …
	Type   string // the media type of the target
	Media  string // a media query: the link holds only where it matches

	ImageSrcset   string // candidates of a responsive image, from which the client chooses
	FetchPriority string // "high", "low" or "auto"

	CrossOrigin bool // crossorigin: the client fetches the target in CORS mode
	NoPush      bool // nopush: the target must not be pushed
	PushOnly    bool // x-http2-push-only: the target is pushed, and the client never sees the link
	Critical    bool // critical: the target goes before the page

	Text string // the element as it stands in the field
}

// Is reports whether the link has the relation type rel, which is in lower case.
// RFC 8288, section 3.3: types are compared case-insensitively.
func (l *Link) Is(rel string) bool {
	rest := l.Rel
	for rest != "" {
		var word string
		rest = strings.TrimLeft(rest, " \t")
		if i := strings.IndexAny(rest, " \t"); i >= 0 {
			word, rest = rest[:i], rest[i:]
		} else {
			word, rest = rest, ""
		}
		if len(word) == len(rel) && strings.EqualFold(word, rel) {
			return true
		}
	}
	return false
}

// ParseLinks reads the values of the Link fields of one response: those of one field, joined by commas, and those
// of repeated fields mean the same. It follows RFC 8288, appendix B.2, and is as lenient: a parameter may have no value or
// no name, a quoted string no end, an element no parameters, and there may be empty elements. What is not a link
// is passed over up to the next comma that is in neither brackets nor quotes, so that one bad element
// costs no other.
//
// It reads at most 8 KiB and 64 links; whole is false if there was more.
func ParseLinks(fields []string) (links []Link, whole bool) {
	left := maxLinkBytes
	for _, field := range fields {
		cut := len(field) > left
		if cut {
			field = field[:left]
		}
		left -= len(field)
		p := linkParser{s: field}
		for p.next() {
			if cut && p.i == len(field) {
				return links, false // the element may go on behind the cut
			}
			if len(links) == maxLinks {
				return links, false
			}
			if links == nil {
				links = make([]Link, 0, min(maxLinks, strings.Count(field, "<")+len(fields)-1))
			}
			links = append(links, p.link)
		}
		if cut {
			return links, false
		}
	}
	return links, true
}

// A linkParser reads the elements of one field.
type linkParser struct {
	s    string
	i    int  // what is read
	open bool // a quote that was passed over has no end, so no later one has
	link Link // the last one
}

// next reads the next link, and reports whether there was one.
func (p *linkParser) next() bool {
	for {
		for p.i < len(p.s) && (p.s[p.i] == ',' || blank(p.s[p.i])) {
			p.i++
		}
		if p.i == len(p.s) {
			return false
		}
		if p.s[p.i] != '<' {
			p.skip()
			continue
		}
		start := p.i
		n := closed(p.s[p.i:])
		if n < 0 {
			p.i++
			p.skip()
			continue
		}
		p.link = Link{Target: p.s[start+1 : start+n]}
		p.i += n + 1
		p.params()
		end := p.i
		p.skip()
		p.link.Text = strings.TrimRight(p.s[start:end], " \t;")
		return true
	}
}

// closed returns where the angle bracket at the beginning of s is closed, -1 if it is not: no URI has
// brackets in it, so one that opens before one closes belongs to another element.
func closed(s string) int {
	n := strings.IndexAny(s[1:], "<>") + 1
	if n == 0 || s[n] == '<' {
		return -1
	}
	return n
}

// skip passes over what is left of an element, up to its comma or the end.
func (p *linkParser) skip() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ',':
			return
		case '"':
			if !p.open {
				n := quoted(p.s[p.i:])
				p.open = n == 0
				if n > 0 {
					p.i += n
					continue
				}
			}
		case '<':
			if n := closed(p.s[p.i:]); n > 0 {
				p.i += n
			}
		}
		p.i++
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
func (p *linkParser) params() {
	var seen params
	for n := 0; ; n++ {
		p.blanks()
		if p.i == len(p.s) || p.s[p.i] != ';' {
			return
		}
		p.i++
		p.blanks()
		start := p.i
		for p.i < len(p.s) && !blank(p.s[p.i]) && p.s[p.i] != '=' && p.s[p.i] != ';' && p.s[p.i] != ',' {
			p.i++
		}
		name := p.s[start:p.i]
		p.blanks()
		value := ""
		if p.i < len(p.s) && p.s[p.i] == '=' {
			p.i++
			p.blanks()
			value = p.value()
		}
		p.link.set(name, value, &seen, n >= maxLinkParams)
	}
}

// value reads the value of a parameter.
func (p *linkParser) value() string {
	rest := p.s[p.i:]
	if rest == "" || rest[0] != '"' {
		n := strings.IndexAny(rest, ";,")
		if n < 0 {
			n = len(rest)
		}
		p.i += n
		return strings.TrimRight(rest[:n], " \t")
	}
	n := quoted(rest)
	if n == 0 {
		// RFC 8288, appendix B.4: what has no end goes up to the end of the field.
		p.i = len(p.s)
		return unquote(rest[1:])
	}
	p.i += n
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

func (p *linkParser) blanks() {
	for p.i < len(p.s) && blank(p.s[p.i]) {
		p.i++
	}
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// params are the parameters that a link has had, of those whose first occurrence counts.
type params uint16

const (
	seenRel params = 1 << iota
	seenAnchor
	seenAs
	seenType
	seenMedia
	seenSrcset
	seenPriority
)

// first reports whether p is seen for the first time.
func (s *params) first(p params) bool {
	was := *s&p != 0
	*s |= p
	return !was
}

// set takes a parameter. RFC 8288, section 3: names are compared case-insensitively, and of a
// rel, media or type that is repeated the first counts; we take all so. beyond says that there are too
// many, so that only what forbids a push is taken.
func (l *Link) set(name, value string, seen *params, beyond bool) {
	var buf [20]byte
	if len(name) > len(buf) {
		return
	}
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	switch string(buf[:len(name)]) {
	case "nopush":
		l.NoPush = true // in any form: nopush, nopush=1, NOPUSH="no"
		return
	case "anchor":
		if seen.first(seenAnchor) {
			l.Anchor = value
		}
		return
	case "media":
		if seen.first(seenMedia) {
			l.Media = value
		}
		return
	case "imagesrcset":
		if seen.first(seenSrcset) {
			l.ImageSrcset = value
		}
		return
	}
	if beyond {
		return
	}
	switch string(buf[:len(name)]) {
	case "rel":
		if seen.first(seenRel) {
			l.Rel = value
		}
	case "as":
		if seen.first(seenAs) {
			l.As = value
		}
	case "type":
		if seen.first(seenType) {
			l.Type = value
		}
	case "fetchpriority":
		if seen.first(seenPriority) {
			l.FetchPriority = value
		}
	case "crossorigin":
		l.CrossOrigin = true
	case "x-http2-push-only":
		l.PushOnly = true
	case "critical":
		l.Critical = true
	}
}

// hidePushOnly takes out of the Link fields the elements that are only for the server.
func hidePushOnly(header http.Header) {
	var left []string
	for _, field := range header["Link"] {
		links, whole := ParseLinks([]string{field})
		visible := make([]string, 0, len(links))
		for i := range links {
			if l := &links[i]; !l.PushOnly || !l.Is("preload") {
				visible = append(visible, l.Text)
			}
		}
		if len(visible) == len(links) || !whole {
			left = append(left, field)
		} else if len(visible) > 0 {
			left = append(left, strings.Join(visible, ", "))
		}
	}
	if len(left) > 0 {
		header["Link"] = left
	} else {
		delete(header, "Link")
	}
}
