package http

import (
	"io"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func inputMember() host.Member {
	return host.Member{
		Name: "input",
		Doc:  "Makes a wsgi.input, for middleware that gives the application another body.",
		Params: []host.Param{{
			Name: "blocks",
			Doc:  "the body; of an iterable each block is asked for when it is needed",
			Type: "bytes, string or iterable of these",
		}},
		Result:  "an input: read, readline, readlines and iteration",
		Errors:  []host.Failure{{Code: string(environ.CodeWebUse), When: "it is none of these"}},
		Example: `input([b"a\n", "b"]).readlines()  # [b"a\n", b"b"]`,
		Fn:      input,
	}
}

func input(a host.Args) (starlark.Value, error) {
	var v starlark.Value
	if err := a.Unpack(&v); err != nil {
		return nil, err
	}
	var b blocks
	if s, ok := host.Octets(v); ok {
		b.rest = s
	} else if b.from, ok = v.(starlark.Iterable); !ok {
		return nil, environ.Errorf(
			environ.CodeWebUse, "pass bytes, or an iterable of them", "input: got %s", v.Type(),
		)
	}
	in := environ.NewInput(&b)
	in.Fail = host.CallOf(a.Thread).Fail
	return in, nil
}

// blocks reads the blocks of an iterable one after the other, each when it is needed.
type blocks struct {
	rest string
	from starlark.Iterable
	iter starlark.Iterator
}

func (b *blocks) Read(p []byte) (int, error) {
	for b.rest == "" {
		if b.from == nil {
			return 0, io.EOF
		}
		if b.iter == nil {
			b.iter = b.from.Iterate()
		}
		var v starlark.Value
		if !b.iter.Next(&v) {
			return 0, b.end()
		}
		block, ok := host.Octets(v)
		if !ok {
			b.iter.Done()
			b.from = nil
			return 0, environ.Errorf(
				environ.CodeWebUse, "", "input: a block is a %s, not bytes", v.Type(),
			)
		}
		b.rest = block
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *blocks) end() error {
	b.iter.Done()
	b.from = nil
	if err := host.IterError(b.iter); err != nil {
		return err
	}
	return io.EOF
}
