package host

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"go.starlark.net/starlark"
)

// A signature is the parameters of a function, and what binding arguments to them takes.
type signature struct {
	params    []Param
	required  int  // how many arguments have to be passed
	positions int  // how many have a place of their own
	nameless  bool // the first ones are passed by position only
	rest      bool // the last takes all further arguments by position, and none is bound to it
	misuse    func(error) error
}

// freezing is held while a default is frozen, which two loads of a module may do at once. All calls get
// the same value, at the same time: one that is not frozen counts who iterates over it.
var freezing sync.Mutex

func newSignature(params []Param, misuse func(error) error) (*signature, error) {
	s := &signature{params: params, positions: len(params), misuse: misuse}
	for i, p := range params {
		switch {
		case p.required() && s.required < i:
			return nil, fmt.Errorf(
				"parameter %s: it must be passed, and one before it need not", p.Name,
			)
		case p.Pass == Rest && i < len(params)-1:
			return nil, fmt.Errorf("parameter %s: what takes the rest is the last", p.Name)
		case p.Pass == RestByName:
			return nil, fmt.Errorf("parameter %s: only a Value takes further names", p.Name)
		}
		if p.required() {
			s.required++
		}
		if p.Default != nil {
			freezing.Lock()
			p.Default.Freeze()
			freezing.Unlock()
		}
	}
	if i := slices.IndexFunc(params, func(p Param) bool { return p.Pass == ByName }); i >= 0 {
		s.positions = i
	}
	if n := len(params); n > 0 {
		s.nameless, s.rest = params[0].Pass == ByPosition, params[n-1].Pass == Rest
		if s.rest {
			s.positions = min(s.positions, n-1)
		}
	}
	return s, nil
}

// bind puts the arguments into values, which are nil, in the order of the parameters, but for the
// rest. What is wrong with them is said in the words of starlark.UnpackArgs. One that was not
// passed is its default.
func (s *signature) bind(
	values []starlark.Value, name string, args starlark.Tuple, kwargs []starlark.Tuple,
) error {
	if s.nameless {
		if err := s.checkPositions(name, args, kwargs); err != nil {
			return err
		}
	}
	if len(args) > s.positions {
		return fmt.Errorf("%s: got %d arguments, want at most %d", name, len(args), s.positions)
	}
	if len(kwargs) == 0 && len(args) >= s.required {
		copy(values, args)
	} else if err := s.sort(values, name, args, kwargs); err != nil {
		return err
	}
	for i := range values {
		if values[i] == nil {
			values[i] = s.params[i].Default
		}
	}
	return nil
}

// sort is bind for arguments of which some are named, or missing.
func (s *signature) sort(
	values []starlark.Value, name string, args starlark.Tuple, kwargs []starlark.Tuple,
) error {
	sorted := make([]starlark.Value, len(values)) // so that values need not be on the heap
	pairs := make([]any, 0, 2*len(values))
	for i, p := range s.params[:len(values)] {
		key := p.Name
		if !p.required() {
			key += "?"
		}
		pairs = append(pairs, key, &sorted[i])
	}
	err := starlark.UnpackArgs(name, args, kwargs, pairs...)
	copy(values, sorted)
	return err
}

// checkPositions checks the arguments of a function whose first parameters have no names for a
// script.
func (s *signature) checkPositions(
	name string, args starlark.Tuple, kwargs []starlark.Tuple,
) error {
	for _, kv := range kwargs {
		for _, p := range s.params {
			if p.Pass == ByPosition && starlark.String(p.Name) == kv[0] {
				return fmt.Errorf("%s: unexpected keyword argument %s", name, p.Name)
			}
		}
	}
	most := s.positions
	if s.rest {
		most = math.MaxInt
	}
	least := min(s.required, s.positions)
	if len(args) < least {
		return s.lacking(name, len(args), least, most)
	}
	return count(name, len(args), least, most)
}

// lacking is the error of too few arguments by position, with the parameters that it lacks.
func (s *signature) lacking(name string, n, least, most int) error {
	all := make([]string, least)
	for i, p := range s.params[:least] {
		all[i] = p.Name
	}
	are := "is"
	if least-n > 1 {
		are = "are"
	}
	return fmt.Errorf("%w: %s %s missing; write %s(%s)", count(name, n, least, most),
		strings.Join(all[n:], ", "), are, name, strings.Join(all, ", "))
}

// count reports the error of n arguments where least to most are wanted.
func count(name string, n, least, most int) error {
	bound, want := "", most
	switch {
	case n >= least && n <= most:
		return nil
	case n < least && least < most:
		bound, want = "at least ", least
	case n < least:
		want = least
	case least < most:
		bound = "at most "
	}
	return fmt.Errorf("%s: got %d arguments, want %s%d", name, n, bound, want)
}

// misused makes the error of wrong arguments into the one that a script gets.
func (s *signature) misused(err error) error {
	if err != nil && s.misuse != nil {
		return s.misuse(err)
	}
	return err
}
