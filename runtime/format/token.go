package format

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A token is a word, a number, a string, an operator or bracket, or a comment, and what was before
// it.
type token struct {
	kind  kind
	text  string
	lines int  // newlines before it, those of continued lines apart
	cont  bool // a line was continued with \ before it
	col   int  // of the first in a line: how far it is indented

	role role
}

type kind byte

const (
	word kind = iota
	number
	str
	operator
	comment
)

// A role is what a token means that its text alone does not say.
type role byte

const (
	plain      role = iota
	call            // ( of a call, a def or a load
	display         // [ or { of a list, a dict or a comprehension
	subscript       // [
	group           // ( of an expression or a tuple
	unary           // + - ~ * **
	sliced          // :
	headerEnds      // :
)

var keywords = []string{
	"and", "break", "continue", "def", "elif", "else", "for", "if", "in", "lambda", "not", "or",
	"pass", "return", "while",
}

// headers are the words that begin a statement with a block.
var headers = []string{"def", "elif", "else", "for", "if", "while"}

func (t *token) is(texts ...string) bool {
	return t.kind != str && t.kind != comment && slices.Contains(texts, t.text)
}

func (t *token) opens() bool  { return t.kind == operator && strings.Contains("([{", t.text) }
func (t *token) closes() bool { return t.kind == operator && strings.Contains(")]}", t.text) }

// ends reports whether an operand may end with t.
func (t *token) ends() bool {
	switch t.kind {
	case number, str:
		return true
	case word:
		return !slices.Contains(keywords, t.text)
	}
	return t.closes()
}

// operators, longest first.
var operators = []string{
	"//=", "<<=", ">>=",
	"**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=",
}

// scan splits source that parses into tokens. Of any other it makes tokens all the same.
func scan(rest string) []token {
	var (
		all   []token
		next  token
		first = true // in the line
	)
	for rest != "" {
		switch c := rest[0]; {
		case c == '\n':
			next.lines++
			next.col, first = 0, true
			rest = rest[1:]
			continue
		case c == '\t' && first:
			next.col += 8 - next.col%8 // as the language has it
			rest = rest[1:]
			continue
		case c == ' ' || c == '\t':
			if first {
				next.col++
			}
			rest = rest[1:]
			continue
		case strings.HasPrefix(rest, "\\\n"):
			next.cont = true
			rest = rest[2:]
			continue
		}
		n := 0
		next.kind, n = lex(rest)
		next.text, rest = rest[:n], rest[n:]
		if next.kind == comment {
			next.text = strings.TrimRight(next.text, " \t")
		}
		all = append(all, next)
		next, first = token{}, false
	}
	return all
}

// lex returns the kind and the length of the token that s begins with.
func lex(s string) (kind, int) {
	switch c := s[0]; {
	case c == '#':
		return comment, until(s, "\n")
	case digit(s) || c == '.' && digit(s[1:]):
		return number, numeral(s)
	}
	if quote := strings.IndexAny(s[:min(len(s), 3)], `"'`); quote >= 0 {
		if slices.Contains(prefixes, s[:quote]) {
			return str, quote + quoted(s[quote:])
		}
	}
	if n := len(s) - len(strings.TrimLeftFunc(s, letter)); n > 0 {
		return word, n
	}
	for _, op := range operators {
		if strings.HasPrefix(s, op) {
			return operator, len(op)
		}
	}
	_, n := utf8.DecodeRuneInString(s)
	return operator, n
}

// prefixes are what may stand before the quote of a string.
var prefixes = []string{"", "r", "b", "rb"}

func letter(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func digit(s string) bool { return s != "" && '0' <= s[0] && s[0] <= '9' }

// numeral is the length of the number that s begins with. A word may follow at once, as in 1if.
func numeral(s string) int {
	if len(s) > 2 && s[0] == '0' {
		switch s[1] | 0x20 {
		case 'x':
			return 2 + run(s[2:], "0123456789abcdefABCDEF")
		case 'o', 'b':
			return 2 + run(s[2:], decimal)
		}
	}
	n := run(s, decimal)
	if strings.HasPrefix(s[n:], ".") {
		n++
		n += run(s[n:], decimal)
	}
	if rest := s[n:]; rest != "" && rest[0]|0x20 == 'e' {
		rest = strings.TrimPrefix(strings.TrimPrefix(rest[1:], "-"), "+")
		if digit(rest) {
			n = len(s) - len(rest) + run(rest, decimal)
		}
	}
	return n
}

const decimal = "0123456789"

// run is how many of the first characters of s are of those in set.
func run(s, set string) int { return len(s) - len(strings.TrimLeft(s, set)) }

// quoted is the length of the string literal that s begins with.
func quoted(s string) int {
	end := s[:1]
	if strings.HasPrefix(s, strings.Repeat(end, 3)) {
		end = s[:3]
	}
	for i := len(end); i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++ // also in a raw string a quote after \ does not end it
		case strings.HasPrefix(s[i:], end):
			return i + len(end)
		}
	}
	return len(s)
}

func until(s, end string) int {
	if i := strings.Index(s, end); i >= 0 {
		return i
	}
	return len(s)
}

// requote returns a string literal in double quotes, if the same characters may stand between them.
func requote(lit string) string {
	i := strings.IndexAny(lit, `"'`)
	if lit[i] == '"' || strings.ContainsAny(lit[i:], `"`) || strings.Contains(lit[i:], `\'`) {
		return lit
	}
	n := 1
	if strings.HasPrefix(lit[i:], "'''") && len(lit)-i >= 6 {
		n = 3
	}
	q := strings.Repeat(`"`, n)
	return lit[:i] + q + lit[i+n:len(lit)-n] + q
}
