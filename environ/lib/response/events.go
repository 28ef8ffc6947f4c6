package response

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

// What the stream has that is no event: a comment, which clients ignore. The first opens it, so
// that the client knows that it is connected.
const (
	opening = starlark.String(":\n\n")
	beat    = starlark.String(":\n\n")
)

func eventsMember() host.Member {
	return host.Member{
		Name: "events",
		Doc: "A response of server-sent events, for an EventSource of a browser. It is sent as " +
			"stream sends, until the client leaves or the server ends. A client that comes again " +
			"says the id of the last event it got in environ[\"HTTP_LAST_EVENT_ID\"].",
		Params: params(0,
			host.Param{
				Name: "iterable", Type: "iterable or callable",
				Doc: "the events: each a string, or a dict of data, event, id and retry (in " +
					"milliseconds), whose data is sent as JSON if it is no string; or a message of " +
					"a topic; None is a heart-beat. Or a function that returns them, or one that takes a stream and " +
					"calls its send(event) for each",
			},
			host.Param{
				Name: "heartbeat", Type: "float or int", Default: starlark.MakeInt(15),
				Doc: "seconds without an event after which a comment is sent, so that nothing " +
					"between takes the connection for dead, and a client that is gone is noticed; " +
					"0 for never. Middleware that changes the body has none sent",
			},
		),
		Result: "a response, with Cache-Control: no-cache and X-Accel-Buffering: no",
		Errors: failures(
			host.Failure{
				Code: string(environ.CodeWebUse),
				When: "an event has a line break in its event or id, or something else that no " +
					"event has: that ends the stream",
			},
		),
		Example: `moved = {"event": "moved", "data": {"x": 1}, "id": "7"}
events(["a", moved]).header("Content-Type")  # "text/event-stream"
events(lambda: ["a"]).header("Cache-Control")  # "no-cache"
events(1)  # error: LARK0403: events: fn is int, neither a function nor an iterable`,
		Fn: makeEvents,
	}
}

func makeEvents(a host.Args) (starlark.Value, error) {
	var fn, heartbeat starlark.Value
	c := common{status: 200}
	if err := a.Unpack(&fn, &heartbeat, &c.headers, &c.cookies); err != nil {
		return nil, err
	}
	seconds, ok := starlark.AsFloat(heartbeat)
	if !ok || !(seconds >= 0 && seconds <= 1e6) {
		return nil, environ.Errorf(environ.CodeWebUse, "",
			"events: heartbeat is %s, not a number of seconds from 0 to 1,000,000", heartbeat)
	}
	s, err := sourceOf("events", fn)
	if err != nil {
		return nil, err
	}
	s.object = "events"
	s.events = &events{every: time.Duration(seconds * float64(time.Second))}
	v, err := s.respond(&c, "text/event-stream")
	if err != nil {
		return nil, err
	}
	r := v.(*Response)
	// nginx passes on what it buffers only with the second.
	r.Fields = merged([]environ.Field{
		{Name: "Cache-Control", Value: "no-cache"}, {Name: "X-Accel-Buffering", Value: "no"},
	}, r.Fields)
	return r, nil
}

// events is how elements become blocks of a stream of events.
type events struct {
	every time.Duration // heart-beats; 0 for none
}

// block writes an event. HTML Living Standard, section 9.2.5, "Parsing an event stream".
func (e *events) block(v starlark.Value) (starlark.Value, error) {
	var b strings.Builder
	switch v := v.(type) {
	case starlark.NoneType:
		return beat, nil
	case host.Event:
		return v.Once(func() (starlark.String, error) {
			var b strings.Builder
			id, data := v.Event()
			if err := writeName(&b, "id", starlark.String(id)); err != nil {
				return "", err
			}
			if err := writeData(&b, data); err != nil {
				return "", err
			}
			b.WriteByte('\n')
			return starlark.String(b.String()), nil
		})
	case starlark.IterableMapping:
		if err := writeEvent(&b, v); err != nil {
			return nil, err
		}
	default:
		if err := writeData(&b, v); err != nil {
			return nil, err
		}
	}
	b.WriteByte('\n')
	return starlark.String(b.String()), nil
}

// writeEvent writes the fields of a dict.
func writeEvent(b *strings.Builder, d starlark.IterableMapping) error {
	named, told := false, false
	for _, pair := range d.Items() {
		key, _ := starlark.AsString(pair[0])
		v := pair[1]
		switch key {
		case "event", "id":
			if v == starlark.None {
				continue
			}
			if err := writeName(b, key, v); err != nil {
				return err
			}
			named = named || key == "event"
		case "retry":
			if v == starlark.None {
				continue
			}
			n, err := starlark.NumberToInt(v)
			ms, ok := n.Int64()
			if err != nil || !ok || ms < 0 || ms > math.MaxInt32 {
				return environ.Errorf(environ.CodeWebUse, "",
					"events: retry is %s, not a number of milliseconds", host.Show(v))
			}
			b.WriteString("retry: " + strconv.FormatInt(ms, 10) + "\n")
		case "data":
			told = true
			if err := writeData(b, v); err != nil {
				return err
			}
		default:
			return environ.Errorf(environ.CodeWebUse, "",
				"events: an event has data, event, id and retry, not %s", host.Show(pair[0]))
		}
	}
	if named && !told {
		b.WriteString("data:\n") // or no client would see it
	}
	return nil
}

// writeName writes a field of one line.
func writeName(b *strings.Builder, key string, v starlark.Value) error {
	s, ok := starlark.AsString(v)
	if n, isInt := v.(starlark.Int); isInt && key == "id" {
		s, ok = n.String(), true
	}
	if !ok {
		return environ.Errorf(environ.CodeWebUse, "convert it with str()",
			"events: %s is %s, not a string", key, v.Type())
	}
	if strings.ContainsAny(s, "\r\n\x00") {
		return environ.Errorf(environ.CodeWebUse, "remove it",
			"events: %s has a line break or a NUL", key)
	}
	b.WriteString(key + ": " + strings.ToValidUTF8(s, "\uFFFD") + "\n")
	return nil
}

// writeData writes a text, each of whose lines is a field, or what else there is as JSON.
func writeData(b *strings.Builder, v starlark.Value) error {
	s, ok := host.Octets(v)
	if !ok {
		var err error
		if s, err = json.Encode(v); err != nil {
			return environ.Errorf(environ.CodeWebUse, "", "events: data: %v", err)
		}
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	for {
		i := strings.IndexAny(s, "\r\n")
		line := s
		if i >= 0 {
			line = s[:i]
		}
		b.WriteString("data: " + line + "\n")
		if i < 0 {
			return nil
		}
		if strings.HasPrefix(s[i:], "\r\n") {
			i++
		}
		s = s[i+1:]
	}
}
