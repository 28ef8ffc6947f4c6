package apptest

import (
	"fmt"
	"mime"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// An eventReader makes events of a stream of server-sent events, as browsers do: HTML, section
// 9.2.6, "Interpreting an event stream".
type eventReader struct {
	blocks int    // of the response that were taken
	rest   string // of them what is no whole line yet
	begun  bool   // the mark of byte order is behind
	cr     bool   // the last line ended in a CR, to which an LF may belong

	data  []string
	event string
	id    string
	retry starlark.Value
}

// next returns the next event of what was taken.
func (e *eventReader) next() (event starlark.Value, ok bool) {
	if !e.begun && e.rest != "" {
		if len(e.rest) < 3 && strings.HasPrefix("\ufeff", e.rest) {
			return nil, false
		}
		e.rest, e.begun = strings.TrimPrefix(e.rest, "\ufeff"), true
	}
	for {
		if e.cr && e.rest != "" {
			e.rest, e.cr = strings.TrimPrefix(e.rest, "\n"), false
		}
		i := strings.IndexAny(e.rest, "\r\n")
		if i < 0 {
			return nil, false
		}
		line := e.rest[:i]
		e.cr, e.rest = e.rest[i] == '\r', e.rest[i+1:]
		if line != "" {
			e.field(line)
		} else if event := e.dispatch(); event != nil {
			return event, true
		}
	}
}

// field takes a line down.
func (e *eventReader) field(line string) {
	name, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch name {
	case "data":
		e.data = append(e.data, value)
	case "event":
		e.event = value
	case "id":
		if !strings.Contains(value, "\x00") {
			e.id = value
		}
	case "retry":
		if n, err := strconv.ParseUint(value, 10, 63); err == nil && value[0] != '+' {
			e.retry = starlark.MakeUint64(n)
		}
	}
}

// dispatch returns the event that a blank line ends, nil if it has no data.
func (e *eventReader) dispatch() starlark.Value {
	data, name := e.data, e.event
	e.data, e.event = nil, ""
	if data == nil {
		return nil
	}
	if name == "" {
		name = "message"
	}
	retry := e.retry
	if retry == nil {
		retry = starlark.None
	}
	return starlarkstruct.FromStringDict(starlark.String("event"), starlark.StringDict{
		"data":  starlark.String(strings.Join(data, "\n")),
		"event": starlark.String(name),
		"id":    starlark.String(e.id),
		"retry": retry,
	})
}

// eventsOf is events(count = None): those that have not been taken yet.
func (r *response) eventsOf(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
	kwargs []starlark.Tuple) (starlark.Value, error) {
	var count starlark.Value = starlark.None
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "count?", &count); err != nil {
		return nil, err
	}
	left := -1
	if count != starlark.None {
		n, err := starlark.AsInt32(count)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("events: count is %s, not a number from 0 on", count)
		}
		left = n
	}
	media, _, _ := mime.ParseMediaType(r.x.sent.Get("Content-Type"))
	if media != "text/event-stream" {
		return nil, &requestError{r.x.head(), "it is no stream of events",
			"its Content-Type is " + starlark.String(r.x.sent.Get("Content-Type")).String() +
				", and that of events is text/event-stream"}
	}
	events := &host.Iterable{Object: "test.events", Thread: t}
	events.Start = func() host.Steps {
		return host.Steps{Next: func() (starlark.Value, bool, error) {
			if left == 0 {
				return nil, false, nil
			}
			left--
			return r.nextEvent(t)
		}}
	}
	return events, nil
}

// nextEvent runs the application until it has sent one event more, or to its end.
func (r *response) nextEvent(t *starlark.Thread) (starlark.Value, bool, error) {
	for {
		if event, ok := r.events.next(); ok {
			return event, true, nil
		}
		if r.events.blocks == len(r.x.blocks) {
			if _, ok := r.x.step(); !ok && r.events.blocks == len(r.x.blocks) {
				return nil, false, r.judge(t) // what is not ended by a blank line is no event
			}
		}
		for ; r.events.blocks < len(r.x.blocks); r.events.blocks++ {
			r.events.rest += r.x.blocks[r.events.blocks]
		}
		r.unread = ""
	}
}
