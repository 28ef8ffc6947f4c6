package json

import (
	"encoding/json"
	"slices"

	"go.starlark.net/starlark"
)

// streamBlock is how long a block of a Stream is at least, but for the last.
const streamBlock = 8 << 10

// A Stream is the JSON of a value, made block by block: of a long iterable, wherever it stands in
// the value, only as many elements are asked for as the next block takes. The limits hold for each
// block, so that the whole has no bound but what is iterated. It is owned by one goroutine.
type Stream struct {
	e       encoder
	x       starlark.Value // nil once it is begun
	open    []container
	failure error
}

// A container is an array or an object that is being written.
type container struct {
	next    func() (key string, v starlark.Value, ok bool, err error)
	done    func()
	bracket string // that closes it
	object  bool
	count   int
}

// Stream returns the JSON of x as [Limits.Encode] writes it.
func (l Limits) Stream(x starlark.Value) *Stream {
	return &Stream{e: encoder{limits: l.withDefaults()}, x: x}
}

// Next returns the next block, and false at the end or with an error, which it returns again from
// then on.
func (s *Stream) Next() (block string, ok bool, err error) {
	s.e.out = s.e.out[:0]
	for s.failure == nil && len(s.e.out) < streamBlock && (s.x != nil || len(s.open) > 0) {
		s.failure = s.step()
	}
	if s.failure != nil {
		s.Done()
		return "", false, s.failure
	}
	return string(s.e.out), len(s.e.out) > 0, nil
}

// Done lets go of what is iterated. The Stream has ended then.
func (s *Stream) Done() {
	for _, c := range slices.Backward(s.open) {
		if c.done != nil {
			c.done()
		}
	}
	s.x, s.open = nil, nil
}

// step writes a value without what is in it, or a bracket.
func (s *Stream) step() error {
	if x := s.x; x != nil {
		s.x = nil
		return s.value(x)
	}
	top := &s.open[len(s.open)-1]
	key, v, ok, err := top.next()
	switch {
	case err != nil:
		return err
	case !ok:
		if top.done != nil {
			top.done()
		}
		bracket := top.bracket
		s.open = s.open[:len(s.open)-1]
		return s.e.leave(bracket)
	}
	if err := s.e.at(top.count, key); err != nil {
		return err
	}
	top.count++
	if top.object {
		if err := s.e.string(key); err != nil {
			return err
		}
		if err := s.e.write(":"); err != nil {
			return err
		}
	}
	return s.value(v)
}

// value writes what has no elements, and opens what has.
func (s *Stream) value(x starlark.Value) error {
	switch x := x.(type) {
	case json.Marshaler, starlark.String, starlark.Bytes:
	case starlark.IterableMapping:
		return s.mapping(x)
	case starlark.Iterable:
		if err := s.e.enter(x, "["); err != nil {
			return err
		}
		s.open = append(s.open, elements(x))
		return nil
	}
	return s.e.value(x)
}

func (s *Stream) mapping(x starlark.IterableMapping) error {
	items, err := s.e.items(x)
	if err != nil {
		return err
	}
	if err := s.e.enter(x, "{"); err != nil {
		return err
	}
	s.open = append(s.open, container{bracket: "}", object: true,
		next: func() (string, starlark.Value, bool, error) {
			if len(items) == 0 {
				return "", nil, false, nil
			}
			item := items[0]
			items = items[1:]
			return string(item[0].(starlark.String)), item[1], true, nil
		}})
	return nil
}

// elements are those of an array.
func elements(x starlark.Iterable) container {
	if seq, ok := x.(starlark.Indexable); ok {
		i := -1
		return container{bracket: "]", next: func() (string, starlark.Value, bool, error) {
			if i++; i >= seq.Len() {
				return "", nil, false, nil
			}
			return "", seq.Index(i), true, nil
		}}
	}
	iter := x.Iterate()
	next := func() (_ string, v starlark.Value, ok bool, err error) {
		if iter.Next(&v) {
			return "", v, true, nil
		}
		if failing, ok := iter.(interface{ Err() error }); ok {
			err = failing.Err()
		}
		return "", nil, false, err
	}
	return container{bracket: "]", done: iter.Done, next: next}
}
