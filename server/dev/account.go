package dev

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/tee"
	"github.com/larkspur-web/larkspur/server/dev/trace"
)

// An account is what the server of a worker knows of a request, and that of the front does not.
type account struct {
	Generation uint64       `json:",omitempty"`
	Steps      uint64       `json:",omitempty"`
	Logs       []logLine    `json:",omitempty"`
	Work       []work       `json:",omitempty"`
	Failure    *toldFailure `json:",omitempty"`
	Late       bool         `json:",omitempty"` // it failed after the response had begun
	Session    string       `json:",omitempty"` // a literal of it
	Note       string       `json:",omitempty"` // with Session: what is to be said of it
}

// A work is a [host.Work] as JSON has it.
type work struct {
	host.Work
	Err      string         `json:",omitempty"`
	Seen     any            `json:"-"` // it is one of these two
	Exchange *host.Exchange `json:",omitempty"`
	Letter   *host.Letter   `json:",omitempty"`
}

// A toldFailure is a failure with what of it is for the page only.
type toldFailure struct {
	Failure  *failure
	Open     []int `json:",omitempty"` // frames
	Unloaded bool  `json:",omitempty"`
}

// maxAccount is how many bytes an account has at most.
const maxAccount = 128 << 10

// account returns what is to be told of a request that is over: of what was logged and done as much as
// there is room for.
func (r *record) account() json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := account{Generation: r.generation, Steps: r.steps, Failure: tellFailure(r.failure), Late: r.late}
	signed := r.signedIn()
	a.Session, a.Note = signed.text, signed.note
	for most := max(len(r.logs), len(r.work)); ; most /= 2 {
		a.Logs, a.Work = r.logs[:min(most, len(r.logs))], nil
		for _, w := range r.work[:min(most, len(r.work))] {
			told := work{Work: w}
			if w.Err != nil {
				told.Err = w.Err.Error()
			}
			told.Exchange, _ = w.Seen.(*host.Exchange)
			told.Letter, _ = w.Seen.(*host.Letter)
			a.Work = append(a.Work, told)
		}
		p, err := json.Marshal(a)
		if err == nil && len(p) <= maxAccount {
			return p
		}
		if most == 0 {
			return json.RawMessage("{}")
		}
	}
}

func tellFailure(f *failure) *toldFailure {
	if f == nil {
		return nil
	}
	t := &toldFailure{Failure: f, Unloaded: f.Unloaded}
	for i := range f.Frames {
		if f.Frames[i].Open {
			t.Open = append(t.Open, i)
		}
	}
	return t
}

// whole returns the failure that was told; nil if none was.
func (t *toldFailure) whole() *failure {
	if t == nil || t.Failure == nil {
		return nil
	}
	f := t.Failure
	f.Unloaded = t.Unloaded
	for _, i := range t.Open {
		if i >= 0 && i < len(f.Frames) {
			f.Frames[i].Open = true
		}
	}
	return f
}

// Told adds to the record of the request r, which another process has answered, the account that the
// server of that process gives of it. It does nothing for a request that has no record, or with what is
// no account.
func Told(r *http.Request, p json.RawMessage) {
	rec := recordOf(r.Context())
	var a account
	if rec == nil || json.Unmarshal(p, &a) != nil {
		return
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.generation = a.Generation; a.Session != "" {
		rec.signed = &signIn{a.Session, a.Note}
	}
	rec.steps, rec.logs = a.Steps, append(a.Logs, rec.logs...)
	for _, t := range a.Work {
		w := t.Work
		if t.Err != "" {
			w.Err = errors.New(t.Err)
		}
		if t.Exchange != nil {
			w.Seen = t.Exchange
		} else if t.Letter != nil {
			w.Seen = t.Letter
		}
		rec.work = append(rec.work, w)
	}
	if f := a.Failure.whole(); f != nil && rec.failure == nil {
		rec.failure, rec.late = f, a.Late
	}
}

// failureField is the field of a response whose body is a failure, as a worker tells it.
const failureField = "Larkspur-Failure"

// tell answers a front with the failure.
func (f *failure) tell(w http.ResponseWriter, r *http.Request) {
	p, err := json.Marshal(tellFailure(f))
	if err != nil {
		p = []byte("{}")
	}
	h := w.Header()
	h.Set(failureField, "1")
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(p)))
	w.WriteHeader(f.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(p) // nobody is left to tell
	}
}

// tell serves a request of a front, and gives that an account of it.
func (f *front) tell(w http.ResponseWriter, r *http.Request) {
	rec := &record{id: f.serial.Add(1), began: time.Now()}
	at, end := f.Tell(r)
	ctx := r.Context()
	if f.Sessions != nil {
		ctx, rec.session = f.Sessions(r)
	}
	if at != nil {
		ctx = trace.Follow(ctx, at)
	}
	rec.request = r.WithContext(tee.With(withRecord(ctx, rec), rec.logged))
	whole := false
	defer func() { // a response that is broken off panics
		rec.finish(whole)
		end(rec.account())
	}()
	f.next.ServeHTTP(&writer{w, rec}, rec.request)
	whole = true
}
