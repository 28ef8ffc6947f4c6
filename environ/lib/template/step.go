package template

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A step is a part of a compiled template. It is immutable, and runs for many pages at once.
type step interface {
	// run writes what the step makes of the values that the run has.
	run(x *run) error
}

// text stands between actions.
type text string

func (s text) run(x *run) error {
	x.out = append(x.out, s...)
	return x.room()
}

// block is steps in a row.
type block []step

func (s block) run(x *run) error { return x.steps(s) }

// write is an action that writes a value.
type write struct {
	at      syntax.Position
	value   expr
	escaper *escaper
}

func (s *write) run(x *run) error {
	v, err := s.value.eval(x)
	if err != nil {
		return err
	}
	out, err := s.escaper.write(x.out, v)
	if err != nil {
		return x.fail(s.at, err)
	}
	if !s.escaper.table && bytes.Contains(out[len(x.out):], []byte(harmless)) {
		x.warn(s.at, v)
	}
	x.out = out
	return x.room()
}

// harmless is what html/template writes in the place of what is not safe there.
const harmless = "ZgotmplZ"

// warn tells whoever runs the program that a value was not safe for its place: what a client sent may
// be, so that it is no error.
func (x *run) warn(at syntax.Position, v starlark.Value) {
	if x.thread.Print == nil {
		return
	}
	x.at = at
	text := host.Show(v)
	const most = 100
	if len(text) > most {
		text = text[:most] + "..."
	}
	x.thread.Print(x.thread, fmt.Sprintf("%s: %s can load or run something there, and is written as %s; "+
		"what is yours and trusted is passed as an element of @html, as html.img(src = ...)", x.page.name, text,
		harmless))
}

// unescaped is an action in a place that html/template takes for one that is never reached.
type unescaped struct{ at syntax.Position }

func (s *unescaped) run(x *run) error {
	return x.fail(s.at, errors.New("this stands after a break or continue, and is not escaped"))
}

// assign sets a variable.
type assign struct {
	slot  int
	value expr
}

func (s *assign) run(x *run) error {
	v, err := s.value.eval(x)
	if err == nil {
		x.vars[x.base+s.slot] = v
	}
	return err
}

// branch is if, or with.
type branch struct {
	with     bool
	cond     expr
	slot     int // of the variable that the condition is kept in; -1 if there is none
	then, or []step
}

func (s *branch) run(x *run) error {
	v, err := s.cond.eval(x)
	if err != nil {
		return err
	}
	if s.slot >= 0 {
		x.vars[x.base+s.slot] = v
	}
	if !v.Truth() {
		return x.steps(s.or)
	}
	if s.with {
		outer := x.dot
		x.dot = v
		defer func() { x.dot = outer }()
	}
	return x.steps(s.then)
}

// leave is break or continue.
type leave struct{ err error }

func (s leave) run(*run) error { return s.err }

// invoke is {{template}}.
type invoke struct {
	at   syntax.Position
	body *body
	arg  expr
}

// maxDepth is how deep templates may call each other.
const maxDepth = 1000

func (s *invoke) run(x *run) error {
	v, err := s.arg.eval(x)
	if err != nil {
		return err
	}
	if x.depth++; x.depth > maxDepth {
		return x.fail(s.at, fmt.Errorf("%d templates call each other without end", maxDepth))
	}
	defer func() { x.depth-- }()
	if err := x.charge(s.at, 1); err != nil {
		return err
	}
	return x.template(s.body, v)
}

// loop is range.
type loop struct {
	at         syntax.Position
	over       expr
	key, value int // slots of variables; -1 if there is none
	body, or   []step
}

func (s *loop) run(x *run) error {
	v, err := s.over.eval(x)
	if err != nil {
		return err
	}
	outer := x.dot
	n, err := s.each(x, v)
	x.dot = outer
	if err == nil && n == 0 {
		err = x.steps(s.or)
	}
	if err == errBreak {
		return nil
	}
	return err
}

// each runs the body for each element of v, and returns how many there were.
func (s *loop) each(x *run, v starlark.Value) (n int, err error) {
	switch v := v.(type) {
	case starlark.Int:
		most, err := starlark.AsInt32(v)
		if err != nil {
			return 0, x.fail(s.at, err)
		}
		for n < most && err == nil {
			err = s.once(x, starlark.MakeInt(n), starlark.MakeInt(n))
			n++
		}
		return n, err
	case starlark.NoneType:
		return 0, nil
	case *starlark.Dict:
		defer func() { n = v.Len() }()
		it := v.Iterate() // nobody changes it meanwhile
		defer it.Done()
		for key, value := range v.Entries() {
			if err := s.once(x, key, value); err != nil {
				return n, err
			}
		}
		return n, nil
	case starlark.IterableMapping:
		for _, item := range v.Items() {
			n++
			if err := s.once(x, item[0], item[1]); err != nil {
				return n, err
			}
		}
		return n, nil
	case starlark.Iterable:
		return s.elements(x, v)
	}
	return 0, x.fail(s.at, fmt.Errorf("%s is %s, which has no elements to range over", s.over,
		v.Type()))
}

// elements runs the body for each element of what is no mapping.
func (s *loop) elements(x *run, v starlark.Iterable) (n int, err error) {
	it := v.Iterate()
	if it == nil {
		return 0, x.fail(s.at, fmt.Errorf("%s, a %s, cannot be ranged over", s.over, v.Type()))
	}
	defer it.Done()
	var element starlark.Value
	for it.Next(&element) {
		var key starlark.Value
		if s.key >= 0 {
			key = starlark.MakeInt(n)
		}
		n++
		if err := s.once(x, key, element); err != nil {
			return n, err
		}
	}
	if err := host.IterError(it); err != nil {
		return n, x.fail(s.at, err)
	}
	return n, nil
}

// once runs the body for one element.
func (s *loop) once(x *run, key, value starlark.Value) error {
	if err := x.charge(s.at, 1); err != nil {
		return err
	}
	x.dot = value
	if s.key >= 0 {
		x.vars[x.base+s.key] = key
	}
	if s.value >= 0 {
		x.vars[x.base+s.value] = value
	}
	if err := x.steps(s.body); err != errContinue {
		return err
	}
	return nil
}
