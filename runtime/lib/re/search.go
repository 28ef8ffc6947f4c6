package re

import (
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// how says where a match has to be.
type how byte

const (
	anywhere how = iota // behind the place where the search begins
	here                // at that place
	whole               // from that place to the end
	long                // at that place, and as long as can be
)

// find returns the indices of a match and of its groups in s, in pairs; nil if there is none. It
// begins at pos, and what is before counts for ^ and \b only.
func (p *pattern) find(s string, pos int, how how) []int {
	if pos == 0 || !p.behind {
		var re *regexp.Regexp
		switch how {
		case anywhere:
			re = p.first
		case here:
			re = p.matches()
		case whole:
			re = p.fits()
		case long:
			re = p.longest()
		}
		return shifted(re.FindStringSubmatchIndex(s[pos:]), pos)
	}
	// Package regexp looks at no more than the character before, so that one will do.
	var re *regexp.Regexp
	switch how {
	case anywhere:
		re = p.after.first()
	case here:
		re = p.after.matches()
	case whole:
		re = p.after.fits()
	case long:
		re = p.after.longest()
	}
	_, n := utf8.DecodeLastRuneInString(s[:pos])
	loc := re.FindStringSubmatchIndex(s[pos-n:])
	if loc == nil {
		return nil
	}
	return shifted(loc[2:], pos-n)
}

func shifted(loc []int, by int) []int {
	for i := range loc {
		if loc[i] >= 0 {
			loc[i] += by
		}
	}
	return loc
}

// affordable returns an error if a search of n bytes may take too long.
func (p *pattern) affordable(n int) error {
	if n > maxWork/p.steps {
		return fmt.Errorf("the text has %d bytes, and the pattern %d instructions, which may "+
			"take too long: %d bytes are the most for it", n, p.steps, maxWork/p.steps)
	}
	return nil
}

// each calls f with each match from pos on, as Python does since 3.7: an empty match may follow
// another match at once, but not another empty one at the same place. It ends early if f returns
// false.
func (p *pattern) each(
	t *starlark.Thread, s string, pos int, f func(loc []int) (bool, error),
) error {
	if pos > len(s) {
		return nil
	}
	if err := p.affordable(len(s) - pos); err != nil {
		return err
	}
	ctx := host.CallOf(t).Context()
	empty := false // there was an empty match at pos
	for {
		// Together the searches may take the square of the length.
		if err := ctx.Err(); err != nil {
			return err
		}
		var loc []int
		if empty {
			// What does begin here has to be longer. Python takes the first that is, in the order
			// of its backtracking.
			if loc = p.find(s, pos, long); loc == nil || loc[1] == pos {
				if pos == len(s) {
					return nil
				}
				_, width := utf8.DecodeRuneInString(s[pos:])
				pos += width
				loc = nil
			}
		}
		if loc == nil {
			loc = p.find(s, pos, anywhere)
		}
		if loc == nil {
			return nil
		}
		more, err := f(loc)
		if err != nil || !more {
			return err
		}
		pos, empty = loc[1], loc[0] == loc[1]
	}
}

// subject returns what is searched.
func subject(v starlark.Value) (string, error) {
	switch v := v.(type) {
	case starlark.String:
		return string(v), nil
	case starlark.Bytes:
		return "", errors.New("for parameter string: got bytes, want string: str(x) is their text")
	}
	return "", fmt.Errorf("for parameter string: got %s, want string", v.Type())
}
