package admin

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/server"
)

const (
	// maxSlow is how many slow requests are known, and slowAge for how long: the slowest.
	maxSlow = 32
	slowAge = 15 * time.Minute
	// slowFrom is how long a request takes that is slow.
	slowFrom = 100 * time.Millisecond
	// maxFaults is how many places with failures are known, and resources that were promised for
	// nothing: those of which the last was longest ago go first.
	maxFaults = 200
	// maxText is how many bytes are kept of a message, or of a path or whatever else a client or a worker says.
	maxText = 300
)

// A board is what is known of requests. The zero value is empty.
type board struct {
	mu     sync.Mutex
	live   map[*server.Record]live
	slow   []slow
	faults map[faultKey]*fault
	waste  map[string]*waste
}

// A slow request is one that has ended.
type slow struct {
	ID, Method, Path, Mount string
	Status                  int
	Began                   time.Time
	Took                    time.Duration // to its first byte, if it had one
	Queued, Ran             time.Duration
	Steps                   uint64
}

type faultKey struct {
	code, place, text string
}

// A fault is the failures that happened at one place.
type fault struct {
	Code, Place, Text string
	Count             int64
	Last              time.Time
	Status            int
	Method, Path, ID  string // of the last
}

// A waste is what was promised of a resource for nothing.
type waste struct {
	Target  string
	Resets  int64 // that clients have made
	Bytes   int64 // of what was reset
	Diaries int64 // times that it was not sent, since the client had it
	Last    time.Time
}

// Observer sees what the page tells of.
func (a *Admin) Observer() *server.Observer {
	b := &a.board
	return &server.Observer{Begin: b.begin, End: b.end, Fail: b.fail, Settled: b.settled}
}

func (b *board) begin(rec *server.Record) context.Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live == nil {
		b.live = map[*server.Record]live{}
	}
	b.live[rec] = live{ID: rec.ID, Method: short(rec.Request.Method), Path: rec.Request.URL.Path, began: rec.Began}
	return nil
}

func (b *board) end(rec *server.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.live, rec)
	if took := cmp.Or(rec.FirstByte, rec.Took); took >= slowFrom {
		b.note(slow{rec.ID, short(rec.Request.Method), short(rec.Request.URL.Path), rec.Mount, rec.Status, rec.Began,
			took, rec.Queued, rec.Ran, rec.Steps})
	}
	for i := range rec.Verdicts {
		if v := &rec.Verdicts[i]; v.Reason == push.Diary {
			w := b.wasted(v.Target)
			w.Diaries++
			w.Last = time.Now()
		}
	}
}

// note keeps a slow request, in the place of the fastest one if there are too many. b.mu is held.
func (b *board) note(s slow) {
	b.forget(time.Now())
	if len(b.slow) == maxSlow {
		least := 0
		for i := range b.slow {
			if b.slow[i].Took < b.slow[least].Took {
				least = i
			}
		}
		if s.Took <= b.slow[least].Took {
			return
		}
		b.slow = slices.Delete(b.slow, least, least+1)
	}
	b.slow = append(b.slow, s)
}

// forget forgets slow requests that are old. b.mu is held.
func (b *board) forget(now time.Time) {
	b.slow = slices.DeleteFunc(b.slow, func(s slow) bool { return now.Sub(s.Began) > slowAge })
}

func (b *board) fail(r *http.Request, f *server.Failure) {
	if f.Err == nil {
		return
	}
	key := faultKey{code: short(string(f.Code)), place: short(f.Place())}
	text := short(f.Err.Error())
	if key.place == "" {
		key.text = text
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.faults[key]
	if k == nil {
		if b.faults == nil {
			b.faults = map[faultKey]*fault{}
		}
		if len(b.faults) >= maxFaults {
			delete(b.faults, oldest(b.faults, func(f *fault) time.Time { return f.Last }))
		}
		k = &fault{Code: key.code, Place: key.place}
		b.faults[key] = k
	}
	k.Count++
	k.Last, k.Text, k.Status, k.ID = time.Now(), text, f.Status, short(f.RequestID)
	if r != nil {
		k.Method, k.Path = short(r.Method), short(r.URL.Path)
	}
}

func (b *board) settled(_ *http.Request, v push.Verdict, _ time.Duration, err error) {
	if err == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.wasted(v.Target)
	w.Resets++
	w.Bytes += v.Bytes
	w.Last = time.Now()
}

// wasted returns what is known of a resource. b.mu is held.
func (b *board) wasted(target string) *waste {
	target = short(target)
	w := b.waste[target]
	if w == nil {
		if b.waste == nil {
			b.waste = map[string]*waste{}
		}
		if len(b.waste) >= maxFaults {
			delete(b.waste, oldest(b.waste, func(w *waste) time.Time { return w.Last }))
		}
		w = &waste{Target: target}
		b.waste[target] = w
	}
	return w
}

// oldest returns the key of what was changed longest ago.
func oldest[K comparable, V any](all map[K]V, last func(V) time.Time) (key K) {
	var first time.Time
	for k, v := range all {
		if at := last(v); first.IsZero() || at.Before(first) {
			key, first = k, at
		}
	}
	return key
}

// short returns a text that is kept: not as a part of one that is long.
func short(s string) string {
	if len(s) > maxText {
		return strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}

// A view is a board as it is at a moment.
type view struct {
	Live   []live
	Count  int // of live requests, some of which may not be listed
	Slow   []slow
	Faults []fault
	Waste  []waste
}

// A live request is one that has not ended.
type live struct {
	ID, Method, Path string
	Age              time.Duration
	began            time.Time
}

// maxLive is how many live requests are listed, those that began first.
const maxLive = 50

func (b *board) view(now time.Time) (v view) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(now)
	v.Count, v.Slow = len(b.live), slices.Clone(b.slow)
	for _, l := range b.live {
		l.Age = now.Sub(l.began)
		v.Live = append(v.Live, l)
	}
	for _, f := range b.faults {
		v.Faults = append(v.Faults, *f)
	}
	for _, w := range b.waste {
		v.Waste = append(v.Waste, *w)
	}
	slices.SortFunc(v.Live, func(a, b live) int { return cmp.Compare(b.Age, a.Age) })
	v.Live = v.Live[:min(len(v.Live), maxLive)]
	for i := range v.Live {
		v.Live[i].Path = short(v.Live[i].Path)
	}
	slices.SortFunc(v.Slow, func(a, b slow) int { return cmp.Compare(b.Took, a.Took) })
	slices.SortFunc(v.Faults, func(a, b fault) int { return b.Last.Compare(a.Last) })
	slices.SortFunc(v.Waste, func(a, b waste) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Diaries, a.Diaries), cmp.Compare(a.Target, b.Target))
	})
	return v
}
