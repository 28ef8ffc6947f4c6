package state

import (
	"context"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/nats-io/nats.go/jetstream"
)

var _ host.Changer = (*Grant)(nil)

// What can be done with what is kept.
var (
	deleteKey = host.Action{
		Name: "delete", Text: "Delete", Loses: "The key is deleted, as delete() of its bucket does it.",
	}
	retryJob = host.Action{Name: "retry", Text: "Retry"}
	dropJob  = host.Action{Name: "drop", Text: "Drop", Loses: "The job is forgotten, with its error."}
)

// actionsOf are what can be done with all of a collection.
func actionsOf(in string) []host.Action {
	switch in {
	case inBuckets:
		return []host.Action{{
			Name: "empty", Text: "Empty the bucket", Loses: "All keys are deleted, as delete() does it.",
		}}
	case inTopics:
		return []host.Action{{
			Name: "empty", Text: "Empty the topic", Loses: "All messages are gone for who comes later.",
		}}
	case inQueues:
		return []host.Action{{
			Name: "empty", Text: "Empty the queue",
			Loses: "All jobs that wait are gone. One that is being done goes on, and is not tried again.",
		}}
	case inLater:
		return []host.Action{{
			Name: "empty", Text: "Empty the queue", Loses: "All jobs are gone that wait for their time.",
		}}
	case inDead:
		return []host.Action{
			{Name: "retry", Text: "Retry all"},
			{Name: "drop", Text: "Drop all", Loses: "All jobs of the queue that have failed are forgotten."},
		}
	case inSchedules:
		return []host.Action{{Name: "run", Text: "Run now"}}
	}
	return nil
}

// errNoAction is the error of an action that there is none of.
var errNoAction = failed(KindUsage, "there is no such action")

// Change is [host.Changer]'s.
func (g *Grant) Change(ctx context.Context, c host.Collection, action, row string) error {
	switch {
	case c.In == inDead && (action == "retry" || action == "drop"):
		return g.changeDead(ctx, c.Name, action, row)
	case c.In == inBuckets && row != "" && action == "delete":
		if strings.ContainsFunc(row, func(r rune) bool { return r > 0x7f || !isPlain(byte(r)) && r != '=' }) {
			return failed(KindKey, "that is no key")
		}
		return g.deleteKeys(ctx, c.Name, row)
	case row != "":
	case c.In == inBuckets && action == "empty":
		return g.deleteKeys(ctx, c.Name, allKeys)
	case c.In == inSchedules && action == "run":
		return g.callNow(ctx, c.Name)
	case action == "empty" && c.In != inSchedules:
		name, filter := streamOf(c)
		return g.ask(ctx, func(ctx context.Context, e *engine) (int64, error) {
			stream, err := e.js.Stream(ctx, name)
			if err != nil {
				return 0, err
			}
			return 0, stream.Purge(ctx, jetstream.WithPurgeSubject(filter))
		})
	}
	return errNoAction
}

// allKeys is the filter of all keys.
const allKeys = ">"

// deleteKeys deletes the keys of a bucket whose subjects match a filter. Who watches it is told, of 10,000
// keys at most.
func (g *Grant) deleteKeys(ctx context.Context, bucket, filter string) error {
	return g.ask(ctx, func(ctx context.Context, e *engine) (int64, error) {
		stream, err := e.js.Stream(ctx, "KV_"+bucket)
		if err != nil {
			return 0, err
		}
		o := &opened{engine: e, stream: stream}
		if stream.CachedInfo().Config.AllowMsgTTL {
			o.level = levelTTL
		}
		var subjects []string
		err = scan(ctx, o, listing{filter: prefixOf(bucket) + filter, bare: true}, func(m *message) error {
			if !absent(m.header) {
				subjects = append(subjects, m.subject)
			}
			if len(subjects) == maxListed {
				return errEnough
			}
			return nil
		})
		if err != nil && err != errEnough {
			return 0, err
		}
		for _, subject := range subjects {
			if _, err := e.put(ctx, o, subject, change{delete: true}); err != nil {
				return 0, err
			}
		}
		if filter == allKeys {
			return 0, stream.Purge(ctx) // what says that a key was deleted, too
		}
		return int64(len(subjects)), nil
	})
}

// changeDead has jobs of a queue that have failed be done again, or forgets them: one, or all if id is "".
func (g *Grant) changeDead(ctx context.Context, queue, action, id string) error {
	dead, err := g.Dead(ctx, queue)
	if err != nil {
		return err
	}
	if id != "" && !slices.ContainsFunc(dead, func(d Dead) bool { return d.ID == id }) {
		return failed(KindUsage, "the queue %s has no such job any more", host.Cut(queue))
	}
	do := g.Retry
	if action == "drop" {
		do = g.Drop
	}
	for _, d := range dead {
		if id != "" && d.ID != id {
			continue
		}
		if err := do(ctx, d); err != nil {
			return err
		}
	}
	return nil
}
