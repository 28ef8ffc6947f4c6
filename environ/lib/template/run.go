package template

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// The bounds of one page.
const (
	maxOutput = 32 << 20 // bytes
	charged   = 64       // steps that are counted together
)

// A run writes one page. It is a function for the interpreter, called on the thread of the request:
// so the line of the template stands in the call stack between the functions of the script.
type run struct {
	host.Object
	thread  *starlark.Thread
	page    *page
	environ starlark.Value // nil where there is none
	dot     starlark.Value

	out   []byte
	vars  []starlark.Value // of all templates that are active
	base  int              // where those of the innermost begin
	depth int
	work  uint64          // steps that are not counted yet
	at    syntax.Position // where it has come to, when a function is called or something fails
}

var _ starlark.Callable = (*run)(nil)

// Name is that of the page.
func (x *run) Name() string { return x.page.name }

// Position is what the interpreter writes into a call stack.
func (x *run) Position() syntax.Position { return x.at }

// CallInternal writes the page.
func (x *run) CallInternal(
	*starlark.Thread, starlark.Tuple, []starlark.Tuple,
) (starlark.Value, error) {
	x.at = x.page.begins
	if err := x.template(x.page.body, x.dot); err != nil {
		return nil, err
	}
	return starlark.None, x.charge(x.at, charged)
}

// template runs a template whose dot is v.
func (x *run) template(b *body, v starlark.Value) error {
	dot, base, end := x.dot, x.base, len(x.vars)
	x.dot, x.base = v, end
	for range b.vars {
		x.vars = append(x.vars, starlark.None)
	}
	x.vars[x.base] = v // $
	err := x.steps(b.steps)
	x.vars = x.vars[:end]
	x.dot, x.base = dot, base
	return err
}

func (x *run) steps(steps []step) error {
	for _, s := range steps {
		if err := s.run(x); err != nil {
			return err
		}
	}
	return nil
}

// fail returns the error of what stands at a place, to which the call stack is to point.
func (x *run) fail(at syntax.Position, err error) error {
	x.at = at
	return err
}

// room returns an error if the page is too large.
func (x *run) room() error {
	if len(x.out) > maxOutput {
		return fmt.Errorf("the page is larger than %d MiB", maxOutput>>20)
	}
	return nil
}

// charge counts n steps of what stands at a place, as those of a script, and returns why the call
// must not go on, if so.
func (x *run) charge(at syntax.Position, n uint64) error {
	if x.work += n; x.work < charged {
		return nil
	}
	x.at = at
	n, x.work = x.work, 0
	return host.Charge(x.thread, n)
}

// call calls a function of the script.
func (x *run) call(
	at syntax.Position, fn starlark.Value, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	x.at = at
	if err := x.charge(at, 1); err != nil {
		return nil, err
	}
	v, err := starlark.Call(x.thread, fn, args, kwargs)
	x.at = at // a page in a page has its own
	return v, err
}
