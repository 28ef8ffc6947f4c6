package re

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

const (
	// maxPattern is how many bytes a pattern may have, and maxSteps how many instructions its
	// program.
	maxPattern = 64 << 10
	maxSteps   = 20_000
	// maxWork bounds what one search may take, which nothing can stop: instructions of the pattern
	// times bytes of the text. At worst that is some seconds, most often far less.
	maxWork = 1 << 28
)

// A pattern is what patternType describes. It is immutable.
type pattern struct {
	host.Object
	source  string
	flags   flags
	names   []string // of the groups from 1 on, "" of one that has none
	closed  []int    // the groups, in the order in which they end
	steps   int      // instructions
	behind  bool     // it looks at what is before the place where it begins
	first   *regexp.Regexp
	matches func() *regexp.Regexp // at the beginning of a text
	fits    func() *regexp.Regexp // the whole of it
	longest func() *regexp.Regexp // as long as can be, at the beginning
	// after are the same for a text of which the first character is not looked through. Group 1 is
	// the match.
	after struct{ first, matches, fits, longest func() *regexp.Regexp }
}

// compile makes a pattern of Python's syntax.
func compile(source string, f flags) (*pattern, error) {
	if len(source) > maxPattern {
		return nil, fmt.Errorf("the pattern has %d bytes, more than %d", len(source), maxPattern)
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	t := &translator{src: source, flags: f}
	text, err := t.run()
	if err != nil {
		return nil, err
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, fault(err)
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, fault(err)
	}
	if len(prog.Inst) > maxSteps {
		return nil, fmt.Errorf("the pattern is too large: %d instructions are more than %d",
			len(prog.Inst), maxSteps)
	}
	first, err := regexp.Compile(text)
	if err != nil {
		return nil, fault(err)
	}
	p := &pattern{
		Object: "re.Pattern", source: source, flags: t.flags, names: t.names, closed: t.closed,
		steps: len(prog.Inst), behind: looksBehind(prog), first: first,
	}
	later := func(text string, longest bool) func() *regexp.Regexp {
		return sync.OnceValue(func() *regexp.Regexp {
			re := regexp.MustCompile(text) // a little larger than one that was compiled
			if longest {
				re.Longest()
			}
			return re
		})
	}
	p.matches, p.fits = later(`\A`+text, false), later(`\A`+text+`\z`, false)
	p.longest = later(`\A`+text, true)
	const skip = `\A(?s:.)`
	p.after.first = later(skip+`(?s:.*?)(`+text+`)`, false)
	p.after.matches = later(skip+`(`+text+`)`, false)
	p.after.fits = later(skip+`(`+text+`)\z`, false)
	p.after.longest = later(skip+`(`+text+`)`, true)
	return p, nil
}

// fault says what RE2 does not take of a pattern.
func fault(err error) error {
	var e *syntax.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case syntax.ErrInvalidRepeatSize:
		return fmt.Errorf("%s repeats more than %d times altogether, or less than none",
			host.Cut(e.Expr), maxRepeat)
	case syntax.ErrMissingRepeatArgument:
		return fmt.Errorf("there is nothing to repeat before %s", host.Cut(e.Expr))
	case syntax.ErrInvalidRepeatOp:
		return fmt.Errorf("%s repeats what is repeated already; put (?:...) around that",
			host.Cut(e.Expr))
	case syntax.ErrInvalidUTF8:
		return errors.New("the pattern is not UTF-8")
	}
	return fmt.Errorf("%s: %s", e.Code, host.Cut(e.Expr))
}

func looksBehind(prog *syntax.Prog) bool {
	const before = syntax.EmptyBeginLine | syntax.EmptyBeginText | syntax.EmptyWordBoundary |
		syntax.EmptyNoWordBoundary
	return slices.ContainsFunc(prog.Inst, func(i syntax.Inst) bool {
		return i.Op == syntax.InstEmptyWidth && syntax.EmptyOp(i.Arg)&before != 0
	})
}

// A cache has the patterns that a generation of a program has compiled. It is safe for concurrent
// use; a nil one keeps nothing.
type cache struct {
	mu   sync.Mutex
	kept map[cacheKey]*pattern
}

type cacheKey struct {
	source string
	flags  flags
}

// maxKept is how many patterns a cache has at most.
const maxKept = 128

// compile returns the pattern of an argument: a string, or a pattern.
func (c *cache) compile(v starlark.Value, n int) (*pattern, error) {
	switch v := v.(type) {
	case *pattern:
		if n != 0 {
			return nil, errors.New("a compiled pattern has its flags: pass them to compile")
		}
		return v, nil
	case starlark.String:
		return c.compiled(cacheKey{string(v), flags(n)})
	case starlark.Bytes:
		return nil, errors.New("for parameter pattern: got bytes, want string: a pattern is for " +
			"text")
	}
	return nil, fmt.Errorf("for parameter pattern: got %s, want string or re.Pattern", v.Type())
}

func (c *cache) compiled(key cacheKey) (*pattern, error) {
	if c == nil {
		return compile(key.source, key.flags)
	}
	c.mu.Lock()
	p := c.kept[key]
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := compile(key.source, key.flags)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) == maxKept {
		for other := range c.kept { // any one
			delete(c.kept, other)
			break
		}
	}
	c.kept[key] = p
	return p, nil
}
