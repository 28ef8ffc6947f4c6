package state

import (
	"context"
	"strconv"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A counter is a number that many add to, as counterType describes it. It is a key of a bucket.
type counter struct {
	host.Object
	lib     *library
	subject string
	name    string
	ttl     time.Duration // 0: it stays
}

var _ starlark.HasAttrs = (*counter)(nil)

func (c *counter) String() string {
	return "<kv.counter " + host.Cut(starlark.String(c.name).String()) + ">"
}

// AttrNames are those of the description.
func (c *counter) AttrNames() []string { return counterType.AttrNames() }

// Attr returns a method, or the name.
func (c *counter) Attr(name string) (starlark.Value, error) {
	if name == "name" {
		return starlark.String(c.name), nil
	}
	return counterType.Method(c, name), nil
}

// counters is the bucket that all of them are in.
const counters = own + "_counters"

func counterMember() host.Member {
	return host.Member{
		Name: "counter",
		Doc: "Returns a counter, which is 0 until something is added. Unlike a bucket it may be asked for " +
			"anywhere, by whatever name.",
		Params: []host.Param{
			{Name: "name", Doc: "as a key of a bucket: 1 to 256 bytes", Type: "string"},
			{
				Name: "ttl", Type: durationType, Default: starlark.None,
				Doc: "for how long it is kept after something was added, from a second to ten years; None is for " +
					"good. What is added last counts",
			},
		},
		Result: "kv.counter",
		Errors: []host.Failure{{When: "the name is none (key), or ttl is out of bounds (usage)"}},
		Example: `visits = counter("visits")
visits.add()  # 1
visits.add(10)  # 11
counter("visits").add(-11)  # 0
counter("today", ttl = "24h").add()  # 1`,
		Fn: func(l *library, name string, ttl starlark.Value) (*counter, error) {
			subject, err := subjectOf(name)
			if err != nil {
				return nil, err
			}
			c := &counter{Object: "kv.counter", lib: l, name: name, subject: prefixOf(counters) + subject}
			if c.ttl, err = durationOf("ttl", ttl, leastTTL, mostTTL); err != nil {
				return nil, err
			}
			c.ttl = c.ttl.Truncate(time.Second)
			return c, nil
		},
	}
}

var counterType = &host.Type{
	Name: "kv.counter",
	Doc:  "A number of 64 bits that all add to, from wherever, and nothing is lost.",
	Members: []host.Member{
		{Name: "name", Doc: "The name."},
		{
			Name:   "add",
			Doc:    "Adds to the counter.",
			Params: []host.Param{{Name: "n", Doc: "how much, which may be negative", Default: starlark.MakeInt(1)}},
			Result: "the new value, an int, which nobody else gets",
			Errors: stateErrors(host.Failure{When: "the sum has more than 64 bits (value)"}, host.Failure{
				When: "it has a ttl, and the server of NATS is older than 2.11 (usage)",
			}),
			Example: `counter("cups").add(2) - counter("cups").add(-2)  # 2`,
			Fn:      (*counter).add,
		},
		{
			Name:    "value",
			Doc:     "Returns the value.",
			Result:  "an int",
			Errors:  stateErrors(),
			Example: `counter("none yet").value()  # 0`,
			Fn:      (*counter).value,
		},
		{
			Name:   "delete",
			Doc:    "Forgets the counter: it is 0 then.",
			Result: "None",
			Errors: stateErrors(),
			Example: `counter("cups").add()  # 1
counter("cups").delete()
counter("cups").value()  # 0`,
			Fn: (*counter).delete,
		},
	},
}

// A tally is what this process knows of a number that is kept: so who changes it need not ask first, and
// the changes of one process are one after the other.
type tally struct {
	subject string
	gate    chan struct{}
	known   bool
	value   int64
	version uint64
}

// maxTallies is how many counters a process remembers.
const maxTallies = 10_000

// tally returns that of a counter.
func (e *engine) tally(subject string) *tally {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tallies[subject]
	if t == nil {
		if len(e.tallies) >= maxTallies {
			clear(e.tallies) // who has one goes on with it
		}
		t = &tally{subject: subject, gate: make(chan struct{}, 1)}
		e.tallies[subject] = t
	}
	return t
}

func (c *counter) add(t *starlark.Thread, n int64) (sum int64, err error) {
	err = c.lib.do(t, deed{text: "counter.add", unit: "changes"}, func(
		ctx context.Context, e *engine,
	) (int64, error) {
		err := e.tally(c.subject).change(ctx, e, bucketShape(counters, 0, 1), func(had int64) (*next, error) {
			sum = had + n
			if (sum > had) != (n > 0) && n != 0 {
				return nil, failed(KindValue, "the counter is %d: with %d more it has over 64 bits", had, n)
			}
			return &next{value: sum, ttl: c.ttl, must: true}, nil
		})
		return 1, err
	})
	return sum, err
}

// A next is what a number is changed to.
type next struct {
	value int64
	ttl   time.Duration // 0: none
	must  bool          // not without the ttl
}

// change changes the number to what to returns of it, nil if it is to stay as it is; again as long as
// somebody else was first.
func (y *tally) change(ctx context.Context, e *engine, s shape, to func(had int64) (*next, error)) error {
	select {
	case y.gate <- struct{}{}:
		defer func() { <-y.gate }()
	case <-ctx.Done():
		return ctx.Err()
	}
	_, err := e.within(ctx, s, func(ctx context.Context, e *engine, o *opened) (int64, error) {
		var wait backoff
		for range attempts {
			if !y.known {
				if err := y.read(ctx, o, y.subject); err != nil {
					return 0, err
				}
			}
			n, err := to(y.value)
			if n == nil || err != nil {
				return 0, err
			}
			y.known = false // if this fails
			c := change{data: strconv.AppendInt(nil, n.value, 10), expect: y.version, bound: true}
			switch {
			case o.level >= levelTTL:
				c.ttl = n.ttl
			case n.must && n.ttl > 0:
				return 0, failed(KindUsage, "a counter has a ttl from nats-server 2.11 on; this server is older")
			}
			version, err := e.put(ctx, o, y.subject, c)
			if err == nil {
				y.known, y.value, y.version = true, n.value, version
				return 0, nil
			}
			if !isConflict(err) {
				return 0, err
			}
			if err := host.Pause(ctx, wait.next()); err != nil {
				return 0, err
			}
		}
		return 0, errContended
	})
	return err
}

// read reads what is kept: a number, 0 if there is none.
func (y *tally) read(ctx context.Context, o *opened, subject string) error {
	r, err := last(ctx, o, "", subject)
	if err != nil {
		return err
	}
	y.known, y.value, y.version = true, 0, 0
	if r == nil {
		return nil
	}
	y.version = r.version
	if !r.deleted {
		y.value, err = strconv.ParseInt(string(r.data), 10, 64)
		if err != nil {
			y.known = false
			return failed(KindValue, "what is kept of the counter is no number")
		}
	}
	return nil
}

func (c *counter) delete(t *starlark.Thread) error {
	return c.lib.do(t, deed{text: "counter.delete", unit: "changes"}, func(
		ctx context.Context, e *engine,
	) (int64, error) {
		return e.within(ctx, bucketShape(counters, 0, 1), func(ctx context.Context, e *engine, o *opened) (int64, error) {
			_, err := e.put(ctx, o, c.subject, change{delete: true}) // who knows a number has a conflict then, and reads
			return 1, err
		})
	})
}

func (c *counter) value(t *starlark.Thread) (value int64, err error) {
	err = c.lib.do(t, deed{text: "counter.value", unit: "reads", again: true}, func(
		ctx context.Context, e *engine,
	) (int64, error) {
		return e.within(ctx, bucketShape(counters, 0, 1), func(
			ctx context.Context, _ *engine, o *opened,
		) (int64, error) {
			y := tally{}
			err := y.read(ctx, o, c.subject)
			value = y.value
			return 1, err
		})
	})
	return value, err
}
