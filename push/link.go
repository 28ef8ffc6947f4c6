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

	// In the interim response of a backend: see forward.go.
	call   bool   // push: an explicit call, not a hint
	method string // push-method: of the promised request
	fields string // push-fields: that it has, as name=value&..., percent-encoded

	Text string // the element as it stands in the field
}

// Is reports whether the link has the relation type rel. RFC 8288, section 3.3: types are compared
// case-insensitively.
func (l *Link) Is(rel string) bool {
	white := func(r rune) bool { return r == ' ' || r == '\t' }
	for word := range strings.FieldsFuncSeq(l.Rel, white) {
		if len(word) == len(rel) && strings.EqualFold(word, rel) {
			return true
		}
	}
	return false
}

// ParseLinks reads the values of the Link fields of one response: those of one field, joined by
// commas, and those of repeated fields mean the same. It follows RFC 8288, appendix B.2, and is as
// lenient: a parameter may have no value or no name, a quoted string no end, an element no
// parameters, and there may be empty elements. What is not a link is passed over up to the next
// comma that is in neither brackets nor quotes, so that one bad element costs no other.
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
		r := linkReader{s: field}
		for r.next() {
			if cut && r.i == len(field) {
				return links, false // the element may go on behind the cut
			}
			if len(links) == maxLinks {
				return links, false
			}
			if links == nil {
				links = make([]Link, 0, min(maxLinks, strings.Count(field, "<")+len(fields)-1))
			}
			links = append(links, r.link)
		}
		if cut {
			return links, false
		}
	}
	return links, true
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
