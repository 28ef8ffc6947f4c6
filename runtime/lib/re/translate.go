package re

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A translator writes a pattern of Python as one of RE2. What RE2 lacks is an error that says so:
// it looks for all matches at once, in time that grows with the text only, and cannot look ahead,
// look behind or remember what a group matched.
type translator struct {
	src     string
	i       int
	out     strings.Builder
	flags   flags    // of the whole
	scopes  []scope  // of the groups that are open
	groups  int      // so far
	closed  []int    // groups, in the order in which they end
	started bool     // something stands before that is no global flag
	names   []string // of groups, "" of one that has none
}

// A scope is what holds inside of a group.
type scope struct {
	verbose, ascii bool
	group          int // its number, 0 if it is none
}

func (t *translator) scope() *scope { return &t.scopes[len(t.scopes)-1] }

// fail says what is wrong where.
func (t *translator) fail(at int, format string, args ...any) error {
	return fmt.Errorf("%s, at offset %d of the pattern", fmt.Sprintf(format, args...), at)
}

// lacks says what RE2 does not have.
func (t *translator) lacks(at int, what, instead string) error {
	return t.fail(at, "%s is not possible: a pattern is matched in linear time, by RE2, which has "+
		"none; %s", what, instead)
}

// run translates the whole.
func (t *translator) run() (string, error) {
	t.scopes = []scope{{verbose: t.flags&verbose != 0, ascii: t.flags&ascii != 0}}
	for t.i < len(t.src) {
		if err := t.step(); err != nil {
			return "", err
		}
	}
	if len(t.scopes) > 1 {
		return "", t.fail(len(t.src), "a ) is missing")
	}
	return t.flags.prefix(0) + t.out.String() + ")", nil
}

// step translates the next element.
func (t *translator) step() error {
	ch := t.src[t.i]
	if t.scope().verbose {
		switch ch {
		case ' ', '\t', '\n', '\r', '\v', '\f':
			t.i++
			return nil
		case '#':
			t.i += strings.IndexByte(t.src[t.i:]+"\n", '\n')
			return nil
		}
	}
	if strings.HasPrefix(t.src[t.i:], "(?") {
		return t.extension()
	}
	t.started = true
	switch ch {
	case '\\':
		return t.escape(false)
	case '[':
		return t.class()
	case '(':
		t.open("(", scope{t.scope().verbose, t.scope().ascii, t.group("")})
		t.i++
		return nil
	case ')':
		if len(t.scopes) == 1 {
			return t.fail(t.i, "there is no ( for this )")
		}
		if n := t.scope().group; n > 0 {
			t.closed = append(t.closed, n)
		}
		t.scopes = t.scopes[:len(t.scopes)-1]
	case '*', '+', '?':
		t.i++
		return t.quantifier(string(ch))
	case '{':
		return t.counted()
	}
	t.out.WriteByte(ch)
	t.i++
	return nil
}

func (t *translator) open(text string, s scope) {
	t.out.WriteString(text)
	t.scopes = append(t.scopes, s)
}

// group counts a group.
func (t *translator) group(name string) int {
	t.groups++
	t.names = append(t.names, name)
	return t.groups
}

// quantifier writes one, which ends at t.i, and looks at what makes it lazy.
func (t *translator) quantifier(text string) error {
	t.out.WriteString(text)
	switch {
	case strings.HasPrefix(t.src[t.i:], "?"):
		t.out.WriteByte('?')
		t.i++
	case strings.HasPrefix(t.src[t.i:], "+"):
		return t.lacks(t.i, "a possessive quantifier", "leave out the +")
	}
	return nil
}

// maxRepeat is how often RE2 repeats something by number.
const maxRepeat = 1000

