package worker

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A message is what a front and a worker say of the worker, each a line of JSON. Config and End are
// the front's, and Config is the first.
type message struct {
	Config  []byte           `json:",omitempty"`
	End     bool             `json:",omitempty"` // no more requests come: what has no end is to end
	Ready   bool             `json:",omitempty"` // the application has loaded
	Version string           `json:",omitempty"` // with Ready: of what has loaded
	Wrong   string           `json:",omitempty"` // it does not load, and why
	Faults  host.Diagnostics `json:",omitempty"` // with Wrong
	Stuck   string           `json:",omitempty"` // a call that cannot be stopped: its method and path
	Place   string           `json:",omitempty"` // with Stuck: the line of script that it is at
	Request string           `json:",omitempty"` // with Stuck or Note: the id of its request
	Note    json.RawMessage  `json:",omitempty"` // what the application says of a request that has ended, or of none
	Files   []string         `json:",omitempty"` // with Ready: [Application.Files]
	Change  bool             `json:",omitempty"` // the files have changed
	Log     json.RawMessage  `json:",omitempty"` // a record, as [recorder] writes it
}

// A line is the end of a worker on which messages are written. It is safe for concurrent use.
type line struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *line) say(m message) error {
	p, err := json.Marshal(m)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err = l.w.Write(append(p, '\n'))
	return err
}

// maxMessage is how many bytes a message of a worker may have. The front does not read what is longer.
const maxMessage = 256 << 10

// Write is that of the log: slog writes a record by each call.
func (l *line) Write(p []byte) (int, error) {
	m := message{Log: p}
	if len(p) > maxMessage-1<<10 {
		m.Log = fmt.Appendf(nil, `{"level":"ERROR","msg":"a record of %d bytes is too large for the log"}`, len(p))
	}
	if err := l.say(m); err != nil {
		return 0, err
	}
	return len(p), nil
}

// logger returns one whose records the front logs.
func (l *line) logger() *slog.Logger { return slog.New(recorder(l)) }

// recorder returns a handler that writes records for [replay] to w.
func recorder(w io.Writer) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Value.Kind() == slog.KindDuration { // in JSON a number, as any other
				a.Value = slog.GroupValue(slog.Int64(durationKey, int64(a.Value.Duration())))
			}
			return a
		},
	})
}

// durationKey names the nanoseconds of a duration in a group that has nothing else.
const durationKey = "time.Duration"
