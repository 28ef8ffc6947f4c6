package dev

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev/live"
	"github.com/larkspur-web/larkspur/server/dev/trace"
)

// A failure is a request that failed, as the error page shows it. The names of its JSON are for programs.
type failure struct {
	Status    int    `json:"status"`
	Title     string `json:"title"`
	Message   string `json:"message"`
	Place     string `json:"place,omitempty"` // FILE:LINE:COL, as the user would name it
	Code      string `json:"code,omitempty"`
	CodeTitle string `json:"code_title,omitempty"`
	Cause     string `json:"cause,omitempty"`
	Cure      string `json:"cure,omitempty"`

	Frames    []frame `json:"frames"` // innermost first
	Omitted   int     `json:"omitted,omitempty"`
	Backtrace string  `json:"backtrace,omitempty"`

	Method    string  `json:"method"`
	Target    string  `json:"target"`
	Proto     string  `json:"proto"`
	Headers   []field `json:"headers"`
	RequestID string  `json:"request_id,omitempty"`
	Record    uint64  `json:"record,omitempty"` // of the inspector
}

// A frame is a call that was active.
type frame struct {
	Name   string        `json:"name"`
	Place  string        `json:"place,omitempty"`
	Lines  []live.Line   `json:"lines,omitempty"`
	Locals []trace.Local `json:"locals,omitempty"`
	Open   bool          `json:"-"` // it is shown at once: the innermost one of the script
}

// A field is a header field, or a key and its value.
type field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// explain makes a failure of the error of a call, as far as that tells.
func (s *Server) explain(err error) *failure {
	f := &failure{Message: err.Error(), Code: string(environ.CodeFailed)}
	var own *environ.Error
	if errors.As(err, &own) {
		f.Code = string(own.Code)
	}
	for _, known := range environ.Codes() {
		if string(known.Code) == f.Code {
			f.CodeTitle, f.Cause, f.Cure = known.Title, known.Cause, known.Cure
		}
	}
	var traced *trace.Error
	if errors.As(err, &traced) {
		f.Omitted = traced.Omitted
		open := true
		for _, t := range traced.Frames {
			v := frame{Name: t.Name, Locals: t.Locals}
			if t.Line > 0 {
				v.Place, v.Lines = place(s.path(t.File), t.Line, t.Col), s.lines(t.File, t.Line)
				v.Open, open = open, false
				if f.Place == "" {
					f.Place = v.Place
					f.Message = strings.TrimPrefix(f.Message, place(t.File, t.Line, t.Col)+": ")
				}
			}
			f.Frames = append(f.Frames, v)
		}
	}
	return f
}

// failed is the Handler's ErrorPage.
func (s *Server) failed(w http.ResponseWriter, r *http.Request, known *server.Failure) {
	f := s.explain(known.Err)
	f.Status, f.Title, f.Code = known.Status, http.StatusText(known.Status), string(known.Code)
	f.RequestID, f.Backtrace = known.RequestID, known.Backtrace()
	for _, row := range environ.Codes() {
		if row.Code == known.Code {
			f.CodeTitle, f.Cause, f.Cure = row.Title, row.Cause, row.Cure
		}
	}
	if file, line := splitPlace(known.Place()); f.Place == "" && line > 0 {
		f.Message = strings.TrimPrefix(f.Message, known.Place()+": ")
		f.Place = s.path(file) + strings.TrimPrefix(known.Place(), file)
		f.Frames = []frame{{Name: "the script", Place: f.Place, Lines: s.lines(file, line), Open: true}}
	}
	f.Method, f.Target, f.Proto, f.Headers = r.Method, r.URL.RequestURI(), r.Proto, fields(r.Header)
	if rec := recordOf(r.Context()); rec != nil {
		f.Record = rec.id
		rec.mu.Lock()
		rec.failure = f // knows more than what the call alone could tell
		rec.mu.Unlock()
	}
	s.answer(w, r, f)
}

// lines reads the lines around one from the tree as it is now. There are none if it cannot be read.
func (s *Server) lines(file string, number int) []live.Line {
	if number == 0 || s.config.Tree == nil {
		return nil
	}
	f, err := s.config.Tree.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	const around = 5
	var lines []live.Line
	scan := bufio.NewScanner(f)
	for n := 1; n <= number+around && scan.Scan(); n++ {
		if n >= number-around {
			lines = append(lines, live.Line{Number: n, Text: scan.Text(), Here: n == number})
		}
	}
	return lines
}

func place(file string, line, col int) string { return fmt.Sprintf("%s:%d:%d", file, line, col) }

// splitPlace takes FILE:LINE:COL apart.
func splitPlace(place string) (file string, line int) {
	if i := strings.LastIndex(place, ":"); i >= 0 {
		place = place[:i]
	}
	i := strings.LastIndex(place, ":")
	if i < 0 {
		return place, 0
	}
	line, _ = strconv.Atoi(place[i+1:]) // without a number there is no line to show
	return place[:i], line
}
