package state

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// A journal is the log of a server of NATS: what it tells of its life is for who debugs.
type journal struct {
	log *slog.Logger
	// seldom has a warning or an error not be told again within a minute: nodes try to connect to one
	// that is away, or that they do not know, every second.
	seldom bool

	mu   sync.Mutex
	told map[string]time.Time // by format, of which the server has so many
}

const tellAgain = time.Minute

func (j *journal) say(level slog.Level, format string, v []any) {
	if level > slog.LevelDebug && j.seldom && j.lately(format) {
		level = slog.LevelDebug
	}
	if !j.log.Enabled(context.Background(), level) {
		return
	}
	message := fmt.Sprintf(format, v...)
	if strings.Contains(message, "route handshake error") && strings.Contains(message, "certificate") {
		at, _, _ := strings.Cut(message, " ")
		message = "the node at " + at + " has another secret, or another name of the cluster"
	}
	j.log.Log(context.Background(), level, "state: "+message)
}

// lately reports whether the format was told within a minute. It begins with the connection, if it is
// about one: 10.0.0.1:6222 - rid:7 - ...
func (j *journal) lately(format string) bool {
	if i := strings.LastIndex(format, " - "); i >= 0 {
		format = format[i:]
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	if now.Sub(j.told[format]) < tellAgain {
		return true
	}
	if j.told == nil {
		j.told = make(map[string]time.Time)
	}
	j.told[format] = now
	return false
}

func (j *journal) Noticef(format string, v ...any) { j.say(slog.LevelDebug, format, v) }
func (j *journal) Debugf(format string, v ...any)  { j.say(slog.LevelDebug, format, v) }
func (j *journal) Tracef(format string, v ...any)  { j.say(slog.LevelDebug, format, v) }
func (j *journal) Warnf(format string, v ...any)   { j.say(slog.LevelWarn, format, v) }
func (j *journal) Errorf(format string, v ...any)  { j.say(slog.LevelError, format, v) }
func (j *journal) Fatalf(format string, v ...any)  { j.say(slog.LevelError, format, v) }
