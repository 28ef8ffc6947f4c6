package habit

import (
	"fmt"
	"slices"
	"strings"
)

// habit is what to say of the token, "" if no habit is known. It moves to the token where the habit
// begins.
func (s *spot) habit(message string) string {
	text := s.at(0)
	first, _ := s.line(s.i)
	if strings.HasPrefix(message, "load ") || s.tokens[first].text == "load" && text == "@" {
		return s.unquoted()
	}
	if f := statements()[text]; f != nil && text != "assert" && text != "print" && text != "match" {
		return f(s)
	}
	if isText(text) && strings.HasPrefix(message, "invalid escape") {
		return message + "; write " + s.replaced(s.i, s.i+1, "r"+text)
	}
	if isText(text) {
		if said := s.prefixed(); said != "" {
			return said
		}
		if isText(s.at(-1)) {
			return "Starlark does not join strings that stand side by side; write " +
				s.replaced(s.i, s.i+1, "+ "+text)
		}
	}
	// Words that Starlark takes for names, so that the fault shows behind them.
	if f := statements()[s.tokens[first].text]; f != nil && s.i == first+1 {
		s.i = first
		return f(s)
	}
	if strings.Contains(message, "does not associate") {
		return s.chained()
	}
	if text != "\n" {
		if said := s.misspelt(); said != "" {
			return said
		}
	}
	if f := operators()[text]; f != nil {
		return f(s)
	}
	return s.unfinished(message)
}

// operators are tokens that Starlark does not have, or not there.
func operators() map[string]func(*spot) string {
	return map[string]func(*spot) string{
		"@": (*spot).decorator, ":": (*spot).annotation, "->": (*spot).annotation,
		":=": (*spot).walrus, "**": (*spot).power, "*": (*spot).unpacked,
		"&&": (*spot).logic, "||": (*spot).logic, "!": (*spot).logic, "<>": (*spot).logic,
		"?": (*spot).ternary, "...": (*spot).ellipsis, "else": (*spot).loopElse, "if": (*spot).elseIf,
		"=": (*spot).assigned, "for": (*spot).generator, ",": (*spot).set,
	}
}

// annotation: neither variables nor parameters have types.
func (s *spot) annotation() string {
	first, end := s.line(s.i)
	if s.tokens[first].text == "def" {
		if s.at(0) == ":" && (!isName(s.at(-1)) || s.at(1) == "\n") {
			return "" // a parenthesis is missing
		}
		return "Starlark has no annotations of types; write " + s.bare(first, end)
	}
	if s.i != first+1 || !isName(s.tokens[first].text) {
		return ""
	}
	equals := s.i
	for equals < end && s.tokens[equals].text != "=" {
		equals++
	}
	if equals == end {
		return ""
	}
	return "Starlark has no annotations of types; write " + s.tokens[first].text + " " +
		s.text(equals, end)
}

// bare is the head of a function without the types.
func (s *spot) bare(first, end int) string {
	var b strings.Builder
	depth, skip := 0, false
	for i := first; i < end; i++ {
		text := s.tokens[i].text
		switch text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
		}
		top := depth == 1 || depth == 0 && text == ")"
		switch {
		case text == ":" && depth == 1 || text == "->" && depth == 0:
			skip = true
			continue
		case top && (text == "," || text == "=" || text == ")") || depth == 0 && text == ":":
			skip = false
		}
		if !skip {
			if i > first && s.tokens[i-1].end < s.tokens[i].start && text != ":" {
				b.WriteByte(' ')
			}
			b.WriteString(text)
		}
	}
	return b.String()
}

func (s *spot) walrus() string {
	_, end := s.line(s.i)
	closing := end
	for i := s.i; i < end; i++ {
		if s.tokens[i].text == ")" {
			closing = i
			break
		}
	}
	return fmt.Sprintf("Starlark has no :=, and assigns in a statement of its own; write %s = %s "+
		"in the line before", s.at(-1), strings.TrimSuffix(s.text(s.i+1, closing), ":"))
}

// unpacked: a star stands in calls only.
func (s *spot) unpacked() string {
	value := s.at(1)
	if closing := s.closing(s.i + 1); closing > s.i+1 && !isName(value) {
		value = s.text(s.i+1, closing+1)
	}
	first, end := s.line(s.i)
	if s.at(0) == "**" {
		return "Starlark unpacks with ** in calls only; write dict(" + value + ")"
	}
	for i := s.i; i < end; i++ {
		if s.tokens[i].text == "=" {
			n := s.count(first, s.i)
			return fmt.Sprintf("Starlark unpacks with * in calls only; write %s = %s[%d:]",
				value, s.text(i+1, end), n)
		}
	}
	return "Starlark unpacks with * in calls only; write list(" + value + ") + [...]"
}

