package state

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

// Topic describes @topic, which is granted a [*Grant].
func Topic() *host.Module {
	return &host.Module{
		Name: "topic",
		Doc: "Messages that one request publishes and others wait for, in whatever process they are: a chat, " +
			"a page that shows what happens. Of a topic the last 10,000 messages are kept for a week, so that who " +
			"comes back misses nothing.",
		Grant:   "what keeps state",
		Members: []host.Member{topicMember()},
		Types:   []*host.Type{topicType, messageType},
		Whole:   true,
		Scene: `chat = topic("room.7")
first = chat.publish({"text": "hello"})`,
		Open: open("topic"),
	}
}

func topicMember() host.Member {
	return host.Member{
		Name: "topic",
		Doc: "Returns a topic, which need not be there. It may be asked for anywhere, by whatever name: one for " +
			"each room of a chat, say.",
		Params: []host.Param{{Name: "name", Doc: "as a key of a bucket: 1 to 256 bytes", Type: "string"}},
		Result: "topic.topic",
		Errors: []host.Failure{{When: "the name is none (key); the client gets 400 if that is not caught"}},
		Example: `topic("room.7").name  # "room.7"
topic("")  # error: a key is not empty`,
		Fn: func(l *library, name string) (*channel, error) {
			subject, err := subjectOf(name)
			if err != nil {
				return nil, err
			}
			return &channel{Object: "topic.topic", lib: l, name: name, subject: topicPrefix + subject}, nil
		},
	}
}

// A channel is a topic as a script sees it, as topicType describes it.
type channel struct {
	host.Object
	lib     *library
	name    string
	subject string
}

var _ starlark.HasAttrs = (*channel)(nil)

func (c *channel) String() string {
	return "<topic " + host.Cut(starlark.String(c.name).String()) + ">"
}

// AttrNames are those of the description.
func (c *channel) AttrNames() []string { return topicType.AttrNames() }

// Attr returns a method, or the name.
func (c *channel) Attr(name string) (starlark.Value, error) {
	if name == "name" {
		return starlark.String(c.name), nil
	}
	return topicType.Method(c, name), nil
}

// The stream that all topics are in.
const (
	topicStream = own + "_topics"
	topicPrefix = own + ".topic."
	topicKept   = 10_000
	topicAge    = 7 * 24 * time.Hour
)

func topicShape() shape {
	return shape{name: topicStream, subject: topicPrefix + ">", age: topicAge, each: topicKept}
}

func (c *channel) do(
	t *starlark.Thread, d deed, f func(ctx context.Context, e *engine, o *opened) (int64, error),
) error {
	d.text = c.name + "." + d.text
	return c.lib.do(t, d, func(ctx context.Context, e *engine) (int64, error) {
		return e.within(ctx, topicShape(), f)
	})
}

func (c *channel) publish(t *starlark.Thread, value starlark.Value) (id string, err error) {
	data, err := encode(value)
	if err != nil {
		return "", err
	}
	err = c.do(t, deed{text: "publish", unit: "bytes"}, func(
		ctx context.Context, e *engine, o *opened,
	) (int64, error) {
		sequence, err := e.put(ctx, o, c.subject, change{data: data})
		id = strconv.FormatUint(sequence, 10)
		return int64(len(data)), err
	})
	return id, err
}

// maxRecent is how many messages may be asked for at once.
const maxRecent = 1000

func (c *channel) recent(t *starlark.Thread, n int) (all []starlark.Value, err error) {
	if n < 0 || n > maxRecent {
		return nil, failed(KindUsage, "n is %d, not from 0 to %d", n, maxRecent)
	}
	err = c.do(t, deed{text: "recent", unit: "messages", again: true}, func(
		ctx context.Context, e *engine, o *opened,
	) (int64, error) {
		all = nil
		size := 0
		err := scanLast(ctx, o, c.subject, n, func(m *message) error {
			if size += len(m.data); size > maxBytes {
				return failed(KindLimit, "the messages have more than %d bytes: ask for fewer", maxBytes)
			}
			v, err := m.posted()
			all = append(all, v)
			return err
		})
		return int64(len(all)), err
	})
	if err != nil {
		return nil, err
	}
	return all, host.Charge(t, uint64(len(all)))
}

// A posted is a message of a topic as a script sees it. It is frozen, and shared by all who get it.
type posted struct {
	host.Object
	id    uint64
	time  time.Time
	value starlark.Value

	written sync.Once
	event   starlark.Value
	err     error
}

var (
	_ starlark.HasAttrs = (*posted)(nil)
	_ host.Event        = (*posted)(nil)
)

// Event is [host.Event]'s.
func (p *posted) Event() (id string, data starlark.Value) {
	return strconv.FormatUint(p.id, 10), p.value
}

// Once is [host.Event]'s.
func (p *posted) Once(write func() (starlark.String, error)) (starlark.Value, error) {
	p.written.Do(func() { p.event, p.err = write() })
	return p.event, p.err
}

// A once is what is made of a message when somebody wants it, for all who do.
type once struct {
	sync.Once
	posted *posted
	err    error
}

// posted returns the message as one of a topic.
func (m *message) posted() (*posted, error) {
	m.once.Do(func() {
		v, err := decode(m.data)
		if err != nil {
			m.once.err = err
			return
		}
		v.Freeze()
		m.once.posted = &posted{Object: "topic.message", id: m.sequence, time: m.time, value: v}
	})
	return m.once.posted, m.once.err
}

// AttrNames are those of the description.
func (p *posted) AttrNames() []string { return messageType.AttrNames() }

// Attr returns what the message has.
func (p *posted) Attr(name string) (starlark.Value, error) {
	switch name {
	case "id":
		return starlark.String(strconv.FormatUint(p.id, 10)), nil
	case "value":
		return p.value, nil
	case "time":
		return startime.Time(p.time.UTC()), nil
	}
	return nil, nil
}

var messageType = &host.Type{
	Name: "topic.message",
	Doc:  "A message of a topic.",
	Members: []host.Member{
		{
			Name: "id",
			Doc:  "A string of digits, larger for a later message: what an event of server-sent events has as its id.",
		},
		{Name: "value", Doc: "What was published; it is frozen."},
		{Name: "time", Doc: "When it was published, a time of @time."},
	},
}
