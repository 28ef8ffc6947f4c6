package dev

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev/live"
	"github.com/larkspur-web/larkspur/server/dev/trace"
)

// A failure is a request that failed, as the error page shows it. The names of its JSON are for
// programs.
type failure struct {
	Status    int    `json:"status"`
	Title     string `json:"title"`
	Message   string `json:"message"`
	Place     string `json:"place,omitempty"` // FILE:LINE:COL, as the user would name it
	Code      string `json:"code,omitempty"`
	CodeTitle string `json:"code_title,omitempty"`
	Cause     string `json:"cause,omitempty"`
	Cure      string `json:"cure,omitempty"`
	// How the function is called that failed, and what it does, if that is known.
	Signature   string `json:"signature,omitempty"`
	Description string `json:"description,omitempty"`

	Frames    []frame `json:"frames"` // innermost first
	Omitted   int     `json:"omitted,omitempty"`
	Backtrace string  `json:"backtrace,omitempty"`

	Method    string  `json:"method"`
	Target    string  `json:"target"`
	Proto     string  `json:"proto"`
	Headers   []field `json:"headers"`
	RequestID string  `json:"request_id,omitempty"`
	Record    uint64  `json:"record,omitempty"` // of the inspector

	Unloaded bool `json:"-"` // the script does not load, and the page is about that alone
}

// A frame is a call that was active.
type frame struct {
	Name   string        `json:"name"`
	Place  string        `json:"place,omitempty"`
	Lines  []host.Line   `json:"lines,omitempty"`
	Locals []trace.Local `json:"locals,omitempty"`
	Open   bool          `json:"-"` // it is shown at once: the innermost one of the script
	// Repeated is how often this frame, and those before it that Together counts, follow again.
	Repeated int `json:"repeated,omitempty"`
	Together int `json:"together,omitempty"`
}

// Again says how often the frame is repeated, "" if it is not.
func (f *frame) Again() string {
	switch {
	case f.Repeated == 0:
		return ""
	case f.Together == 1:
		return fmt.Sprintf("The same %d times more.", f.Repeated)
	}
	return fmt.Sprintf("These %d, %d times more.", f.Together, f.Repeated)
}

// A field is a header field, or a key and its value.
type field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// explain makes a failure of the error of a call for a request, as far as that tells.
func (a *App) explain(rec *record, err error) *failure {
	f := &failure{Message: err.Error()}
	code := environ.CodeFailed
	var own *environ.Error
	if errors.As(err, &own) {
		code = own.Code
	}
	f.describe(code)
	var unloaded host.Diagnostics
	if errors.As(err, &unloaded) {
		f.unload(a, unloaded)
	}
	var traced *trace.Error
	if errors.As(err, &traced) {
		f.Omitted = traced.Omitted
		f.Signature, f.Description = a.called(rec, traced.Frames)
		for _, s := range host.Fold(calls(traced.Frames)) {
			for i := range s.Len {
				f.add(a, rec, traced.Frames[s.First+i])
			}
			if s.More > 0 {
				last := &f.Frames[len(f.Frames)-1]
				last.Repeated, last.Together = s.More, s.Len
			}
		}
	}
	return f
}

// A call is a frame without its variables, by which it is compared with others.
type call struct {
	name  string
	place host.Place
}

func calls(frames []trace.Frame) []call {
	all := make([]call, len(frames))
	for i, f := range frames {
		all[i] = call{f.Name, f.Place}
	}
	return all
}

// add adds a frame. The first that is a line of script is the place of the failure.
func (f *failure) add(a *App, rec *record, t trace.Frame) {
	v := frame{Name: t.Name, Place: a.named(t.Place), Locals: t.Locals}
	v.Lines = a.excerpt(rec, t.Place)
	if t.Line > 0 && f.Place == "" {
		v.Open = true
		f.blame(t.Place, v.Place)
	}
	f.Frames = append(f.Frames, v)
}

