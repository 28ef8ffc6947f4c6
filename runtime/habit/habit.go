// Package habit knows what is written in other languages, in Python above all, and not in Starlark,
// and what to write instead.
//
// # The model
//
// The parser, the resolver and the interpreter say what they met: "got try, want primary
// expression". Each of [Language.Syntax], [Language.Undefined] and [Failed] is given such an error
// and the script, and looks for the habit behind it. What it says is the fault and, behind
// "; write", a line to copy, made of the names that stand in the script. A fault behind which no
// habit is known keeps its words.
package habit

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"go.starlark.net/syntax"
)

// A Language is what a script may use besides what it defines.
type Language struct {
	// Builtins are the names that it sees without a load.
	Builtins []string
	// Modules are those that it may load as "@name", and the names that each has, in order.
	Modules []Module
}

// A Module is one that a script may load.
type Module struct {
	Name  string
	Names []string
	// Of are the names in the value of the module's own name, as decode of json.
	Of []string
	// Callable says that this value is a function, too, as markdown.
	Callable bool
}

// module returns the one of that name, nil if there is none.
func (l *Language) module(name string) *Module {
	i := slices.IndexFunc(l.Modules, func(m Module) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return &l.Modules[i]
}

// A token is one of a script, and where it stands in it.
type token struct {
	text       string
	start, end int
}

// lexeme matches a token, or what separates two. A prefix of a string is a token of its own.
var lexeme = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`#[^\n]*|\\\r?\n|[ \t\r]+|` +
		`"""(?s:[^\\]|\\.)*?"""|'''(?s:[^\\]|\\.)*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|` +
		`[\pL_][\pL\pN_]*|[0-9][0-9A-Za-z_]*(?:\.[0-9][0-9A-Za-z_]*)?|` +
		`\*\*|//|->|:=|&&|\|\||\+\+|--|<=|>=|==|!=|<>|\.\.\.|(?s:.)`)
})

// tokenize returns the tokens of a script. The end of a line is one.
func tokenize(src string) []token {
	var all []token
	for _, at := range lexeme().FindAllStringIndex(src, -1) {
		switch text := src[at[0]:at[1]]; text[0] {
		case '#', '\\', ' ', '\t', '\r':
		default:
			all = append(all, token{text, at[0], at[1]})
		}
	}
	return all
}

// A spot is a token of a script that the parser did not take.
type spot struct {
	language *Language
	src      string
	tokens   []token
	i        int
}

// Syntax returns the error of the parser with the habit that it comes from, if one is known, at the
// place where that begins.
func (l *Language) Syntax(src []byte, e syntax.Error) syntax.Error {
	s := &spot{language: l, src: string(src)}
	s.tokens = tokenize(s.src)
	if indented(e.Msg) {
		return s.indentation(e)
	}
	if !s.find(offset(s.src, e.Pos), e.Msg) {
		return e
	}
	if text := s.habit(e.Msg); text != "" {
		e.Msg = text
		e.Pos = s.position(e.Pos)
	}
	return e
}

// offset returns where in src a position is, which counts characters.
func offset(src string, pos syntax.Position) int {
	at := 0
	for range pos.Line - 1 {
		n := strings.IndexByte(src[at:], '\n')
		if n < 0 {
			return len(src)
		}
		at += n + 1
	}
	for range pos.Col - 1 {
		_, n := utf8.DecodeRuneInString(src[at:])
		at += n
	}
	return at
}

// position is the place of the token. The file is that of another position.
func (s *spot) position(file syntax.Position) syntax.Position {
	before := s.src[:s.tokens[s.i].start]
	line := strings.Count(before, "\n")
	col := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	name := file.Filename()
	return syntax.MakePosition(&name, int32(line+1), int32(col+1))
}

// find finds the token of an error. The place that the parser gives is where the token begins only
// if it wants an expression, or none begins with the character; else it is where it ends.
func (s *spot) find(at int, message string) bool {
	begins := strings.HasSuffix(message, "want primary expression") ||
		strings.HasPrefix(message, "unexpected") || strings.HasPrefix(message, "invalid")
	for i, t := range s.tokens {
		if begins && t.start <= at && at < t.end || !begins && t.start < at && at <= t.end {
			s.i = i
			return true
		}
	}
	return false
}

// at returns the text of the token that is n further, "" if that is outside of the script.
func (s *spot) at(n int) string {
	if i := s.i + n; i >= 0 && i < len(s.tokens) {
		return s.tokens[i].text
	}
	return ""
}

// line returns the bounds of the tokens in the line of the one at i.
func (s *spot) line(i int) (first, end int) {
	for first = i; first > 0 && s.tokens[first-1].text != "\n"; first-- {
	}
	for end = i; end < len(s.tokens) && s.tokens[end].text != "\n"; end++ {
	}
	return first, end
}

// text is what stands in the script from the token i to before the token end.
func (s *spot) text(i, end int) string {
	if i >= end || i >= len(s.tokens) {
		return ""
	}
	return s.src[s.tokens[i].start:s.tokens[end-1].end]
}

// rest is what stands behind the token, up to the end of its statement or of the parentheses around
// it, without a colon at its end.
func (s *spot) rest() string {
	depth := 0
	end := s.i + 1
	for ; end < len(s.tokens) && depth >= 0; end++ {
		switch text := s.tokens[end].text; {
		case depth == 0 && (text == "\n" || text == ";"):
			return strings.TrimSuffix(s.text(s.i+1, end), ":")
		case text == "(" || text == "[" || text == "{":
			depth++
		case text == ")" || text == "]" || text == "}":
			depth--
		}
	}
	if depth < 0 {
		end--
	}
	return strings.TrimSuffix(s.text(s.i+1, end), ":")
}

// replaced is the line with other text for the tokens from i to before end.
func (s *spot) replaced(i, end int, by string) string {
	first, last := s.line(s.i)
	left, right := "", ""
	if i > first {
		left = s.src[s.tokens[first].start:s.tokens[i].start]
	}
	if by == "" && end < last {
		right = s.text(end, last)
	} else if end < last {
		right = s.src[s.tokens[end-1].end:s.tokens[last-1].end]
	}
	return strings.TrimSpace(left + by + right)
}
