package live

import (
	"html"
	"strings"
)

// A head is the rest of the head of a page, behind the script, while it is sent: the policies in
// its metas are extended. They hold for what comes after them, so for the script's connection.
type head struct {
	extend func(policy string) string
	held   string // the beginning of what is not yet whole
	inside string // the element of nothing but text that is being sent
}

// take takes a piece of the document, and returns what can be sent of it. It is over with the first
// byte that belongs to no head.
func (h *head) take(piece string) (out string, over bool) {
	s := h.held + piece
	h.held = ""
	for s != "" {
		n, sent, more := h.next(s)
		switch {
		case more && len(s) < maxHeld:
			h.held = s
			return out, false
		case more || n == 0:
			return out + s, true
		}
		out, s = out+sent, s[n:]
	}
	return out, false
}

// next returns how long the piece is that s begins with, blanks, a comment, a tag or text, and what
// is sent in its place; 0 if it is of no head. It reports whether there has to be more to tell.
func (h *head) next(s string) (n int, sent string, more bool) {
	switch blank := len(s) - len(strings.TrimLeft(s, blanks)); {
	case h.inside != "":
		n = h.text(s)
		return n, s[:n], n == 0
	case blank > 0:
		return blank, s[:blank], false
	case s[0] != '<':
		return 0, "", false
	case strings.HasPrefix("<!--", s):
		return 0, "", true
	case strings.HasPrefix(s, "<!--"):
		end := strings.Index(s, "-->")
		if end < 0 {
			return 0, "", true
		}
		n = end + len("-->")
		return n, s[:n], false
	}
	if n = tagEnd(s); n < 0 {
		return 0, "", true
	}
	switch name := tagName(s[:n]); name {
	case "meta":
		return n, h.meta(s[:n]), false
	case "title", "style", "script", "noscript", "template":
		h.inside = name
	case "html", "head", "base", "link":
	default:
		return 0, "", false
	}
	return n, s[:n], false
}

// text returns how much of s is text of the element that is being sent, up to its end tag if that
// has come: 0 if there has to be more to tell.
func (h *head) text(s string) int {
	end := "</" + h.inside
	at := strings.Index(strings.ToLower(s), end)
	if at < 0 {
		return max(len(s)-len(end), 0)
	}
	n := strings.IndexByte(s[at:], '>')
	if n < 0 {
		return at
	}
	h.inside = ""
	return at + n + 1
}

const blanks = " \t\r\n\f"

// meta returns a meta with its policy extended, if it has one.
func (h *head) meta(tag string) string {
	what, content := attribute(tag, "http-equiv"), attribute(tag, "content")
	if !strings.EqualFold(strings.TrimSpace(what.value), policyFields[0]) || content.end == 0 {
		return tag
	}
	return tag[:content.begin] + `content="` + html.EscapeString(h.extend(content.value)) + `"` +
		tag[content.end:]
}

// A found attribute is one of a tag, and where it stands.
type found struct {
	value      string
	begin, end int
}

// attribute returns the first attribute of a start tag that has the name: HTML, section 13.2.5.32
// and after. The zero value is none.
func attribute(tag, name string) found {
	i := len(tagName(tag)) + 1
	for {
		i += len(tag[i:]) - len(strings.TrimLeft(tag[i:], blanks+"/"))
		begin := i
		i += strings.IndexAny(tag[i:]+">", blanks+"/>=")
		key := tag[begin:i]
		if key == "" {
			if i >= len(tag) || tag[i] == '>' {
				return found{}
			}
			i++ // a stray sign
			continue
		}
		value := ""
		after := i + len(tag[i:]) - len(strings.TrimLeft(tag[i:], blanks))
		if after < len(tag) && tag[after] == '=' {
			value, i = attributeValue(tag, after+1)
		}
		if strings.EqualFold(key, name) {
			return found{html.UnescapeString(value), begin, i}
		}
	}
}

// attributeValue returns the value that begins at i or behind the blanks there, and where it ends.
func attributeValue(tag string, i int) (value string, end int) {
	i += len(tag[i:]) - len(strings.TrimLeft(tag[i:], blanks))
	if i < len(tag) && (tag[i] == '"' || tag[i] == '\'') {
		n := strings.IndexByte(tag[i+1:], tag[i])
		if n >= 0 {
			return tag[i+1 : i+1+n], i + n + 2
		}
	}
	n := strings.IndexAny(tag[i:]+">", blanks+">")
	return tag[i : i+n], i + n
}
