// Package body is the host module @body: iterables for response bodies, which Starlark, having no
// generators, cannot make itself. Middleware is written with them. [Module] describes it.
//
// All are lazy: a block is made when the server asks for it, after the one before has reached the
// client. All have a close method, which runs once: it closes what they were made of (PEP 3333,
// "Middleware": middleware must call the close of what it wraps), and then calls what body was
// given, as Rack's BodyProxy and werkzeug's ClosingIterator do. Their callbacks run on the thread
// of the request, to which they belong: one that is made while a module is loaded cannot be used.
package body

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @body.
func Module() *host.Module {
	return &host.Module{
		Name:    "body",
		Doc:     "Bodies of responses whose blocks are made as the client takes them.",
		Whole:   true,
		Members: []host.Member{bodyMember(), mapMember(), chainMember(), mergeMember(), ticksMember()},
	}
}

// iterableParam is the parameter of what is made of blocks.
func iterableParam() host.Param {
	return host.Param{
		Name: "iterable",
		Doc:  "the blocks: a list, another body, a file",
		Type: "iterable",
	}
}

func bodyMember() host.Member {
	return host.Member{
		Name: "body",
		Doc:  "Gives the blocks of an iterable, and has a close of its own, for middleware.",
		Params: []host.Param{
			iterableParam(),
			{
				Name:    "close",
				Doc:     "is called when the response has ended, after the close of the iterable",
				Type:    "callable or None",
				Default: starlark.None,
			},
		},
		Result:  "an iterable",
		Errors:  []host.Failure{{When: "close is not a function"}},
		Example: `list(body(["a", "b"], close = lambda: None))  # ["a", "b"]`,
		Fn:      newBody,
	}
}

func mapMember() host.Member {
	return host.Member{
		Name: "body_map",
		Doc:  "Gives what a function makes of each block.",
		Params: []host.Param{
			{
				Name: "fn",
				Doc:  "is called with a block when the next one is asked for",
				Type: "callable",
			},
			iterableParam(),
		},
		Result:  "an iterable",
		Errors:  []host.Failure{{When: "fn fails: that ends the response"}},
		Example: `list(body_map(lambda b: b.upper(), ["a", "b"]))  # ["A", "B"]`,
		Fn:      newMap,
	}
}

func chainMember() host.Member {
	return host.Member{
		Name: "body_chain",
		Doc:  "Gives the blocks of one iterable after the other.",
		Params: []host.Param{
			{Name: "iterables", Doc: "each as for body", Type: "iterable", Pass: host.Rest},
		},
		Result:  "an iterable",
		Errors:  []host.Failure{{When: "an argument is not iterable"}},
		Example: `list(body_chain(["a"], ("b", "c")))  # ["a", "b", "c"]`,
		Fn:      newChain,
	}
}

func newBody(a host.Args) (starlark.Value, error) {
	var blocks starlark.Iterable
	var closing starlark.Value
	if err := a.Unpack(&blocks, &closing); err != nil {
		return nil, err
	}
	b := &host.Iterable{Object: "body", Thread: a.Thread, Parts: []starlark.Value{blocks}}
	b.Start = func() host.Steps { return host.Each(blocks, nil) }
	if closing != starlark.None {
		var ok bool
		if b.OnClose, ok = closing.(starlark.Callable); !ok {
			return nil, fmt.Errorf("close is %s, not a function", closing.Type())
		}
	}
	return b.Sized(starlark.Len(blocks)), nil
}

func newMap(a host.Args) (starlark.Value, error) {
	var fn starlark.Callable
	var blocks starlark.Iterable
	if err := a.Unpack(&fn, &blocks); err != nil {
		return nil, err
	}
	b := &host.Iterable{Object: "body_map", Thread: a.Thread, Parts: []starlark.Value{blocks}}
	b.Start = func() host.Steps {
		return host.Each(blocks, func(v starlark.Value) (starlark.Value, error) {
			return starlark.Call(a.Thread, fn, starlark.Tuple{v}, nil)
		})
	}
	return b.Sized(starlark.Len(blocks)), nil
}

func newChain(t *starlark.Thread, parts ...starlark.Value) (starlark.Iterable, error) {
	for i, v := range parts {
		if _, ok := v.(starlark.Iterable); !ok {
			return nil, fmt.Errorf("argument %d is %s, not an iterable of blocks", i+1, v.Type())
		}
	}
	b := &host.Iterable{Object: "body_chain", Thread: t, Parts: parts}
	b.Start = func() host.Steps { return chain(parts) }
	return b, nil
}

// chain gives the elements of one iterable after the other. Each is begun when the one before has
// ended.
func chain(rest []starlark.Value) host.Steps {
	current := host.Steps{Done: func() {}}
	next := func() (starlark.Value, bool, error) {
		for {
			if current.Next != nil {
				v, ok, err := current.Next()
				if ok || err != nil {
					return v, ok, err
				}
				current.Done()
			}
			if len(rest) == 0 {
				current = host.Steps{Done: func() {}}
				return nil, false, nil
			}
			current, rest = host.Each(rest[0].(starlark.Iterable), nil), rest[1:]
		}
	}
	return host.Steps{Next: next, Done: func() { current.Done() }}
}
