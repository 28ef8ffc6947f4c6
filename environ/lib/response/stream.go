package response

import (
	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func streamMember() host.Member {
	return host.Member{
		Name: "stream",
		Doc: "A response whose blocks are made while they are sent: each reaches the client " +
			"before the next is made. A client that leaves ends it.",
		Params: append(params(200,
			host.Param{
				Name: "fn", Type: "callable or iterable",
				Doc: "a function without parameters that returns an iterable of blocks, as those " +
					"of @body; or one that takes a stream and calls its write(block) for each; or " +
					"the iterable itself. Blocks are strings or bytes",
			},
			host.Param{
				Name: "content_type", Doc: "the media type", Type: "string",
				Default: starlark.String("application/octet-stream"),
			},
		), host.Param{
			Name: "trailers", Type: "list, dict, callable or None", Default: starlark.None,
			Doc: "header fields that are sent after the body, where the protocol has them " +
				"(HTTP/1.1, HTTP/2) and else are not; or a function that returns them, which " +
				"is called at the end",
		}),
		Result: "a response",
		Errors: failures(),
		Example: `stream(["a", "b"], "text/plain").header("Content-Type")  # "text/plain"
stream(lambda: ["a", "b"], "text/plain").status  # 200
stream("ab", "text/plain")  # error: LARK0403: stream: fn is string`,
		Fn: makeStream,
	}
}

func makeStream(a host.Args) (starlark.Value, error) {
	var fn, trailers starlark.Value
	var mediaType string
	var c common
	err := a.Unpack(&fn, &mediaType, &c.status, &c.headers, &c.cookies, &trailers)
	if err != nil {
		return nil, err
	}
	if err := checkType("stream", mediaType); err != nil {
		return nil, err
	}
	s, err := sourceOf("stream", fn)
	if err != nil {
		return nil, err
	}
	if s.trailers, err = trailersOf(trailers); err != nil {
		return nil, err
	}
	s.object = "stream"
	return s.respond(&c, mediaType)
}

// A source is what the blocks of a response come from.
type source struct {
	object   host.Object // the type of its body
	name     string      // of the member
	given    starlark.Value
	fn       starlark.Callable // nil for an iterable
	writes   bool              // fn takes a stream
	trailers starlark.Value    // nil, a list of fields or a function
	events   *events           // nil if elements are blocks
}

// sourceOf reads the first argument of the member name.
func sourceOf(name string, v starlark.Value) (*source, error) {
	s := &source{name: name, given: v}
	switch v := v.(type) {
	case starlark.Callable:
		s.fn = v
		if f, ok := v.(*starlark.Function); ok {
			s.writes = f.NumParams() > 0 && f.ParamDefault(0) == nil
		}
	case starlark.Iterable:
	default:
		return nil, environ.Errorf(environ.CodeWebUse, "", "%s: fn is %s, neither a function nor "+
			"an iterable", name, v.Type())
	}
	return s, nil
}

// trailersOf checks the argument trailers. A list and a dict are read now.
func trailersOf(v starlark.Value) (starlark.Value, error) {
	if _, ok := v.(starlark.Callable); ok {
		return v, nil
	}
	if v == starlark.None {
		return nil, nil
	}
	fields, err := Headers(v)
	if err != nil {
		return nil, err
	}
	return pairsOf(fields), nil
}

// pairsOf is a list as start_response takes it.
func pairsOf(fields []environ.Field) *starlark.List {
	pairs := make([]starlark.Value, len(fields))
	for i, f := range fields {
		pairs[i] = starlark.Tuple{starlark.String(f.Name), starlark.String(f.Value)}
	}
	return starlark.NewList(pairs)
}

// respond makes the response of which s is the body.
func (s *source) respond(c *common, mediaType string) (starlark.Value, error) {
	if err := checkStatus(s.name, c.status, true); err != nil {
		return nil, err
	}
	r := New(c.status, mediaType, "")
	r.given, r.answer = s.given, s.answer
	return r, c.extend(r)
}

// answer begins the response, and returns its body.
func (s *source) answer(r *Response, q request) (starlark.Value, error) {
	send := s.sender(q.env)
	if pairs, ok := s.trailers.(*starlark.List); ok && send != nil {
		// Now, so that the names can be announced.
		if _, err := starlark.Call(q.thread, send, starlark.Tuple{pairs}, nil); err != nil {
			return nil, err
		}
		send = nil
	}
	if err := r.begin(q); err != nil {
		return nil, err
	}
	b := &body{source: s, send: send}
	if s.writes {
		return &written{Object: s.object, body: b}, nil
	}
	if send == nil && s.fn == nil && s.events == nil {
		return s.given, nil
	}
	b.Iterable = &host.Iterable{Object: s.object, Thread: q.thread, Start: b.start}
	if s.fn == nil {
		b.Parts = []starlark.Value{s.given}
	}
	return b, nil
}

// sender returns what sends trailers, nil if there are none or the protocol has no place for them.
func (s *source) sender(env starlark.Mapping) starlark.Callable {
	if s.trailers == nil {
		return nil
	}
	v, ok, err := env.Get(starlark.String("larkspur.trailers"))
	if err != nil || !ok {
		return nil
	}
	send, _ := v.(starlark.Callable)
	return send
}

// A body is the blocks of one response. It belongs to its request.
type body struct {
	*host.Iterable
	source *source
	send   starlark.Callable // nil if there are no trailers to be sent at the end
}

// start begins to iterate: only now fn is called.
func (b *body) start() host.Steps {
	s := b.source
	blocks, _ := s.given.(starlark.Iterable)
	if s.fn != nil {
		v, err := starlark.Call(b.Thread, s.fn, nil, nil)
		if err == nil {
			var ok bool
			if blocks, ok = v.(starlark.Iterable); !ok {
				err = environ.Errorf(environ.CodeWebUse, "return a list, or an iterable of @body",
					"%s: %s returned %s, not an iterable", s.name, s.fn.Name(), v.Type())
			}
		}
		if err != nil {
			return host.Steps{Next: func() (starlark.Value, bool, error) { return nil, false, err }}
		}
		b.Parts = []starlark.Value{blocks}
	}
	var each func(starlark.Value) (starlark.Value, error)
	if s.events != nil {
		each = s.events.block
	}
	steps := host.Each(blocks, each)
	next, first := steps.Next, s.events != nil
	steps.Next = func() (starlark.Value, bool, error) {
		if first {
			first = false
			return opening, true, nil
		}
		v, ok, err := next()
		if !ok && err == nil {
			err = b.end(b.Thread)
		}
		return v, ok, err
	}
	return steps
}

// end sends the trailers.
func (b *body) end(t *starlark.Thread) error {
	if b.send == nil {
		return nil
	}
	send := b.send
	b.send = nil
	v, err := starlark.Call(t, b.source.trailers, nil, nil)
	if err != nil || v == starlark.None {
		return err
	}
	fields, err := Headers(v)
	if err != nil {
		return err
	}
	_, err = starlark.Call(t, send, starlark.Tuple{pairsOf(fields)}, nil)
	return err
}

// Heartbeat is [environ.Heart]'s.
func (b *body) Heartbeat() environ.Heartbeat { return b.source.heartbeat() }

func (s *source) heartbeat() environ.Heartbeat {
	if s.events == nil {
		return environ.Heartbeat{}
	}
	return environ.Heartbeat{Block: string(beat), Every: s.events.every}
}

var _ environ.Heart = (*body)(nil)
