package habit

import (
	"fmt"
	"slices"
	"strings"
)

// power: a ** b, of which the operands may have calls, items and attributes behind them.
func (s *spot) power() string {
	prev := s.at(-1)
	if !isName(prev) && !isNumber(prev) && prev != ")" && prev != "]" {
		return s.unpacked()
	}
	first := s.operandBefore(s.i)
	base := s.unwrapped(s.text(first, s.i))
	if s.at(1) == "=" { // a **= b
		_, end := s.line(s.i)
		exponent := s.text(s.i+2, end)
		return "Starlark has no operator **; write " + s.text(first, s.i) + " = " + s.raised(base, exponent)
	}
	end := s.operandBehind(s.i + 1)
	exponent := s.unwrapped(s.text(s.i+1, end))
	return "Starlark has no operator **; write " + s.raised(base, exponent)
}

// raised is a power without its operator: exact where that is easy.
func (s *spot) raised(base, exponent string) string {
	name := isName(base) && !strings.ContainsAny(base, " (")
	switch {
	case exponent == "2" && name:
		return base + " * " + base
	case base == "2" && (isNumber(exponent) && !strings.Contains(exponent, ".")):
		return "1 << " + exponent
	case s.language.module("math") != nil:
		return fmt.Sprintf("math.pow(%s, %s), which is a float, with load(\"@math\", \"math\")", base, exponent)
	}
	return base + " * " + base
}

// unwrapped is an expression without the parentheses around all of it.
func (s *spot) unwrapped(text string) string {
	all := tokenize(text)
	inner := &spot{src: text, tokens: all}
	if len(all) > 2 && all[0].text == "(" && inner.closing(0) == len(all)-1 {
		return strings.TrimSpace(inner.text(1, len(all)-1))
	}
	return text
}

// operandBefore is the token that an operand begins with which ends before the token i.
func (s *spot) operandBefore(i int) int {
	for i > 0 {
		// What ends here: a name, a literal, or what is in parentheses.
		last := i - 1
		text := s.tokens[last].text
		if text == ")" || text == "]" {
			if last = s.opening(last); last < 0 {
				return i
			}
		} else if !isName(text) && !isNumber(text) && !isText(text) {
			return i
		}
		i = last
		if i == 0 {
			return 0
		}
		// What it stands behind: a dot, or what is called or has items.
		before, opens := s.tokens[i-1].text, s.tokens[i].text == "(" || s.tokens[i].text == "["
		switch {
		case before == ".":
			i--
		case opens && (before == ")" || before == "]" || isName(before) && !slices.Contains(leading, before)):
		default:
			return i
		}
	}
	return i
}

// leading are words of the language that stand before an operand, and are none.
var leading = []string{"return", "and", "or", "not", "in", "if", "elif", "else", "lambda", "for", "while"}

// opening returns the token that opens the parenthesis which i closes, -1 if none does.
func (s *spot) opening(i int) int {
	depth := 0
	for ; i >= 0; i-- {
		switch s.tokens[i].text {
		case ")", "]", "}":
			depth++
		case "(", "[", "{":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// operandBehind is the token behind an operand that begins with the token i.
func (s *spot) operandBehind(i int) int {
	for i < len(s.tokens) && (s.tokens[i].text == "-" || s.tokens[i].text == "+") {
		i++
	}
	if i < len(s.tokens) && (isName(s.tokens[i].text) || isNumber(s.tokens[i].text) || isText(s.tokens[i].text)) {
		i++
	}
	for i < len(s.tokens) {
		switch text := s.tokens[i].text; {
		case text == "(" || text == "[":
			closing := s.closing(i)
			if closing < 0 {
				return i
			}
			i = closing + 1
		case text == "." && i+1 < len(s.tokens) && isName(s.tokens[i+1].text):
			i += 2
		case text == "**": // a ** b ** c is a ** (b ** c)
			return s.operandBehind(i + 1)
		default:
			return i
		}
	}
	return i
}

// first is what to write for next of a comprehension in parentheses, from i to closing: its list is
// inner. It is "" for what next is not called with.
func (s *spot) first(i, closing int, inner string) string {
	switch {
	case i > 0 && s.tokens[i-1].text == "next": // next(x for x in y)
		return s.replaced(i-1, closing+1, inner+"[0]")
	case i > 1 && s.tokens[i-2].text == "next" && s.tokens[i-1].text == "(": // next((x for x in y), None)
		end := s.closing(i - 1)
		if end == closing+1 {
			return s.replaced(i-2, end+1, inner+"[0]")
		}
		if end > closing+2 && s.tokens[closing+1].text == "," {
			return s.replaced(i-2, end+1, "("+inner+" + ["+s.text(closing+2, end)+"])[0]")
		}
	}
	return ""
}
