package route

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
)

// A kindOf is what a parameter matches, the most special first.
type kindOf uint8

const (
	kindUUID kindOf = iota
	kindInt
	kindFloat
	kindRE
	kindPlain
	kindPath
)

// kinds are the rows of the types: how a pattern calls it, what a message calls what it matches, and
// the expression for it.
var kinds = [...]struct{ name, is, expression string }{
	kindUUID:  {"uuid", "a UUID", `[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}`},
	kindInt:   {"int", "an int of 64 bits", `-?[0-9]+`},
	kindFloat: {"float", "a number as 1 or 1.5", `-?[0-9]+(?:\.[0-9]+)?`},
	kindRE:    {"", "what the expression matches", ""},
	kindPlain: {"", "text without a slash", `[^/]+`},
	kindPath:  {"path", "a path that does not begin with a slash", ""},
}

// A part of a segment is text, or a parameter.
type part struct {
	name       string // "" for text
	text       string
	kind       kindOf
	expression string // of kindRE
}

// A segment is what stands between two slashes of a pattern.
type segment struct {
	parts   []part
	literal string // all of it, if it has no parameter
	rank    []int  // see compare

	// before and after are the text around a parameter, if it is the only one.
	before, after string
	only          *part
	one           *regexp.Regexp // matches an only part of kindRE
	several       *regexp.Regexp // matches a segment of several parameters
	groups        []int          // of several: the group of each parameter
	prog          *syntax.Prog   // the whole, to be compared with others
}

// compile makes of the parts what matches them.
func (s *segment) compile() error {
	var params []int
	text := 0
	for i, p := range s.parts {
		if p.name == "" {
			text += len(p.text)
			continue
		}
		params = append(params, i)
	}
	switch len(params) {
	case 0:
		for _, p := range s.parts {
			s.literal += p.text
		}
		return nil
	case 1:
		s.only = &s.parts[params[0]]
		if params[0] > 0 {
			s.before = s.parts[0].text
		}
		if params[0] < len(s.parts)-1 {
			s.after = s.parts[params[0]+1].text
		}
	}
	s.rank = []int{-text}
	var whole strings.Builder
	group := 1
	for _, p := range s.parts {
		if p.name == "" {
			whole.WriteString(regexp.QuoteMeta(p.text))
			continue
		}
		s.rank = append(s.rank, int(p.kind))
		expression := cmp.Or(p.expression, kinds[p.kind].expression)
		if p.kind == kindPath {
			expression = `[^/].*`
		}
		parsed, err := syntax.Parse(expression, syntax.Perl)
		if err != nil {
			return fmt.Errorf("{%s:re(...)}: %w", p.name, err)
		}
		s.groups = append(s.groups, group)
		group += 1 + parsed.MaxCap()
		whole.WriteString("(" + expression + ")")
	}
	parsed, err := syntax.Parse(whole.String(), syntax.Perl)
	if err == nil {
		s.prog, err = syntax.Compile(parsed.Simplify())
	}
	if err != nil {
		return err
	}
	if s.only == nil {
		s.several, err = regexp.Compile(`\A(?:` + whole.String() + `)\z`)
	} else if s.only.kind == kindRE {
		s.one, err = regexp.Compile(`\A(?:` + s.only.expression + `)\z`)
	}
	return err
}

// match appends to values what the parameters are in text, and reports whether it matches. The text
// has no slash.
func (s *segment) match(text string, values []string) ([]string, bool) {
	if text == "" {
		return values, false
	}
	if s.only != nil {
		if s.before != "" || s.after != "" {
			if len(text) <= len(s.before)+len(s.after) || !strings.HasPrefix(text, s.before) ||
				!strings.HasSuffix(text, s.after) {
				return values, false
			}
			text = text[len(s.before) : len(text)-len(s.after)]
		}
		switch s.only.kind {
		case kindPlain:
		case kindRE:
			if !s.one.MatchString(text) {
				return values, false
			}
		default:
			if !s.only.kind.matches(text) {
				return values, false
			}
		}
		return append(values, text), true
	}
	found := s.several.FindStringSubmatchIndex(text)
	if found == nil {
		return values, false
	}
	i := 0
	for _, p := range s.parts {
		if p.name == "" {
			continue
		}
		g := 2 * s.groups[i]
		value := text[found[g]:found[g+1]]
		if p.kind != kindRE && !p.kind.matches(value) {
			return values, false
		}
		values = append(values, value)
		i++
	}
	return values, true
}

// matches reports whether text, which has no slash unless it is to be a path, is of the kind.
func (k kindOf) matches(text string) bool {
	switch k {
	case kindUUID:
		return isUUID(text)
	case kindInt:
		_, ok := parseInt(text)
		return ok
	case kindFloat:
		_, ok := parseFloat(text)
		return ok
	case kindPath:
		return text != "" && text[0] != '/'
	}
	return text != ""
}

// value is what a handler gets for text that matches.
func (k kindOf) value(text string) starlark.Value {
	switch k {
	case kindUUID:
		return starlark.String(strings.ToLower(text)) // RFC 9562, section 4: case does not count
	case kindInt:
		n, _ := parseInt(text)
		return starlark.MakeInt64(n)
	case kindFloat:
		f, _ := parseFloat(text)
		return starlark.Float(f)
	}
	return starlark.String(text)
}

// parseInt parses an int of 64 bits, a minus sign before it or none: what is larger is no id of
// anything.
func parseInt(s string) (int64, bool) {
	if !digits(strings.TrimPrefix(s, "-")) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// parseFloat parses digits, which may have a point among them, a minus sign before them or none.
func parseFloat(s string) (float64, bool) {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if len(s) > 400 || !digits(whole) || point && !digits(fraction) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isUUID reports whether s is the text of RFC 9562, section 4.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if !hexDigit(s[i]) {
				return false
			}
		}
	}
	return true
}

// compare orders two segments that have parameters, the more special first: the one with more text
// beside its parameters; then by the types of the parameters, from the first to the last. It returns
// 0 if neither goes before the other.
func (s *segment) compare(other *segment) int { return slices.Compare(s.rank, other.rank) }
