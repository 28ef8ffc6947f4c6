package host

import (
	"context"
	"reflect"

	"go.starlark.net/starlark"
)

// Merge returns an iterable of the elements of several, as they come, each as a tuple of the name of its
// source, of names, and the element. Nothing is taken of a source before it is asked for, and none has to
// wait for another that always has something. One that is no [Poller] is asked when no other has anything,
// and waited for. It ends with the first of them that ends.
func Merge(object Object, t *starlark.Thread, names []string, sources []starlark.Iterable) *Iterable {
	b := &Iterable{Object: object, Thread: t}
	for _, s := range sources {
		b.Parts = append(b.Parts, s)
	}
	b.Start = func() Steps {
		m := &merging{names: names, iters: make([]starlark.Iterator, len(sources))}
		for i, s := range sources {
			m.iters[i] = s.Iterate()
		}
		return Steps{Next: func() (starlark.Value, bool, error) { return m.next(t) }, Done: m.done}
	}
	return b
}

// A merging is an iteration over several iterables.
type merging struct {
	names []string
	iters []starlark.Iterator
	first int // which is asked first
}

func (m *merging) next(t *starlark.Thread) (starlark.Value, bool, error) {
	for {
		cases := make([]reflect.SelectCase, 1, len(m.iters)+1)
		slow := -1
		for n := range m.iters {
			i := (m.first + n) % len(m.iters)
			p, ok := m.iters[i].(Poller)
			if !ok || !p.Polls() {
				if slow < 0 {
					slow = i
				}
				continue
			}
			var v starlark.Value
			ok, later := p.Poll(&v)
			if later == nil {
				return m.give(i, v, ok)
			}
			cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(later)})
		}
		if slow >= 0 {
			var v starlark.Value
			ok := m.iters[slow].Next(&v)
			return m.give(slow, v, ok)
		}
		err := CallOf(t).Wait(func(ctx context.Context) error {
			cases[0] = reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ctx.Done())}
			if i, _, _ := reflect.Select(cases); i == 0 {
				return ctx.Err()
			}
			return nil
		})
		if err != nil {
			return nil, false, err
		}
	}
}

// give gives an element of a source. The next one is asked first then.
func (m *merging) give(i int, v starlark.Value, ok bool) (starlark.Value, bool, error) {
	m.first = i + 1
	if !ok {
		return nil, false, IterError(m.iters[i])
	}
	return starlark.Tuple{starlark.String(m.names[i]), v}, true, nil
}

func (m *merging) done() {
	for _, i := range m.iters {
		i.Done()
	}
}
