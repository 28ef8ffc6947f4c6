package state

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A Waiting is what a queue has.
type Waiting struct {
	Queue string
	Jobs  int64 // that wait, or are being done
	Dead  int   // that have failed for good
}

// A Dead is a job that has failed for good, and is kept for 30 days.
type Dead struct {
	Queue, ID string
	Time      time.Time // when it failed last
	Value     json.RawMessage
	Key       string // "" for none
	Error     string
	Backtrace string
	Attempts  uint64

	version uint64
}

// Queues lists the queues that have jobs, or dead ones, in order.
func (g *Grant) Queues(ctx context.Context) ([]Waiting, error) {
	all := make(map[string]*Waiting)
	of := func(name string) *Waiting {
		if all[name] == nil {
			all[name] = &Waiting{Queue: name}
		}
		return all[name]
	}
	dead, err := g.Dead(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, d := range dead {
		of(d.Queue).Dead++
	}
	err = g.ask(ctx, func(ctx context.Context, e *engine) (int64, error) {
		return e.within(ctx, jobShape(), func(ctx context.Context, _ *engine, o *opened) (int64, error) {
			info, err := o.stream.Info(ctx, jetstream.WithSubjectFilter(jobPrefix+">"))
			if err != nil {
				return 0, err
			}
			for subject, n := range info.State.Subjects {
				_, name, _ := strings.Cut(strings.TrimPrefix(subject, jobPrefix), ".")
				of(name).Jobs += int64(n)
			}
			return 0, nil
		})
	})
	var list []Waiting
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, *all[name])
	}
	return list, err
}

// ask asks the server, and says what an error means.
func (g *Grant) ask(ctx context.Context, f func(ctx context.Context, e *engine) (int64, error)) error {
	asks, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	e, err := g.open(asks)
	if err == nil {
		_, err = e.ask(asks, true, f)
	}
	return explain(ctx, err)
}

// Dead lists the jobs of a queue that have failed for good, the oldest first; "" is all queues.
func (g *Grant) Dead(ctx context.Context, queue string) (all []Dead, err error) {
	err = g.ask(ctx, func(ctx context.Context, e *engine) (int64, error) {
		all, err = e.dead(ctx, queue)
		return 0, err
	})
	return all, err
}

// dead lists the dead jobs of a queue, or of all.
func (e *engine) dead(ctx context.Context, queue string) (all []Dead, err error) {
	filter := ">"
	if queue != "" {
		filter = queue + ".>"
	}
	_, err = e.within(ctx, deadShape(), func(ctx context.Context, _ *engine, o *opened) (int64, error) {
		all = nil
		return 0, scan(ctx, o, listing{filter: prefixOf(deadBucket) + filter}, func(m *message) error {
			name, id, _ := strings.Cut(strings.TrimPrefix(m.subject, prefixOf(deadBucket)), ".")
			var v grave
			if absent(m.header) || json.Unmarshal(m.data, &v) != nil {
				return nil
			}
			if len(all) == maxListed {
				return failed(KindLimit, "there are more than %d dead jobs", maxListed)
			}
			all = append(all, Dead{
				Queue: name, ID: id, Time: m.time, Value: v.Value, Key: keyOf(v.Key), Error: v.Error,
				Backtrace: v.Backtrace, Attempts: v.Attempts, version: m.sequence,
			})
			return nil
		})
	})
	return all, err
}

// Retry puts a dead job into its queue again, as though it had never been tried.
func (g *Grant) Retry(ctx context.Context, d Dead) error {
	return g.ask(ctx, func(ctx context.Context, e *engine) (int64, error) { return 0, e.retry(ctx, d) })
}

// retry puts a dead job into its queue again, and forgets that it was dead.
func (e *engine) retry(ctx context.Context, d Dead) error {
	j := &job{queue: d.Queue, id: d.ID, data: d.Value, key: escape(d.Key)}
	if err := e.requeue(ctx, j, "again "+textOf(d.Time)); err != nil {
		return err
	}
	return e.drop(ctx, d)
}

// Drop forgets a dead job.
func (g *Grant) Drop(ctx context.Context, d Dead) error {
	return g.ask(ctx, func(ctx context.Context, e *engine) (int64, error) { return 0, e.drop(ctx, d) })
}

// drop forgets a dead job, unless it has died again since it was listed.
func (e *engine) drop(ctx context.Context, d Dead) error {
	_, err := e.within(ctx, deadShape(), func(ctx context.Context, e *engine, o *opened) (int64, error) {
		_, err := e.put(ctx, o, prefixOf(deadBucket)+d.Queue+"."+d.ID, change{
			delete: true, expect: d.version, bound: true,
		})
		return 0, err
	})
	if isConflict(err) {
		return nil
	}
	return err
}
