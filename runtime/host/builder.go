package host

import (
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// A builder makes values of descriptions.
type builder struct {
	state    any          // what functions may begin with, if it is not nil
	receiver reflect.Type // that of a value whose method a function is, nil if it is none
	misuse   func(error) error
}

// value makes the value of a member, which messages call name; nil if it has none by itself.
func (b *builder) value(m *Member, name string) (starlark.Value, error) {
	switch {
	case m.Fn != nil:
		call, err := b.function(m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return starlark.NewBuiltin(name, call), nil
	case m.Value != nil:
		return m.Value, nil
	case len(m.Members) == 0:
		return nil, nil
	}
	members := make(starlark.StringDict, len(m.Members))
	for i := range m.Members {
		member := &m.Members[i]
		v, err := b.value(member, name+"."+member.Name)
		if err == nil && v == nil {
			err = fmt.Errorf("%s: nothing makes %s", name, member.Name)
		}
		if err != nil {
			return nil, err
		}
		members[member.Name] = v
	}
	return &starlarkstruct.Module{Name: name, Members: members}, nil
}

// A builtin is what starlark.NewBuiltin takes.
type builtin = func(
	*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple,
) (starlark.Value, error)

// function returns what a script calls for a member.
func (b *builder) function(m *Member) (builtin, error) {
	fn, ok := m.Fn.(func(Args) (starlark.Value, error))
	if !ok {
		a, err := b.adapter(m)
		if err != nil {
			return nil, err
		}
		return a.call, nil
	}
	s, err := newSignature(m.Params, b.misuse)
	if err != nil {
		return nil, err
	}
	state := b.state
	return func(
		t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
	) (starlark.Value, error) {
		a := Args{Thread: t, Of: state, signature: s, name: b.Name(), args: args, kwargs: kwargs}
		if state == nil {
			a.Of = b.Receiver()
		}
		v, err := guarded(fn, a)
		if err != nil {
			return nil, named(b.Name(), err)
		}
		return v, nil
	}, nil
}

// guarded calls fn, whose panic is an error, as that of any other function is.
func guarded(fn func(Args) (starlark.Value, error), a Args) (v starlark.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{Value: r, Stack: debug.Stack()}
		}
	}()
	return fn(a)
}

// adapter returns the function of a member that is an ordinary one of Go.
func (b *builder) adapter(m *Member) (*adapter, error) {
	a := &adapter{
		fn:        reflect.ValueOf(m.Fn),
		signature: &signature{params: m.Params, misuse: b.misuse},
	}
	first := b.receiver
	if b.state != nil {
		first = reflect.TypeOf(b.state)
	}
	if err := a.inspect(first); err != nil {
		return nil, err
	}
	if len(a.params) == 0 && len(a.in) > 0 {
		return nil, fmt.Errorf("its %d parameters are not described", len(a.in))
	}
	switch {
	case b.receiver != nil && !a.first:
		return nil, fmt.Errorf("its first parameter is not a %v", b.receiver)
	case a.first && b.state != nil:
		a.state = reflect.ValueOf(b.state)
	}
	return a, nil
}

// Signature returns how a function is called, as in read(path, limit = 10); of anything else the
// name.
func (m *Member) Signature() string {
	if m.Fn == nil && len(m.Params) == 0 && m.Result == "" && !m.callable() {
		return m.Name
	}
	return m.Name + "(" + strings.Join(m.Parameters(), ", ") + ")"
}

// Parameters returns the parameters as they stand in the Signature, in the order in which they do:
// those passed by name only after a star, a default as in limit = 10, in brackets what may be left
// out.
func (m *Member) Parameters() []string {
	var all, byName, last []string
	star := "*"
	for _, p := range m.Params {
		text := p.Name
		switch {
		case p.Default != nil:
			text += " = " + p.Default.String()
		case p.Optional:
			text = "[" + text + "]"
		}
		switch p.Pass {
		case Rest:
			star += p.Name
		case RestByName:
			last = append(last, "**"+p.Name)
		case ByName:
			byName = append(byName, text)
		default:
			all = append(all, text)
		}
	}
	if len(star) > 1 || len(byName) > 0 {
		all = append(all, star)
	}
	return slices.Concat(all, byName, last)
}

func (m *Member) callable() bool {
	_, ok := m.Value.(starlark.Callable)
	return ok
}

// TypeOf returns what a script calls the type of a parameter of m: what the description says, or
// else the Go type of the function does.
func (m *Member) TypeOf(p *Param) string {
	t := reflect.TypeOf(m.Fn)
	if p.Type != "" || t == nil || t.NumIn() < len(m.Params) {
		return p.Type
	}
	for i := range m.Params {
		if m.Params[i].Name != p.Name {
			continue
		}
		in := t.In(t.NumIn() - len(m.Params) + i)
		if p.Pass == Rest {
			in = in.Elem()
		}
		return typeName(in)
	}
	return ""
}
