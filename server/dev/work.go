package dev

import (
	"net/http"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// NoteWork adds to the record of the request r what its application has done outside of the
// program, and returns what there is to say about it: that the same was done again and again, once
// for each text. For a request that has no record it does nothing. It is for a server.Gateway's
// Observe.
func NoteWork(r *http.Request, w host.Work) (advice string) {
	rec := recordOf(r.Context())
	if rec == nil {
		return ""
	}
	if len(w.Text) > maxText {
		w.Text = w.Text[:maxText] + "…"
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if len(rec.work) == maxWork {
		return ""
	}
	if w.Seen != nil {
		if rec.seen++; rec.seen > maxSeen {
			w.Seen = nil
		}
	}
	rec.work = append(rec.work, w)
	times := 0
	for _, done := range rec.work {
		if done.Kind == w.Kind && done.Text == w.Text {
			times++
		}
	}
	if times != manyTimes {
		return ""
	}
	return again(w.Kind)
}

// An errand is what was done outside for one request with one text, however often.
type errand struct {
	Kind, Text string
	Times      uint64
	Took       time.Duration // all together
	Count      uint64
	Unit       string
	Err        error  // the last
	Advice     string // what to do about it
}

// manyTimes is how often the same may be done for one request until it is pointed out.
const manyTimes = 5

// errands are pieces of work, those of the same text together, in the order in which they came
// first.
func errands(work []host.Work) []errand {
	type same struct{ kind, text string }
	places := make(map[same]int)
	var all []errand
	for _, w := range work {
		i, ok := places[same{w.Kind, w.Text}]
		if !ok {
			i = len(all)
			places[same{w.Kind, w.Text}] = i
			all = append(all, errand{Kind: w.Kind, Text: w.Text, Unit: w.Unit})
		}
		e := &all[i]
		e.Times, e.Took, e.Count = e.Times+1, e.Took+w.Took, e.Count+uint64(max(w.Count, 0))
		if w.Err != nil {
			e.Err = w.Err
		}
	}
	for i := range all {
		if all[i].Times >= manyTimes {
			all[i].Advice = again(all[i].Kind)
		}
	}
	return all
}

// again says what to do about what is done again and again for one request.
func again(kind string) string {
	switch kind {
	case "sql":
		return "the same statement runs again and again for one request: one with a JOIN, or with " +
			"IN (...), gives all rows at once; changes belong into one transaction"
	case "fetch":
		return "the same is fetched again and again for one request: keep the answer, or ask for " +
			"several at once with fetch_all"
	}
	return ""
}

// workBars are the bars of work: part says at which thousandth of the whole a moment is. The lock
// is held.
func (r *record) workBars(part func(time.Duration) int64) []bar {
	var bars []bar
	for _, w := range r.work[:min(len(r.work), maxMarks)] {
		at := w.Began.Sub(r.began)
		b := bar{What: w.Kind, Class: "work", Text: w.Text, At: at, From: min(part(at), 996)}
		b.Length = max(part(at+w.Took)-b.From, 4)
		bars = append(bars, b)
	}
	return bars
}
