package dev

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// replayTime bounds a replay: a stream has no end of its own.
const replayTime = 10 * time.Second

// replay asks a kept request again, of the program as it is now, and shows what became of it.
func (f *front) replay(w http.ResponseWriter, r *http.Request) {
	old := f.find(r.PathValue("id"))
	if old == nil {
		f.refuse(w, r, http.StatusNotFound, gone)
		return
	}
	input, whole := old.body()
	if !whole {
		f.refuse(w, r, http.StatusConflict, fmt.Sprintf("This request cannot be asked again: its body is "+
			"longer than the %d bytes that are kept, or was not read to its end.", maxBody))
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(old.request.Context()), replayTime)
	defer cancel()
	again := old.request.Clone(ctx)
	again.Body = http.NoBody
	if len(input) > 0 {
		again.Body = io.NopCloser(bytes.NewReader(input))
	}
	m := &memory{header: http.Header{}}
	id := f.repeat(m, again, old.id)
	http.Redirect(w, r, fmt.Sprintf("%srequests/%d", Path, id), http.StatusSeeOther)
}

// repeat serves a replay, and returns the id of its record, also if the response was broken off.
func (f *front) repeat(m *memory, r *http.Request, replays uint64) (id uint64) {
	var rec *record
	defer func() {
		_ = recover() // http.ErrAbortHandler: the record says so
		if rec == nil {
			rec = f.latest(replays)
		}
		rec.mu.Lock()
		defer rec.mu.Unlock()
		rec.output, id = m.body, rec.id
	}()
	rec = f.serve(m, r, replays)
	return
}

// latest is the last record that replays another.
func (s *Server) latest(replays uint64) *record {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.records) - 1; i > 0; i-- {
		if s.records[i].replays == replays {
			return s.records[i]
		}
	}
	return &record{}
}

// body returns the request's body, and whether it is all of it.
func (r *record) body() (input []byte, whole bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.request.ContentLength > 0 && r.request.ContentLength != r.received {
		return nil, false
	}
	return r.input, r.received == int64(len(r.input))
}
