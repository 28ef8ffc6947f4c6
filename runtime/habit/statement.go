package habit

import (
	"fmt"
	"slices"
	"strings"
)

// statements are the words that begin a statement of Python that Starlark does not have, or stand
// in an expression.
func statements() map[string]func(*spot) string {
	return map[string]func(*spot) string{
		"import": (*spot).imports, "from": (*spot).imports,
		"class": (*spot).class,
		"try":   (*spot).try, "except": (*spot).except, "finally": (*spot).except,
		"raise": (*spot).raise, "with": (*spot).with, "yield": (*spot).yield, "del": (*spot).del,
		"global": (*spot).global, "nonlocal": (*spot).nonlocal,
		"async": (*spot).async, "await": (*spot).async,
		"is": (*spot).is, "assert": (*spot).assert, "print": (*spot).print, "match": (*spot).match,
	}
}

// class: a struct has the fields, and functions take it.
func (s *spot) class() string {
	name, params := s.at(1), []string(nil)
	for i := s.i; i+3 < len(s.tokens) && s.tokens[i].text != "class" || i == s.i; i++ {
		if i+3 >= len(s.tokens) || s.tokens[i].text != "__init__" {
			continue
		}
		for i += 3; i < len(s.tokens) && s.tokens[i].text != ")" && s.tokens[i].text != "\n"; i++ {
			if before := s.tokens[i-1].text; isName(s.tokens[i].text) && before == "," {
				params = append(params, s.tokens[i].text)
			}
		}
		break
	}
	if len(params) == 0 {
		params = []string{"x", "y"}
	}
	fields := make([]string, len(params))
	for i, p := range params {
		fields[i] = p + " = " + p
	}
	load := ""
	if m := s.language.module("struct"); m != nil {
		load = ", with " + m.load(nil)
	}
	return fmt.Sprintf("Starlark has no class: a struct has the fields, and functions take it; "+
		"write def %s(%s): return struct(%s)%s", name, strings.Join(params, ", "),
		strings.Join(fields, ", "), load)
}

// try: what may fail is a function that catch calls.
func (s *spot) try() string {
	return "Starlark has no try: catch calls a function, and returns its result and its error; " +
		"write " + s.caught()
}

// caught is the first line of the block that begins here, if it is a call, as one of catch.
func (s *spot) caught() string {
	const usual = "result, error = catch(function, argument)"
	_, end := s.line(s.i)
	first := end + 1
	if s.i+2 < end { // try: f(x)
		first = s.i + 2
	}
	if first >= len(s.tokens) {
		return usual
	}
	_, end = s.line(first)
	target := "result"
	if first+2 < end && isName(s.tokens[first].text) && s.tokens[first+1].text == "=" {
		target, first = s.tokens[first].text, first+2
	}
	if first < end && s.tokens[first].text == "return" {
		first++
	}
	open := first
	for open < end && (isName(s.tokens[open].text) || s.tokens[open].text == ".") {
		open++
	}
	if open == first || open+1 >= end || s.tokens[open].text != "(" ||
		s.closing(open) != end-1 {
		return usual
	}
	arguments := ""
	if open+2 < end {
		arguments = ", " + s.text(open+1, end-1)
	}
	return fmt.Sprintf("%s, error = catch(%s%s)", target, s.text(first, open), arguments)
}

// closing returns the token that closes the parenthesis at i, -1 if none does.
func (s *spot) closing(i int) int {
	depth := 0
	for ; i < len(s.tokens); i++ {
		switch s.tokens[i].text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (s *spot) except() string {
	return "Starlark has no " + s.at(0) + ": catch returns the error of a function that it calls; " +
		"write result, error = catch(function, argument), then if error:"
}

// raise: an error is a message.
func (s *spot) raise() string {
	_, end := s.line(s.i)
	if s.i+1 == end {
		return "Starlark has no raise: fail raises the error that catch returned again; " +
			"write fail(error)"
	}
	open := s.i + 1
	for open < end && s.tokens[open].text != "(" && s.tokens[open].text != "from" {
		open++
	}
	arguments := fmt.Sprintf("%q", s.text(s.i+1, open))
	if closing := s.closing(open); open < end && s.tokens[open].text == "(" && closing > open+1 {
		arguments = s.text(open+1, closing)
	}
	return "Starlark has no raise, and no classes of errors: an error is a message; " +
		"write fail(" + arguments + ")"
}

// with: nothing has to be closed.
func (s *spot) with() string {
	value, name, named := strings.Cut(s.rest(), " as ")
	if m := s.language.module("static"); m != nil && strings.HasPrefix(value, "open(") {
		value = "file" + strings.TrimPrefix(value, "open") + ", with " + m.load([]string{"file"})
	}
	line := value
	if named {
		line = name + " = " + value
	}
	return "Starlark has no with: the server closes what a request opens; write " + line
}

func (s *spot) yield() string {
	value := s.rest()
	if value == "" {
		value = "block"
	}
	value = strings.TrimPrefix(value, "from ")
	return fmt.Sprintf("Starlark has no yield: a body is a list, or a function of a stream; "+
		"write return [%s], or stream.write(%s) in the function of a stream", value, value)
}

func (s *spot) del() string {
	_, end := s.line(s.i)
	for open := end - 1; open > s.i; open-- {
		if s.tokens[open].text == "[" && s.closing(open) == end-1 {
			return fmt.Sprintf("Starlark has no del; write %s.pop(%s)",
				s.text(s.i+1, open), s.text(open+1, end-1))
		}
	}
	return "Starlark has no del, and a variable ends with its function; write " + s.rest() + " = None"
}

func (s *spot) global() string {
	name, _, _ := strings.Cut(s.rest(), ",")
	return fmt.Sprintf("Starlark has no global: %s; write return %s, and assign it where the "+
		"function is called", frozen, name)
}

func (s *spot) nonlocal() string {
	name, _, _ := strings.Cut(s.rest(), ",")
	return fmt.Sprintf("Starlark has no nonlocal: a function can change a dict of the one around "+
		"it; write state = {%q: None} there, and state[%q] = ... here", name, name)
}

func (s *spot) async() string {
	return fmt.Sprintf("Starlark has no %s: requests run side by side by themselves; write %s",
		s.at(0), s.replaced(s.i, s.i+1, ""))
}

func (s *spot) is() string {
	op, end := "==", s.i+1
	if s.at(1) == "not" {
		op, end = "!=", s.i+2
	}
	return "Starlark has no is; write " + s.replaced(s.i, end, op)
}

// assert takes the words up to a comma that is in no parentheses as what holds.
func (s *spot) assert() string {
	first := s.i + 1
	_, end := s.line(s.i)
	comma := first
	for ; comma < end && s.tokens[comma].text != ","; comma++ {
		if closing := s.closing(comma); closing > comma &&
			slices.Contains([]string{"(", "[", "{"}, s.tokens[comma].text) {
			comma = closing
		}
	}
	comma = min(comma, end)
	message := `"message"`
	if comma+1 < end {
		message = s.text(comma+1, end)
	}
	return fmt.Sprintf("Starlark has no assert; write if not (%s): fail(%s)",
		s.text(first, comma), message)
}

func (s *spot) print() string {
	return "print is a function; write print(" + s.rest() + ")"
}

func (s *spot) match() string {
	return "Starlark has no match; write if " + s.rest() + " == value:, and elif for the next case"
}