// counted writes {m}, {m,}, {,n} and {m,n}; other braces are characters.
func (t *translator) counted() error {
	inside, _, ok := strings.Cut(t.src[t.i+1:], "}")
	least, most, two := strings.Cut(inside, ",")
	if !ok || inside == "" || !digits(least) || !digits(most) {
		t.out.WriteString(`\{`)
		t.i++
		return nil
	}
	bounds := []string{least, most}[:1]
	if two {
		bounds = append(bounds, most)
	}
	for i, s := range bounds {
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil || n > maxRepeat {
			return t.fail(t.i, "{%s} is more than %d times, which RE2 does not count",
				inside, maxRepeat)
		}
		bounds[i] = strconv.Itoa(n) // without zeros before it, which RE2 does not take
	}
	if bounds[0] == "" {
		bounds[0] = "0"
	}
	t.i += strings.IndexByte(t.src[t.i:], '}') + 1
	return t.quantifier("{" + strings.Join(bounds, ",") + "}")
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// extension translates what begins with (?.
func (t *translator) extension() error {
	begin := t.i
	rest := t.src[t.i+2:]
	for _, lack := range []struct{ prefix, what, instead string }{
		{"=", "a lookahead (?=...)", "match what follows too, and take a group of the match"},
		{"!", "a lookahead (?!...)", "match more, and look at the match in the script"},
		{"<=", "a lookbehind (?<=...)", "match what is before too, and take a group of the match"},
		{"<!", "a lookbehind (?<!...)", "match more, and look at the match in the script"},
		{"P=", "a backreference (?P=...)", "match both, and compare the groups in the script"},
		{">", "an atomic group (?>...)", "write (?:...)"},
		{"(", "a conditional (?(...)...)", "write both cases, with | between them"},
	} {
		if strings.HasPrefix(rest, lack.prefix) {
			return t.lacks(begin, lack.what, lack.instead)
		}
	}
	if strings.HasPrefix(rest, "#") {
		end := strings.IndexByte(rest, ')')
		if end < 0 {
			return t.fail(begin, "the comment (?#... does not end")
		}
		t.i += 2 + end + 1
		return nil
	}
	for _, prefix := range []string{"P<", "<"} {
		if named, ok := strings.CutPrefix(rest, prefix); ok {
			t.started = true
			return t.named(begin, named, len("(?")+len(prefix))
		}
	}
	return t.inline(begin)
}

// named begins a group with a name.
func (t *translator) named(begin int, rest string, skip int) error {
	name, _, ok := strings.Cut(rest, ">")
	if !ok || !identifier(name) {
		return t.fail(begin, "the name of a group is written (?P<name>...), of letters, digits "+
			"and _")
	}
	for _, other := range t.names {
		if other == name {
			return t.fail(begin, "there are two groups named %s", name)
		}
	}
	t.open("(?P<"+name+">", scope{t.scope().verbose, t.scope().ascii, t.group(name)})
	t.i += skip + len(name) + 1
	return nil
}

func identifier(s string) bool {
	for i, r := range s {
		letter := 'a' <= r|0x20 && r|0x20 <= 'z' || r == '_'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// inline translates (?flags), (?flags:...), (?-flags:...) and (?:...).
func (t *translator) inline(begin int) error {
	var on, off flags
	side := &on
	for i := begin + 2; i < len(t.src); i++ {
		switch ch := t.src[i]; {
		case ch == '-' && side == &on:
			side = &off
		case ch == ':':
			if off&(ascii|unicoded) != 0 {
				return t.fail(begin, "flags a and u are not switched off")
			}
			inner := scope{t.scope().verbose, t.scope().ascii, 0}
			inner.verbose = (inner.verbose || on&verbose != 0) && off&verbose == 0
			inner.ascii = (inner.ascii || on&ascii != 0) && on&unicoded == 0
			t.started = true
			t.open(on.prefix(off), inner)
			t.i = i + 1
			return nil
		case ch == ')' && side == &on && on != 0:
			if t.started {
				return t.fail(begin, "flags for the whole stand at its beginning; "+
					"for a part write (?%s:...)", t.src[begin+2:i])
			}
			t.flags |= on
			t.scopes[0].verbose = t.flags&verbose != 0
			t.scopes[0].ascii = t.flags&ascii != 0
			t.i = i + 1
			return t.flags.check()
		case ch == 'L':
			return locale.check()
		case flagOf(ch) != 0:
			*side |= flagOf(ch)
		default:
			r, _ := utf8.DecodeRuneInString(t.src[i:])
			return t.fail(begin, "(?%s%c is no extension", t.src[begin+2:i], r)
		}
	}
	return t.fail(begin, "(?... does not end")
}
