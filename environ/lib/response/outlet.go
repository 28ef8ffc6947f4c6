package response

import (
	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A written is the body of a response whose function takes a stream.
type written struct {
	host.Object
	body *body
}

var (
	_ starlark.Callable = (*written)(nil)
	_ environ.Heart     = (*written)(nil)
)

// Name returns the name of the type, as that of a function.
func (w *written) Name() string { return w.Type() }

// Heartbeat is [environ.Heart]'s.
func (w *written) Heartbeat() environ.Heartbeat { return w.body.source.heartbeat() }

// CallInternal calls the function with the stream of the server.
func (w *written) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var stream starlark.Value
	if err := starlark.UnpackPositionalArgs(w.Type(), args, kwargs, 1, &stream); err != nil {
		return nil, environ.Misuse(err)
	}
	s := w.body.source
	if s.events != nil {
		var err error
		if stream, err = newOutlet(t, s.events, stream); err != nil {
			return nil, err
		}
	}
	if _, err := starlark.Call(t, s.fn, starlark.Tuple{stream}, nil); err != nil {
		return nil, err
	}
	return starlark.None, w.body.end(t)
}

// An outlet is what a function that writes events is given.
type outlet struct {
	host.Object
	events *events
	write  starlark.Value // of the stream
}

// outletType describes it.
var outletType = &host.Type{
	Name: "event_stream",
	Doc:  "What a function that events is given sends its events to.",
	Members: []host.Member{{
		Name: "send",
		Doc: "Sends an event, and returns when it is on its way. It fails when the client is " +
			"gone, which ends the function.",
		Params: []host.Param{{
			Name: "event", Doc: "as for events", Type: "string, dict or None",
		}},
		Result:  "None",
		Errors:  []host.Failure{{Code: string(environ.CodeWebUse), When: "it is no event"}},
		Example: `events(lambda stream: stream.send({"event": "tick", "data": 1})).status  # 200`,
		Fn: func(a host.Args) (starlark.Value, error) {
			var event starlark.Value
			if err := a.Unpack(&event); err != nil {
				return nil, err
			}
			o := a.Of.(*outlet)
			block, err := o.events.block(event)
			if err != nil {
				return nil, err
			}
			return starlark.Call(a.Thread, o.write, starlark.Tuple{block}, nil)
		},
	}},
	Misuse: environ.Misuse,
}

// newOutlet returns an outlet to a stream, which it opens.
func newOutlet(t *starlark.Thread, e *events, stream starlark.Value) (*outlet, error) {
	s, ok := stream.(starlark.HasAttrs)
	if !ok {
		return nil, environ.Errorf(
			environ.CodeWebUse, "", "events: the stream is %s", stream.Type(),
		)
	}
	write, err := s.Attr("write")
	if err != nil || write == nil {
		return nil, environ.Errorf(
			environ.CodeWebUse, "", "events: %s has no write", stream.Type(),
		)
	}
	if _, err := starlark.Call(t, write, starlark.Tuple{opening}, nil); err != nil {
		return nil, err
	}
	return &outlet{"event_stream", e, write}, nil
}

var _ starlark.HasAttrs = (*outlet)(nil)

// AttrNames is [starlark.HasAttrs]'s.
func (o *outlet) AttrNames() []string { return outletType.AttrNames() }

// Attr is [starlark.HasAttrs]'s.
func (o *outlet) Attr(name string) (starlark.Value, error) { return outletType.Method(o, name), nil }
