package state

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/nats-io/nats.go/jetstream"
)

var _ host.Keeper = (*Grant)(nil)

// What a collection is in.
const (
	inBuckets   = "buckets"
	inTopics    = "topics"
	inQueues    = "queues"
	inLater     = "jobs with a delay"
	inDead      = "failed jobs"
	inSchedules = "schedules"
)

// Kept is [host.Keeper]'s: buckets, topics, queues, jobs that have failed, and schedules. Where nothing
// was used yet there are none.
func (g *Grant) Kept(ctx context.Context) (all []host.Collection, err error) {
	g.mu.Lock()
	used := g.engine != nil
	g.mu.Unlock()
	if !used {
		return nil, nil
	}
	err = g.ask(ctx, func(ctx context.Context, e *engine) (int64, error) {
		all = nil
		streams := e.js.ListStreams(ctx)
		for info := range streams.Info() {
			name, bucket := strings.CutPrefix(info.Config.Name, "KV_")
			if bucket && !strings.HasPrefix(name, own) {
				all = append(all, host.Collection{
					In: inBuckets, Name: name, Kind: "bucket", Count: int64(info.State.NumSubjects),
					Actions: actionsOf(inBuckets),
				})
			}
		}
		if err := streams.Err(); err != nil {
			return 0, err
		}
		for i := range all {
			if c := &all[i]; c.Count <= maxCounted {
				stream, filter := streamOf(*c)
				counts, err := e.count(ctx, stream, filter, func(string) string { return "" })
				if err != nil && !gone(err) {
					return 0, err
				}
				c.Count = counts[""]
			}
		}
		return 0, nil
	})
	for _, s := range []struct {
		shape  shape
		prefix string
		in     string
		kind   string
	}{
		{topicShape(), topicPrefix, inTopics, "topic"},
		{jobShape(), nowPrefix, inQueues, "queue"},
		{jobShape(), laterPrefix, inLater, "queue"},
		{deadShape(), prefixOf(deadBucket), inDead, "queue"},
		{cronShape(), prefixOf(cronBucket), inSchedules, "schedule"},
	} {
		if err == nil {
			var more []host.Collection
			more, err = g.subjects(ctx, s.shape, s.prefix, s.in, s.kind)
			all = append(all, more...)
		}
	}
	return all, err
}

// maxCounted is how many keys of a bucket are looked at to see which were deleted.
const maxCounted = 1000

// count counts the keys of a bucket that have a value, by what of returns of their subjects.
func (e *engine) count(
	ctx context.Context, stream, filter string, of func(subject string) string,
) (map[string]int64, error) {
	counts := make(map[string]int64)
	s, err := e.js.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	return counts, scan(ctx, &opened{engine: e, stream: s}, listing{filter: filter, bare: true}, func(m *message) error {
		if !absent(m.header) {
			counts[of(m.subject)]++
		}
		return nil
	})
}

// maxShown is how many collections of a kind are listed.
const maxShown = 1000

// subjects lists the subjects of a stream as collections, if there is the stream. Of a bucket of failed
// jobs those of a queue are one.
func (g *Grant) subjects(ctx context.Context, s shape, prefix, in, kind string) (all []host.Collection, err error) {
	counts := make(map[string]int64)
	err = g.ask(ctx, func(ctx context.Context, e *engine) (_ int64, err error) {
		if in == inDead {
			counts, err = e.count(ctx, s.name, prefix+">", func(subject string) string {
				name, _, _ := strings.Cut(strings.TrimPrefix(subject, prefix), ".")
				return name
			})
			return 0, err
		}
		clear(counts)
		stream, err := e.js.Stream(ctx, s.name)
		if err != nil {
			return 0, err
		}
		info, err := stream.Info(ctx, jetstream.WithSubjectFilter(prefix+">"))
		if err != nil {
			return 0, err
		}
		for subject, n := range info.State.Subjects {
			counts[strings.TrimPrefix(subject, prefix)] += int64(n)
		}
		return 0, nil
	})
	if gone(err) {
		return nil, nil
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if len(all) < maxShown {
			c := host.Collection{In: in, Name: keyOf(name), Kind: kind, Count: counts[name], Actions: actionsOf(in)}
			if in == inSchedules {
				c.Count = -1 // a run is noted when it begins, too
			}
			all = append(all, c)
		}
	}
	return all, err
}

