package worker

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/server"
)

// Failures returns a handler of logs that passes all on to h, and tells fail of the failures of
// requests that workers have logged: what a [server.Observer] is told of those in this process. Of
// many of a kind a worker logs the first ones only, and then their number. It is for the Logger of a
// [Pool].
func Failures(h slog.Handler, fail func(*http.Request, *server.Failure)) slog.Handler {
	return &failures{Handler: h, fail: fail}
}

type failures struct {
	slog.Handler
	fail   func(*http.Request, *server.Failure)
	worker bool // what is logged comes from a worker
}

// WithAttrs is slog.Handler's.
func (f *failures) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *f
	with.Handler = f.Handler.WithAttrs(attrs)
	for _, a := range attrs {
		with.worker = with.worker || a.Key == "worker"
	}
	return &with
}

// WithGroup is slog.Handler's.
func (f *failures) WithGroup(name string) slog.Handler {
	with := *f
	with.Handler = f.Handler.WithGroup(name)
	return &with
}

// Handle is slog.Handler's.
func (f *failures) Handle(ctx context.Context, r slog.Record) error {
	if f.worker && r.Level >= slog.LevelWarn {
		f.look(&r)
	}
	return f.Handler.Handle(ctx, r)
}

// look tells of a record that is of the failure of a request: it has a method, a path and a status.
func (f *failures) look(r *slog.Record) {
	e := &logged{text: r.Message}
	failure := &server.Failure{Err: e, Warning: r.Level < slog.LevelError}
	request := &http.Request{URL: new(url.URL)}
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "method":
			request.Method = a.Value.String()
		case "path":
			request.URL.Path = a.Value.String()
		case "status":
			if n := a.Value; n.Kind() == slog.KindInt64 {
				failure.Status = int(n.Int64())
			}
		case "code":
			failure.Code = environ.Code(a.Value.String())
		case "request":
			failure.RequestID = a.Value.String()
		case "place":
			e.place = a.Value.String()
		}
		return true
	})
	if request.Method != "" && failure.Status != 0 {
		if failure.Code == environ.CodeLimit {
			e.limit = limitIn(r.Message)
		}
		f.fail(request, failure)
	}
}

// limitIn is the limit that the message of a runtime.LimitError names, "" if it is none.
func limitIn(message string) string {
	for _, l := range []struct{ text, name string }{
		{"stopped at the time limit", "time"}, {"stopped at the depth limit", "depth"},
		{"stopped at the memory limit", "memory"}, {"stopped, because it held most", "memory"},
		{"stopped at the limit of", "steps"},
	} {
		if strings.Contains(message, l.text) {
			return l.name
		}
	}
	return ""
}

// A logged error is one that a worker has logged.
type logged struct {
	text, place, limit string
}

func (e *logged) Error() string        { return e.text }
func (e *logged) Place() string        { return e.place }
func (e *logged) LimitReached() string { return e.limit }
