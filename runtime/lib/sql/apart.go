package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// apart says what to write instead of a statement that a script puts together with values, where a
// placeholder can stand for them. What else a statement is put together of is the script's own to
// choose, unless it comes from a request as it is.
func apart(c host.Composed) string {
	s := splitter{behind: c.Behind, known: true}
	for i, p := range c.Parts {
		if p.Value == "" {
			s.add(p.Text)
			continue
		}
		next := ""
		if i+1 < len(c.Parts) {
			next = c.Parts[i+1].Text
		}
		s.value(p, next)
	}
	if s.raw != "" {
		return fmt.Sprintf("a statement is made with %s, which can change what it does, and no placeholder "+
			"stands for a name or a piece of SQL: let it choose among texts of the script, as in "+
			`{"name": "ORDER BY name", "age": "ORDER BY age"}[x]`, s.raw)
	}
	if s.bad == "" {
		return ""
	}
	message := "a statement is made with " + s.bad + ", which can change what it does: "
	text := starlark.String(strings.TrimRight(s.text.String(), " "))
	switch {
	case !s.known:
		return message + "write ? in its place, and pass the value behind the statement"
	case c.Elsewhere:
		return fmt.Sprintf("%swrite %s here, and pass %s behind the statement", message,
			text, strings.Join(s.passed, ", "))
	}
	all := append([]string{text.String()}, append(s.passed, s.behind...)...)
	return fmt.Sprintf("%swrite %s(%s)", message, c.Fn, strings.Join(all, ", "))
}

// A splitter makes a statement with placeholders of pieces.
type splitter struct {
	text   strings.Builder // the statement
	passed []string        // the values of its placeholders
	behind []string        // those that were passed already, and are not among passed yet
	bad    string          // the first value that a placeholder stands for
	raw    string          // the first that none can stand for
	known  bool            // text is all of the statement
	quote  []string        // the string that is open: its pieces, as expressions
}

// add adds a piece of the statement. If a string is open that has a value in it, it goes on to its end.
func (s *splitter) add(text string) {
	if s.quote != nil {
		end := strings.IndexByte(text, '\'')
		if end < 0 {
			s.quote = append(s.quote, starlark.String(text).String())
			return
		}
		if end > 0 {
			s.quote = append(s.quote, starlark.String(text[:end]).String())
		}
		s.pass(strings.Join(s.quote, " + "))
		s.quote, text = nil, text[end+1:]
	}
	l := lexer{text: text}
	for t := l.next(); t.kind != end; t = l.next() {
		if t.kind == hole && len(s.behind) > 0 && !strings.HasPrefix(s.behind[0], "*") {
			s.passed, s.behind = append(s.passed, s.behind[0]), s.behind[1:]
		}
	}
	s.text.WriteString(text)
}

// pass writes a placeholder.
func (s *splitter) pass(value string) {
	s.text.WriteString("?")
	s.passed = append(s.passed, value)
}

// value adds a value, before a text.
func (s *splitter) value(p host.Part, next string) {
	before := s.text.String()
	open := openString(before)
	switch {
	case s.quote != nil:
		s.quote = append(s.quote, p.Value)
	case open >= 0 && p.From >= host.Passed:
		s.text.Reset()
		s.text.WriteString(before[:open])
		s.quote = []string{}
		if text := before[open+1:]; text != "" {
			s.quote = append(s.quote, starlark.String(text).String())
		}
		s.quote = append(s.quote, p.Value)
		s.take(p.Value)
	case p.From >= host.Passed && isValue(before, next):
		s.pass(p.Value)
		s.take(p.Value)
	case p.From == host.Sent && s.raw == "":
		s.raw = p.Value
	default:
		s.known = false // it stays what it is
	}
}

func (s *splitter) take(value string) {
	if s.bad == "" {
		s.bad = value
	}
}

// openString returns where the string begins in which a text ends, -1 if it does not end in one.
func openString(text string) int {
	l := lexer{text: text}
	for t := l.next(); t.kind != end; t = l.next() {
		if t.kind == quoted && text[t.start] == '\'' && t.end == len(text) &&
			(t.end == t.start+1 || strings.Count(text[t.start:t.end], "'")%2 == 1) {
			return t.start
		}
	}
	return -1
}

// isValue reports whether what stands between two texts is a value for certain: it is compared, say.
// In parentheses alone it may as well be a list of placeholders.
func isValue(before, next string) bool {
	var last [4]string // tokens, the last one first
	depth, list := 0, -1
	l := lexer{text: before}
	for t := l.next(); t.kind != end; t = l.next() {
		text := strings.ToUpper(before[t.start:t.end])
		switch text {
		case "(":
			depth++
			if list < 0 && (last[0] == "VALUES" || last[0] == "IN" || last[0] == "," && last[1] == ")") {
				list = depth
			}
		case ")":
			if depth == list {
				list = -1
			}
			depth--
		}
		last = [4]string{text, last[0], last[1], last[2]}
	}
	switch last[0] {
	case "=", "<", ">", "LIKE", "ILIKE", "GLOB", "MATCH", "LIMIT", "OFFSET", "BETWEEN":
		return true
	case "|":
		return last[1] == "|"
	case "AND":
		return last[2] == "BETWEEN"
	case "(":
		return list == depth && strings.HasPrefix(strings.TrimLeft(next, " "), ",")
	case ",":
		return list == depth && depth > 0 &&
			slices.ContainsFunc([]string{",", ")"}, func(sign string) bool {
				return strings.HasPrefix(strings.TrimLeft(next, " "), sign)
			})
	}
	return false
}
