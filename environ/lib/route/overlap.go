package route

import (
	"regexp/syntax"
	"unicode"
)

// overlaps reports whether there is text that both segments match. It is exact, but for what asks
// for the place in the text, as \b does, which it takes as given, and for huge expressions.
func (s *segment) overlaps(other *segment) bool {
	switch {
	case len(s.parts) == 0 || s.rank == nil || other.rank == nil:
		return s.literal == other.literal
	case s == other:
		return true
	}
	return meet(s.prog, other.prog)
}

// maxMeeting is how many pairs of states are looked at.
const maxMeeting = 1 << 20

// meet reports whether two programs accept the same text: whether a pair of final states can be
// reached by steps that both take. There are as many pairs at most as the product of their lengths.
func meet(a, b *syntax.Prog) bool {
	if len(a.Inst)*len(b.Inst) > maxMeeting {
		return true // an author has to write less
	}
	type pair struct{ a, b uint32 }
	seen := map[pair]bool{}
	next := []pair{{uint32(a.Start), uint32(b.Start)}}
	visit := func(p pair) {
		if !seen[p] {
			seen[p] = true
			next = append(next, p)
		}
	}
	for len(next) > 0 {
		at := next[len(next)-1]
		next = next[:len(next)-1]
		x, y := &a.Inst[at.a], &b.Inst[at.b]
		switch {
		case silent(x):
			visit(pair{x.Out, at.b})
			if x.Op == syntax.InstAlt || x.Op == syntax.InstAltMatch {
				visit(pair{x.Arg, at.b})
			}
		case silent(y):
			visit(pair{at.a, y.Out})
			if y.Op == syntax.InstAlt || y.Op == syntax.InstAltMatch {
				visit(pair{at.a, y.Arg})
			}
		case x.Op == syntax.InstMatch && y.Op == syntax.InstMatch:
			return true
		case x.Op == syntax.InstMatch || y.Op == syntax.InstMatch,
			x.Op == syntax.InstFail || y.Op == syntax.InstFail:
		case shareRune(x, y):
			visit(pair{x.Out, y.Out})
		}
	}
	return false
}

// silent reports whether an instruction takes no character.
func silent(i *syntax.Inst) bool {
	switch i.Op {
	case syntax.InstAlt, syntax.InstAltMatch, syntax.InstCapture, syntax.InstNop,
		syntax.InstEmptyWidth:
		return true
	}
	return false
}

// shareRune reports whether two instructions take the same character. If they do, one of those that
// begin a range of either is such a one.
func shareRune(x, y *syntax.Inst) bool {
	for _, pair := range [][2]*syntax.Inst{{x, y}, {y, x}} {
		for _, r := range beginnings(pair[0]) {
			if r != '/' && pair[0].MatchRune(r) && pair[1].MatchRune(r) {
				return true
			}
		}
	}
	return false
}

// beginnings are the first characters of the ranges that an instruction takes, none of which is a
// slash.
func beginnings(i *syntax.Inst) []rune {
	if i.Op == syntax.InstRuneAny || i.Op == syntax.InstRuneAnyNotNL {
		return []rune{'a'}
	}
	var all []rune
	if len(i.Rune) == 1 {
		r := i.Rune[0]
		all = append(all, r)
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			all = append(all, f)
		}
		return all
	}
	for k := 0; k+1 < len(i.Rune); k += 2 {
		all = append(all, i.Rune[k])
		if i.Rune[k] == '/' && i.Rune[k+1] > '/' {
			all = append(all, '/'+1)
		}
	}
	return all
}
