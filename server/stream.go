package server

import (
	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/answer"
	"go.starlark.net/starlark"
)

// A stream is what a callable body is called with, as in Rack 3: write(block), flush(), read(size),
// close(), closed.
type stream struct {
	host.Object
	r      *response
	closed bool
}

// stream calls a callable body.
func (r *response) stream(t *starlark.Thread, body starlark.Callable) error {
	if r.status == 0 {
		return r.commit() // the error
	}
	if r.bodiless() {
		return r.commit()
	}
	r.duplex = true
	s := &stream{Object: "stream", r: r}
	defer func() { s.closed = true }()
	_, err := starlark.Call(t, body, starlark.Tuple{s}, nil)
	return err
}

var streamMethods = map[string]*starlark.Builtin{
	"write": starlark.NewBuiltin("write", func(_ *starlark.Thread, b *starlark.Builtin,
		args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		s, err := open(b)
		if err != nil {
			return nil, err
		}
		if len(args) != 1 || len(kwargs) != 0 {
			return nil, environ.Errorf(environ.CodeArguments, "",
				"stream.write() takes one block, got %d arguments", len(args)+len(kwargs))
		}
		block, ok := host.Octets(args[0])
		if !ok {
			return nil, answer.NotBlock(args[0], "the argument of stream.write()")
		}
		return starlark.None, s.r.put(block)
	}),
	"flush": starlark.NewBuiltin("flush", func(_ *starlark.Thread, b *starlark.Builtin,
		args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		s, err := open(b)
		if err != nil {
			return nil, err
		}
		// A block is on the wire when write returns: what is left to send is the header.
		if err := s.r.commit(); err != nil {
			return nil, err
		}
		s.r.flush()
		return starlark.None, nil
	}),
	"read": starlark.NewBuiltin("read", func(t *starlark.Thread, b *starlark.Builtin,
		args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		s, err := open(b)
		if err != nil {
			return nil, err
		}
		read, err := s.r.env.Input.Attr("read")
		if err != nil {
			return nil, err
		}
		return starlark.Call(t, read, args, kwargs)
	}),
	"close": starlark.NewBuiltin("close", func(_ *starlark.Thread, b *starlark.Builtin,
		args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		b.Receiver().(*stream).closed = true
		return starlark.None, nil
	}),
}

func open(b *starlark.Builtin) (*stream, error) {
	s := b.Receiver().(*stream)
	if s.closed || s.r.over {
		return nil, environ.Errorf(environ.CodeStream, "use it inside the body, before close()",
			"stream.%s() on a closed stream", b.Name())
	}
	return s, nil
}

var _ starlark.HasAttrs = (*stream)(nil)

func (s *stream) AttrNames() []string {
	return []string{"close", "closed", "flush", "read", "write"}
}

func (s *stream) Attr(name string) (starlark.Value, error) {
	if name == "closed" {
		return starlark.Bool(s.closed), nil
	}
	if m := streamMethods[name]; m != nil {
		return m.BindReceiver(s), nil
	}
	return nil, nil
}
