package state

import (
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Queue describes @queue, which is granted a [*Grant].
func Queue() *host.Module {
	return &host.Module{
		Name: "queue",
		Doc: "Work that is done after the response, or elsewhere: mails, pictures, what is slow or may fail. A " +
			"job that was put into a queue is done at least once, whatever dies meanwhile, by a process that has " +
			"time for it; what fails is tried again, and is kept with its error if it goes on failing.",
		Grant:   "what keeps state",
		Members: []host.Member{queueMember()},
		Types:   []*host.Type{queueType, takenType, deadType},
		Tests:   []host.Member{new(trial).jobsMember()},
		Whole:   true,
		Scene: `def send(job):
    print(job["to"])

mails = queue("mails", send, retries = 5)`,
		Open: open("queue"),
	}
}

// The bounds of what is said of a queue.
const (
	maxRetries     = 100
	maxConcurrency = 100
	longestBackoff = time.Hour
	longestDelay   = 365 * 24 * time.Hour
	longestJob     = 24 * time.Hour
)

func queueMember() host.Member {
	return host.Member{
		Name: "queue",
		Doc: "Says that there is a queue, and what does its jobs. It is called at the top level of a script. " +
			"Work begins when the program serves, with the version that serves then, under the limits of a " +
			"request, in each process that serves it.",
		Params: []host.Param{
			{Name: "name", Doc: "a-z, 0-9, _ and -, 64 at most", Type: "string"},
			{
				Name: "work", Type: "callable or None", Default: starlark.None,
				Doc: "is called with the value of a job; if it takes two, the second is a queue.job, which says " +
					"which try it is. A job that is taken up by a process that dies is done again by another, " +
					"so work has to bear that. None says that another program does it",
			},
			{
				Name: "retries", Type: "int", Default: starlark.MakeInt(5),
				Doc: "how often a job that fails is tried again, 100 times at most",
			},
			{
				Name: "backoff", Type: durationType, Default: starlark.String("1s"),
				Doc: "how long it waits for that at first; each time twice as long, an hour at most",
			},
			{
				Name: "timeout", Type: durationType, Default: starlark.None,
				Doc: "how long work may take; None is as long as a call may, which it never exceeds",
			},
			{
				Name: "concurrency", Type: "int", Default: starlark.MakeInt(1),
				Doc: "how many jobs a process does at once, 100 at most",
			},
		},
		Result: "queue.queue",
		Errors: []host.Failure{
			{When: "an argument is out of bounds, the name is taken, or work cannot be called with one value or two"},
		},
		Example: `queue("mails", send)  # <queue mails>
queue("Mails", send)  # error: is no name of a queue
queue("mails", send, retries = -1)  # error: retries is -1, not from 0 to 100`,
		Fn: newQueue,
	}
}

// A queue is what a script has of a queue, for one generation of its program, as queueType describes
// it. It is immutable.
type queue struct {
	host.Object
	lib         *library
	name        string
	work        starlark.Callable // nil if another program does it
	told        bool              // it takes two values
	retries     int
	backoff     time.Duration
	timeout     time.Duration // 0 for that of a call
	concurrency int
}

var _ starlark.HasAttrs = (*queue)(nil)

// newQueue is queue(name, work, retries, backoff, timeout, concurrency).
func newQueue(a host.Args) (starlark.Value, error) {
	q := &queue{Object: "queue.queue"}
	var work, backoff, timeout starlark.Value
	if err := a.Unpack(&q.name, &work, &q.retries, &backoff, &timeout, &q.concurrency); err != nil {
		return nil, err
	}
	q.lib = a.Of.(*library)
	if err := checkName("queue", q.name); err != nil {
		return nil, err
	}
	switch {
	case q.retries < 0 || q.retries > maxRetries:
		return nil, failed(KindUsage, "retries is %d, not from 0 to %d", q.retries, maxRetries)
	case q.concurrency < 1 || q.concurrency > maxConcurrency:
		return nil, failed(KindUsage, "concurrency is %d, not from 1 to %d", q.concurrency, maxConcurrency)
	}
	var err error
	if q.backoff, err = durationOf("backoff", backoff, 0, longestBackoff); err != nil {
		return nil, err
	}
	if q.timeout, err = durationOf("timeout", timeout, time.Millisecond, longestJob); err != nil {
		return nil, err
	}
	if q.work, err = callable("work", work, 1); err != nil {
		var none error
		if q.work, none = callable("work", work, 2); none != nil {
			return nil, err
		}
		q.told = true
	}
	if err := q.lib.top("queue"); err != nil {
		return nil, err
	}
	if !q.lib.take(q.name) {
		return nil, failed(KindUsage, "the queue %s is said twice", q.name)
	}
	q.lib.serve(q)
	return q, nil
}

// callable returns a function that is passed, nil for None. It must take n values.
func callable(name string, v starlark.Value, n int) (starlark.Callable, error) {
	if v == starlark.None {
		return nil, nil
	}
	fn, ok := v.(starlark.Callable)
	if !ok {
		return nil, failed(KindUsage, "%s is %s, not a function", name, v.Type())
	}
	f, ok := fn.(*starlark.Function)
	if !ok {
		return fn, nil
	}
	least, most := 0, f.NumParams()
	for i := range most {
		if f.ParamDefault(i) == nil {
			least++
		}
	}
	if f.HasVarargs() || f.HasKwargs() || least <= n && n <= most {
		return fn, nil
	}
	return nil, failed(KindUsage, "%s has to take %d values, and %s takes %d", name, n, f.Name(), most)
}

func (q *queue) String() string { return "<queue " + q.name + ">" }

// Freeze freezes the function.
func (q *queue) Freeze() {
	if q.work != nil {
		q.work.Freeze()
	}
}

// AttrNames are those of the description.
func (q *queue) AttrNames() []string { return queueType.AttrNames() }

// Attr returns a method, or the name.
func (q *queue) Attr(name string) (starlark.Value, error) {
	if name == "name" {
		return starlark.String(q.name), nil
	}
	return queueType.Method(q, name), nil
}

var queueType = &host.Type{
	Name: "queue.queue",
	Doc: "A queue. Its jobs are begun in their order. Those that have failed for good are kept for 30 days: " +
		"dead and larkspur queue list them, have them done again, or drop them.",
	Members: []host.Member{
		{Name: "name", Doc: "The name."},
		{
			Name: "put",
			Doc:  "Puts a job into the queue. When it returns the job is not lost by a process that dies.",
			Params: []host.Param{
				{Name: "value", Doc: "what work is called with: what JSON can say", Type: "any"},
				{
					Name: "delay", Type: durationType, Default: starlark.None,
					Doc: "how long it waits before it is done; a year at most",
				},
				{
					Name: "key", Type: "string or None", Default: starlark.None,
					Doc: "a text of 1 to 256 bytes. Of jobs with the same key one is done within seven days",
				},
			},
			Result: "the id of the job, a string; None if there was one of the same key already",
			Errors: keyErrors(valueErrors()...),
			Example: `type(mails.put({"to": "ann"}))  # "string"
type(mails.put({"to": "bob"}, delay = "10m", key = "welcome bob"))  # "string"
mails.put({"to": "bob"}, key = "welcome bob")  # None`,
			Fn: (*queue).put,
		},
		{
			Name:    "size",
			Doc:     "Returns how many jobs wait or are being done, those with a delay included.",
			Result:  "an int",
			Errors:  stateErrors(),
			Example: `mails.size() >= 2  # True`,
			Fn:      (*queue).size,
		},
		{
			Name:   "dead",
			Doc:    "Returns the jobs that have failed for good, the oldest first.",
			Result: "a list of queue.dead",
			Errors: stateErrors(host.Failure{When: "there are more than 10,000 (limit)"}),
			Example: `mails.dead()  # []
[(d.value["to"], d.error) for d in mails.dead()]  # []`,
			Fn: (*queue).dead,
		},
	},
}