// count is how many commas stand between two tokens.
func (s *spot) count(i, end int) (n int) {
	for ; i < end; i++ {
		if s.tokens[i].text == "," {
			n++
		}
	}
	return n
}

func (s *spot) logic() string {
	word := map[string]string{"&&": "and", "||": "or", "!": "not ", "<>": "!="}[s.at(0)]
	return fmt.Sprintf("Starlark writes %s for %s; write %s", strings.TrimSpace(word), s.at(0),
		s.replaced(s.i, s.i+1, word))
}

func (s *spot) ternary() string {
	return "Starlark has no ?: operator; write x if condition else y"
}

func (s *spot) ellipsis() string {
	by := "None"
	if first, end := s.line(s.i); end == first+1 {
		by = "pass"
	}
	return "Starlark has no ...; write " + s.replaced(s.i, s.i+1, by)
}

func (s *spot) loopElse() string {
	first, _ := s.line(s.i)
	if first != s.i {
		return ""
	}
	return "this else belongs to no if: a loop has none; write found = True before break, and " +
		"if not found: behind the loop"
}

func (s *spot) elseIf() string {
	if s.at(-1) != "else" {
		return ""
	}
	s.i--
	return "Starlark has no else if; write " + s.replaced(s.i, s.i+2, "elif")
}

// assigned: an assignment is a statement, to one target.
func (s *spot) assigned() string {
	first, end := s.line(s.i)
	if slices.Contains([]string{"if", "elif", "while"}, s.tokens[first].text) {
		return "= assigns; write " + s.replaced(s.i, s.i+1, "==")
	}
	for i := first; i < s.i; i++ {
		if s.tokens[i].text == "=" {
			return fmt.Sprintf("Starlark assigns to one target; write %s = %s, and %s = %s",
				s.text(i+1, s.i), s.text(s.i+1, end), s.text(first, i), s.text(i+1, s.i))
		}
	}
	return ""
}

// generator: a comprehension is a list or a dict.
func (s *spot) generator() string {
	depth := 0
	for i := s.i - 1; i >= 0; i-- {
		switch s.tokens[i].text {
		case ")", "]", "}":
			depth++
		case "(":
			if depth--; depth >= 0 {
				continue
			}
			closing := s.closing(i)
			if closing < 0 {
				return ""
			}
			inner := "[" + s.text(i+1, closing) + "]"
			if text := s.first(i, closing, inner); text != "" {
				return "Starlark has no generators, but lists; write " + text
			}
			if i > 0 && isName(s.tokens[i-1].text) {
				inner = "(" + inner + ")"
			}
			return "Starlark has no generators, but lists; write " +
				s.replaced(i, closing+1, inner)
		case "[", "{":
			if depth--; depth < 0 {
				return ""
			}
		}
	}
	return ""
}

// set: braces are around a dict.
func (s *spot) set() string {
	for i := s.i - 1; i >= 0; i-- {
		switch s.tokens[i].text {
		case "{":
			closing := s.closing(i)
			if closing < 0 {
				return ""
			}
			items := "[" + s.text(i+1, closing) + "]"
			return "braces are around a dict; write " + s.replaced(i, closing+1, "set("+items+")")
		case "(", "[", "\n":
			return ""
		}
	}
	return ""
}

// chained: a comparison has two sides.
func (s *spot) chained() string {
	compare := []string{"<", ">", "<=", ">=", "==", "!=", "in", "not"}
	for i := s.i - 1; i >= 0 && s.tokens[i].text != "\n"; i-- {
		if slices.Contains(compare, s.tokens[i].text) {
			middle := s.text(i+1, s.i)
			return "a comparison has two sides; write " +
				s.replaced(s.i, s.i+1, "and "+middle+" "+s.at(0))
		}
	}
	return ""
}

// unfinished is what to say of a line that lacks its end, or of a number with underscores.
func (s *spot) unfinished(message string) string {
	if text := s.at(0); isNumber(text) && strings.Contains(text, "_") {
		return "Starlark writes numbers without underscores; write " +
			s.replaced(s.i, s.i+1, strings.ReplaceAll(text, "_", ""))
	}
	if s.at(0) != "\n" || s.i == 0 {
		return ""
	}
	s.i--
	first, end := s.line(s.i)
	switch text := s.at(0); {
	case text == "++" || text == "--":
		return fmt.Sprintf("Starlark has no %s; write %s %c= 1", text, s.text(first, s.i), text[0])
	case strings.HasSuffix(message, "want ':'"):
		said := "got newline, want ':'; write " + s.text(first, end) + ":"
		s.i++
		return said
	}
	s.i++
	return ""
}
