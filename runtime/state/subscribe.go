package state

import (
	"context"
	"strconv"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

var topicType = &host.Type{
	Name: "topic.topic",
	Doc:  "A topic. All who subscribe get its messages in the same order.",
	Members: []host.Member{
		{Name: "name", Doc: "The name."},
		{
			Name:   "publish",
			Doc:    "Publishes a message, to all who subscribe now and to those who come back.",
			Params: []host.Param{valueParam},
			Result: "the id of the message, a string",
			Errors: stateErrors(valueErrors()...),
			Example: `second = chat.publish("hello again")
int(second) > int(first)  # True`,
			Fn: (*channel).publish,
		},
		{
			Name: "subscribe",
			Doc: "Returns an iterable of the messages: a loop over it waits for the next, until it breaks or the " +
				"request ends. It is for a handler of server-sent events or of a WebSocket; the loop has the steps " +
				"and the time of a new request for each message. What is published after the call is not missed, " +
				"however late the loop begins; another loop over the same goes on behind the first. Who reads " +
				"slowly is not waited for, and misses nothing: it reads on from what is kept. To wait for something " +
				"else, too, or to do something now and then, loop over what merge of @body returns, as " +
				"merge(news = chat.subscribe(), tick = ticks(10)).",
			Params: []host.Param{
				{
					Name: "last", Type: "string, int or None", Default: starlark.None,
					Doc: "the id of the last message that the client has, after which it goes on: " +
						"environ.get(\"HTTP_LAST_EVENT_ID\") of an EventSource that comes back. 0 is for all that is " +
						"kept; None, or what is no id, for what is published from now on",
				},
				{
					Name: "recent", Default: starlark.MakeInt(0),
					Doc: "how many of the messages that are there come first if last is None, 1000 at most",
				},
			},
			Result: "an iterable of topic.message",
			Errors: stateErrors(tooManyFollow),
			Example: `def after(last):
    for m in chat.subscribe(last):
        return m.value

newer = chat.publish("tea?")
after(int(newer) - 1)  # "tea?"`,
			Fn: (*channel).subscribe,
		},
		{
			Name:    "recent",
			Doc:     "Returns the last messages, the oldest first.",
			Params:  []host.Param{{Name: "n", Doc: "how many at most, up to 1000", Default: starlark.MakeInt(20)}},
			Result:  "a list of topic.message",
			Errors:  stateErrors(),
			Example: `[m.value for m in chat.recent(1)]  # [{"text": "hello"}]`,
			Fn:      (*channel).recent,
		},
	},
}

// subscribe is subscribe(last, recent).
func (c *channel) subscribe(t *starlark.Thread, last starlark.Value, recent int) (*host.Iterable, error) {
	if recent < 0 || recent > maxRecent {
		return nil, failed(KindUsage, "recent is %d, not from 0 to %d", recent, maxRecent)
	}
	s := &subscription{channel: c, follower: follower{thread: t}, recent: recent}
	s.at, s.known = idOf(last)
	if err := s.begin(); err != nil {
		return nil, err
	}
	return s.iterable("topic.messages", s.poll), nil
}

// idOf reads the id that a client says. It may say anything.
func idOf(v starlark.Value) (id uint64, known bool) {
	switch v := v.(type) {
	case starlark.Int:
		return v.Uint64()
	case starlark.String:
		id, err := strconv.ParseUint(string(v), 10, 64)
		return id, err == nil
	}
	return 0, false
}

// A subscription is an iterable of the messages of a topic. Each iteration goes on where the last one was.
type subscription struct {
	follower
	channel *channel
	known   bool // at is a message
	recent  int
	old     []starlark.Value // that come first
}

func (s *subscription) poll() (starlark.Value, bool, <-chan struct{}, error) {
	if s.feed == nil {
		if err := s.begin(); err != nil {
			return nil, false, nil, err
		}
	}
	if len(s.old) > 0 {
		m := s.old[0]
		s.old = s.old[1:]
		return m, true, nil, nil
	}
	m, later, err := s.next()
	if m == nil {
		return nil, false, later, err
	}
	s.renew()
	v, err := m.posted()
	return v, err == nil, nil, err
}

// begin follows the topic, and finds out where.
func (s *subscription) begin() error {
	c := s.channel
	var now uint64
	err := c.do(s.thread, deed{text: "subscribe", unit: "messages", again: true}, func(
		ctx context.Context, e *engine, o *opened,
	) (int64, error) {
		f, err := e.follow(ctx, host.CallOf(s.thread), topicShape(), c.subject)
		if err != nil {
			return 0, err
		}
		s.follow(f)
		now = f.now()
		if s.known && s.at > now {
			// It may have come by another process, and not here yet; or it is of a topic that was deleted.
			info, err := o.stream.Info(ctx)
			if err != nil {
				return 0, err
			}
			s.known = s.at <= info.State.LastSeq
		}
		return 0, nil
	})
	if err != nil || s.known {
		return err
	}
	s.at, s.known = now, true
	if s.recent == 0 {
		return nil
	}
	if s.old, err = c.recent(s.thread, s.recent); err != nil {
		return err
	}
	if n := len(s.old); n > 0 {
		s.at = max(s.at, s.old[n-1].(*posted).id)
	}
	return nil
}