// Look is [host.Keeper]'s.
func (g *Grant) Look(ctx context.Context, c host.Collection, from, n int) (*host.Sheet, error) {
	columns, row := []string{"id", "value", "time"}, rowOfTopic
	name, filter := streamOf(c)
	l := listing{filter: filter, history: true}
	var each []host.Action
	switch c.In {
	case inBuckets:
		columns, row = []string{"key", "value", "version", "time"}, rowOfBucket(c.Name)
		l.history, each = false, []host.Action{deleteKey}
	case inQueues, inLater:
		columns, row = []string{"job", "value", "key", "due", "put"}, rowOfQueue
	case inDead:
		columns, row = []string{"job", "value", "key", "attempts", "error", "time"}, rowOfDead
		l.history, each = false, []host.Action{retryJob, dropJob}
	case inSchedules:
		columns, row = []string{"due", "began", "took", "error"}, rowOfSchedule
	}
	prefix := strings.TrimSuffix(filter, ">")
	sheet := &host.Sheet{Columns: columns, Actions: each}
	err := g.ask(ctx, func(ctx context.Context, e *engine) (int64, error) {
		sheet.Rows, sheet.Keys, sheet.More = nil, nil, false
		stream, err := e.js.Stream(ctx, name)
		if err != nil {
			return 0, err
		}
		at, read := 0, scan
		if c.In == inQueues || c.In == inLater {
			read = walk
		}
		return 0, read(ctx, &opened{stream: stream}, l, func(m *message) error {
			cells := row(m)
			switch {
			case cells == nil:
				return nil
			case at >= from && len(sheet.Rows) < n:
				sheet.Rows = append(sheet.Rows, cells)
				if each != nil {
					sheet.Keys = append(sheet.Keys, strings.TrimPrefix(m.subject, prefix))
				}
			case at >= from:
				sheet.More = true
				return errEnough
			}
			at++
			return nil
		})
	})
	if gone(err) || errors.Is(err, errEnough) {
		return sheet, nil
	}
	return sheet, err
}

// streamOf returns the stream that a collection is in, and which of its subjects are the collection's.
func streamOf(c host.Collection) (stream, filter string) {
	switch c.In {
	case inBuckets:
		return "KV_" + c.Name, prefixOf(c.Name) + ">"
	case inQueues:
		return jobStream, nowPrefix + c.Name
	case inLater:
		return jobStream, laterPrefix + c.Name
	case inDead:
		return deadShape().name, prefixOf(deadBucket) + c.Name + ".>"
	case inSchedules:
		return cronShape().name, prefixOf(cronBucket) + c.Name
	}
	return topicStream, topicPrefix + escape(c.Name)
}

// errEnough ends what is read early.
var errEnough = errors.New("enough")

// walk is scan for a stream of jobs, which has no consumers but those that take them.
func walk(ctx context.Context, o *opened, l listing, f func(m *message) error) error {
	for after := uint64(0); ; {
		m, err := o.stream.GetMsg(ctx, after+1, jetstream.WithGetMsgSubject(l.filter))
		if isMissing(err) {
			return nil
		}
		if err != nil {
			return err
		}
		after = m.Sequence
		if err := f(raw(m)); err != nil {
			return err
		}
	}
}

// cellsOf are texts as cells; "" is none.
func cellsOf(texts ...string) []host.Cell {
	cells := make([]host.Cell, len(texts))
	for i, text := range texts {
		cells[i] = host.Cell{Text: host.Cut(text), None: text == ""}
	}
	return cells
}

func shownTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05.000")
}

func rowOfTopic(m *message) []host.Cell {
	return cellsOf(strconv.FormatUint(m.sequence, 10), string(m.data), shownTime(m.time))
}

func rowOfBucket(name string) func(m *message) []host.Cell {
	prefix := prefixOf(name)
	return func(m *message) []host.Cell {
		r := m.row(prefix)
		if r.deleted {
			return nil
		}
		return cellsOf(r.key, string(r.data), strconv.FormatUint(r.version, 10), shownTime(r.time))
	}
}

func rowOfQueue(m *message) []host.Cell {
	return cellsOf(m.header.Get(fieldJob), string(m.data), keyOf(m.header.Get(fieldKey)),
		shownTime(timeOf(m.header, fieldDue)), shownTime(m.time))
}

func rowOfDead(m *message) []host.Cell {
	var v grave
	if absent(m.header) || json.Unmarshal(m.data, &v) != nil {
		return nil
	}
	id := m.subject[strings.LastIndexByte(m.subject, '.')+1:]
	return cellsOf(id, string(v.Value), keyOf(v.Key), strconv.FormatUint(v.Attempts, 10), v.Error, shownTime(m.time))
}

func rowOfSchedule(m *message) []host.Cell {
	var t tick
	if json.Unmarshal(m.data, &t) != nil || t.Took == 0 {
		return nil // it is new, or runs
	}
	return cellsOf(shownTime(t.Last), shownTime(t.Began), t.Took.Round(time.Microsecond).String(), t.Error)
}
