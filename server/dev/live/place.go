package live

import "strings"

// place returns where in the beginning of a document the script goes: behind the start tag of the
// head, or else of the html element, or else the doctype. It is not sure as long as a start tag
// that is not whole, or none, has come.
func place(doc []byte) (at int, sure bool) {
	s := string(doc)
	const mark = "\ufeff"
	i := 0
	switch {
	case strings.HasPrefix(s, mark):
		i = len(mark)
	case s != "" && strings.HasPrefix(mark, s):
		return 0, false
	}
	for at = i; ; {
		i += len(s[i:]) - len(strings.TrimLeft(s[i:], " \t\r\n\f"))
		rest := s[i:]
		switch name := tagName(rest); {
		case strings.HasPrefix("<!--", rest): // nothing, or too little to tell
			return at, false
		case strings.HasPrefix(rest, "<!--"):
			n := strings.Index(rest, "-->")
			if n < 0 {
				return at, false
			}
			i += n + len("-->")
		case strings.HasPrefix(rest, "<!"), strings.HasPrefix(rest, "<?"),
			name == "html", name == "head":
			n := tagEnd(rest)
			if n < 0 {
				return at, false
			}
			i += n
			at = i
			if name == "head" {
				return at, true
			}
		case rest[0] == '<' && len(name) == len(rest)-1: // the name may go on
			return at, false
		default:
			return at, true
		}
	}
}

// tagName returns the name of the start tag that s begins with, in lower case.
func tagName(s string) string {
	if s == "" || s[0] != '<' {
		return ""
	}
	n := strings.IndexAny(s[1:], " \t\r\n\f/>")
	if n < 0 {
		n = len(s) - 1
	}
	return strings.ToLower(s[1 : n+1])
}

// tagEnd returns how long the tag is that s begins with, -1 if it does not end.
func tagEnd(s string) int {
	quote := byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return -1
}
