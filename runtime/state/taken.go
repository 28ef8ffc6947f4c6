package state

import (
	"context"

	"github.com/larkspur-web/larkspur/runtime/host"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

// A taken is a job as the function sees it that does it. It is immutable.
type taken struct {
	host.Object
	job   *job
	tries uint64 // this one included
	last  bool
}

// args are what the function of the queue is called with for a job.
func (q *queue) args(j *job, value starlark.Value, tries uint64) starlark.Tuple {
	if !q.told {
		return starlark.Tuple{value}
	}
	return starlark.Tuple{value, &taken{"queue.job", j, tries, tries > uint64(q.retries)}}
}

var _ starlark.HasAttrs = (*taken)(nil)

// AttrNames are those of the description.
func (j *taken) AttrNames() []string { return takenType.AttrNames() }

// Attr returns what the job has.
func (j *taken) Attr(name string) (starlark.Value, error) {
	switch name {
	case "id":
		return starlark.String(j.job.id), nil
	case "key":
		return textOrNone(keyOf(j.job.key)), nil
	case "tries":
		return starlark.MakeUint64(j.tries), nil
	case "last":
		return starlark.Bool(j.last), nil
	}
	return nil, nil
}

// textOrNone returns None for an empty text.
func textOrNone(text string) starlark.Value {
	if text == "" {
		return starlark.None
	}
	return starlark.String(text)
}

var takenType = &host.Type{
	Name: "queue.job",
	Doc:  "A job that is being done: what work is called with beside its value, if it takes two.",
	Members: []host.Member{
		{Name: "id", Doc: "What put has returned."},
		{Name: "key", Doc: "The key it was put with, None if with none."},
		{Name: "tries", Doc: "Which try it is: 1 for the first. One that a process did not end for it died counts."},
		{Name: "last", Doc: "Whether it is the last try: if it fails, the job is kept with the dead."},
	},
}

// A corpse is a dead job as a script sees it. It is immutable.
type corpse struct {
	host.Object
	queue *queue
	dead  Dead
	value starlark.Value
}

// dead is dead().
func (q *queue) dead(t *starlark.Thread) (all []starlark.Value, err error) {
	err = q.lib.do(t, deed{text: q.name + ".dead", unit: "jobs", again: true}, func(
		ctx context.Context, e *engine,
	) (int64, error) {
		all = nil
		dead, err := e.dead(ctx, q.name)
		for _, d := range dead {
			v, err := decode(d.Value)
			if err != nil {
				return 0, err
			}
			all = append(all, &corpse{"queue.dead", q, d, v})
		}
		return int64(len(all)), err
	})
	if err != nil {
		return nil, err
	}
	return all, host.Charge(t, uint64(len(all)))
}

// retry puts the job into its queue again.
func (c *corpse) retry(t *starlark.Thread) error {
	return c.queue.lib.do(t, deed{text: c.queue.name + ".retry", unit: "jobs", again: true}, func(
		ctx context.Context, e *engine,
	) (int64, error) {
		return 1, e.retry(ctx, c.dead)
	})
}

// drop forgets the job.
func (c *corpse) drop(t *starlark.Thread) error {
	return c.queue.lib.do(t, deed{text: c.queue.name + ".drop", unit: "jobs", again: true}, func(
		ctx context.Context, e *engine,
	) (int64, error) {
		return 1, e.drop(ctx, c.dead)
	})
}

var _ starlark.HasAttrs = (*corpse)(nil)

// Freeze freezes the value.
func (c *corpse) Freeze() { c.value.Freeze() }

// AttrNames are those of the description.
func (c *corpse) AttrNames() []string { return deadType.AttrNames() }

// Attr returns a method, or what the job has.
func (c *corpse) Attr(name string) (starlark.Value, error) {
	switch name {
	case "id":
		return starlark.String(c.dead.ID), nil
	case "value":
		return c.value, nil
	case "key":
		return textOrNone(c.dead.Key), nil
	case "tries":
		return starlark.MakeUint64(c.dead.Attempts), nil
	case "error":
		return starlark.String(c.dead.Error), nil
	case "backtrace":
		return starlark.String(c.dead.Backtrace), nil
	case "time":
		return startime.Time(c.dead.Time.UTC()), nil
	}
	return deadType.Method(c, name), nil
}

var deadType = &host.Type{
	Name: "queue.dead",
	Doc:  "A job that has failed for good. It is kept for 30 days.",
	Members: []host.Member{
		{Name: "id", Doc: "What put has returned."},
		{Name: "value", Doc: "The value it was put with."},
		{Name: "key", Doc: "The key it was put with, None if with none."},
		{Name: "tries", Doc: "How often it was tried."},
		{Name: "error", Doc: "What it failed with at last."},
		{Name: "backtrace", Doc: "Where that was, in several lines."},
		{Name: "time", Doc: "When that was, a time of @time."},
		{
			Name:    "retry",
			Doc:     "Puts it into the queue again, as though it had never been tried.",
			Result:  "None",
			Errors:  stateErrors(),
			Example: `[d.retry() for d in mails.dead()]  # []`,
			Fn:      (*corpse).retry,
		},
		{
			Name:    "drop",
			Doc:     "Forgets it.",
			Result:  "None",
			Errors:  stateErrors(),
			Example: `[d.drop() for d in mails.dead()]  # []`,
			Fn:      (*corpse).drop,
		},
	},
}
