// Package access writes a line for each request, or for some of them, and reads such lines again.
//
// # The model
//
// A [Log] is an Observer of requests. It makes an [Entry] of each Record, and writes that in one of
// three forms: as text for people, as JSON whose names are those of OpenTelemetry's semantic
// conventions, or in the combined format of Apache. Of JSON, [Parse] makes the Entry again.
//
// No form has a cookie, nor the field Authorization. Values of query parameters that are secrets as a
// rule are masked, in the request and in Referer: see [Mask]. Whatever a client sends, a line stays
// one line, and has nothing in it that would steer a terminal.
package access

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"

	"github.com/larkspur-web/larkspur/server"
)

// A Form is how lines are written.
type Form string

// The forms.
const (
	Text     Form = "text"     // a record of a slog.Logger
	JSON     Form = "json"     // an object for each line
	Combined Form = "combined" // as Apache and nginx write it
)

// A Log writes a line for each request that has ended. Its fields must not be changed once it is in use,
// and it must not be copied; it is safe for concurrent use.
type Log struct {
	// Form is how. Empty means Text.
	Form Form
	// W is where lines go, each by one Write. Nil means nowhere. It must not wait for whoever reads.
	W io.Writer
	// Logger is where those of Text go. Nil means slog.Default().
	Logger *slog.Logger
	// Sample is the part of requests that is logged, as 0.01. Those that failed are logged in any case:
	// with a status of 500 or more, without a status, or because a limit was reached. Zero means all.
	Sample float64
	// Mask are names of query parameters whose values are masked, beside those of [Masked].
	Mask []string

	once sync.Once
	mask Mask
}

// Observer writes the lines.
func (l *Log) Observer() *server.Observer { return &server.Observer{End: l.end} }

func (l *Log) end(rec *server.Record) {
	l.once.Do(func() { l.mask = NewMask(l.Mask...) })
	if !failed(rec) && l.Sample > 0 && l.Sample < 1 && rand.Float64() >= l.Sample {
		return
	}
	e := l.mask.entry(rec)
	if l.Sample > 0 && l.Sample < 1 && !failed(rec) {
		e.Sample = l.Sample
	}
	if l.Form == Text || l.Form == "" {
		e.log(l.Logger, rec)
		return
	}
	if l.W == nil {
		return
	}
	line := lines.Get().(*[]byte)
	defer lines.Put(line)
	if l.Form == Combined {
		*line = e.AppendCombined((*line)[:0])
	} else {
		*line = e.AppendJSON((*line)[:0])
	}
	*line = append(*line, '\n')
	_, _ = l.W.Write(*line) // nobody could be told
}

var lines = sync.Pool{New: func() any { p := make([]byte, 0, 1024); return &p }}

// failed reports whether a request is logged in any case.
func failed(rec *server.Record) bool {
	return rec.Status >= 500 || rec.Status == 0 || rec.Failure != nil && rec.Failure.Limit() != ""
}

// log writes an entry as a record: what is always there, and of the rest what is not zero.
func (e *Entry) log(logger *slog.Logger, rec *server.Record) {
	if logger == nil {
		logger = slog.Default()
	}
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs, slog.Int("status", e.Status), slog.Int64("bytes", e.Bytes), slog.String("request", e.Request))
	if e.Pushed > 0 {
		attrs = append(attrs, slog.Int("pushed", e.Pushed))
	}
	if e.Hinted > 0 {
		attrs = append(attrs, slog.Int("hinted", e.Hinted))
	}
	if e.Limit != "" {
		attrs = append(attrs, slog.String("limit", e.Limit))
	}
	attrs = append(attrs, slog.Duration("took", rec.Took), slog.String("proto", rec.Request.Proto))
	if rec.Queued > 0 {
		attrs = append(attrs, slog.Duration("queued", rec.Queued))
	}
	if e.Trace != "" {
		attrs = append(attrs, slog.String("trace", e.Trace))
	}
	logger.LogAttrs(context.WithoutCancel(rec.Request.Context()), slog.LevelInfo, short(e.Method+" "+e.target()), attrs...)
}

// short is what a line has of a value.
func short(s string) string {
	if len(s) > maxValue {
		return s[:maxValue] + "..."
	}
	return s
}