// unload says what is wrong with a script that does not load: each place is shown as a frame.
func (f *failure) unload(a *App, found host.Diagnostics) {
	f.Unloaded = true
	f.Code, f.CodeTitle, f.Cause, f.Cure = "", "", "", "" // they are of a call
	f.Message = "The script does not load. This page follows the file: save the fix, and it goes away."
	for i, d := range found {
		v := frame{Name: d.Message, Place: a.named(d.Place), Lines: a.excerpt(nil, d.Place), Open: i == 0}
		f.Frames = append(f.Frames, v)
	}
}

// describe says what the code means.
func (f *failure) describe(code environ.Code) {
	f.Code = string(code)
	for _, row := range environ.Codes() {
		if row.Code == code {
			f.CodeTitle, f.Cause, f.Cure = row.Title, row.Cause, row.Cure
		}
	}
}

// Fix is what to write instead, "" if the code alone does not tell.
func (f *failure) Fix() string {
	if f.Code == string(environ.CodeFailed) {
		return "" // the message and the call stack do
	}
	return f.Cure
}

// overlay shows the failure over a page that had begun.
func (f *failure) overlay() *live.Overlay {
	o := &live.Overlay{
		Title: "The page broke off",
		Note:  "It had begun when the application failed. What is above is all that was sent.",
	}
	item := live.Item{Place: f.Place, Message: f.Message}
	for _, frame := range f.Frames {
		if frame.Open {
			item.Lines = frame.Lines
		}
	}
	o.Items = append(o.Items, item)
	return o
}

// blame makes p the place of the failure, which the user names so.
func (f *failure) blame(p host.Place, named string) {
	f.Place, f.Message = named, strings.TrimPrefix(f.Message, p.String()+": ")
}

// ErrorPage answers a request that failed with what is known of the failure, if it comes from this
// machine; others are answered as in production. It is for a server.Front.
func (s *Server) ErrorPage(w http.ResponseWriter, r *http.Request, known *server.Failure) {
	rec := recordOf(r.Context())
	if f := (*told)(nil); errors.As(known.Err, &f) {
		s.answerFor(w, r, rec, f.failure, known)
		return
	}
	var a *App
	if m := rec.by(); m != nil {
		a = m.developed
	}
	f := a.explain(rec, known.Err)
	f.Status, f.Title = known.Status, http.StatusText(known.Status)
	if f.describe(known.Code); len(f.Frames) > 0 && f.Place == "" {
		f.Code, f.CodeTitle = "", "" // it is the file that is wrong, not the call
	}
	f.RequestID, f.Backtrace = known.RequestID, known.Backtrace()
	var about host.Returner
	beside := errors.As(known.Err, &about) // the call stack is that of what called the function
	p, placed := host.ParsePlace(known.Place())
	if placed && (beside || len(f.Frames) == 0 && f.Place == "") {
		f.blame(p, a.named(p))
		for i := range f.Frames {
			f.Frames[i].Open = false
		}
		here := frame{Name: "the script", Place: f.Place, Lines: a.excerpt(rec, p), Open: true}
		if known.Code == environ.CodeWorkerDied {
			here.Name = "the last line that ran"
		}
		f.Frames = append([]frame{here}, f.Frames...)
	}
	s.answerFor(w, r, rec, f, known)
}

// answerFor answers with what is known of a failure, or tells the front of it.
func (s *Server) answerFor(w http.ResponseWriter, r *http.Request, rec *record, f *failure, known *server.Failure) {
	f.Method, f.Target, f.Proto, f.Headers = r.Method, r.URL.RequestURI(), r.Proto, fields(r.Header)
	if rec != nil {
		f.Record = rec.id
		rec.mu.Lock()
		rec.failure = f // knows more than what the call alone could tell
		rec.mu.Unlock()
	}
	if s.Tell != nil {
		f.tell(w, r)
		return
	}
	if !Local(r) {
		known.Write(w, r)
		return
	}
	s.answer(w, r, f)
}
