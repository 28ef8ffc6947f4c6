//go:build linux

package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A soakLog counts what a house logs.
type soakLog struct {
	mu     sync.Mutex
	said   map[string]int // by level and message
	wrong  []string       // records that nothing accounts for, the first of them
	killed map[int]bool   // workers; true once their end is known
}

// usual are the records above Info that clients bring about who break off, reloads of what is wrong,
// and kills.
var usual = regexp.MustCompile(`^(` + strings.Join([]string{
	`WARN LARK0302: `, // the request's body broke off
	`ERROR LARK0601: the worker did not answer: `, // which clients get as 502
	`ERROR reload failed, the last good version serves on `,
	`ERROR a worker has ended .*cause=signal: killed`,
}, "|") + `)`)

// kill notes that a worker is about to be killed.
func (l *soakLog) kill(pid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.killed == nil {
		l.killed = make(map[int]bool)
	}
	l.killed[pid] = false
}

// hasEnded reports whether the end of a worker is known that was killed.
func (l *soakLog) hasEnded(pid int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.killed[pid]
}

// take takes a record.
func (l *soakLog) take(level slog.Level, message, attrs string, pid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.said == nil {
		l.said = make(map[string]int)
	}
	l.said[level.String()+" "+message]++
	record := level.String() + " " + message + attrs
	ended := message == "a worker has ended"
	if _, killed := l.killed[pid]; killed && ended {
		l.killed[pid] = true
	}
	known := usual.MatchString(record) && (!ended || l.killed[pid])
	if (level > slog.LevelInfo && !known || strings.Contains(record, "DATA RACE")) && len(l.wrong) < 20 {
		l.wrong = append(l.wrong, record)
	}
}

// faults are the records that nothing accounts for.
func (l *soakLog) faults() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.wrong)
}

func (l *soakLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(l.said)) {
		fmt.Fprintf(&b, "\n%8d %s", l.said[what], what)
	}
	return b.String()
}

// A soakHandler is a slog.Handler that has records in a soakLog.
type soakHandler struct {
	*soakLog
	attrs []slog.Attr
}

func (h soakHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h soakHandler) WithGroup(string) slog.Handler            { return h }

func (h soakHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attrs = slices.Concat(h.attrs, attrs)
	return h
}

func (h soakHandler) Handle(_ context.Context, r slog.Record) error {
	text, pid := "", 0
	attr := func(a slog.Attr) bool {
		if a.Key == "worker" {
			pid = int(a.Value.Int64())
		}
		text += " " + a.String()
		return true
	}
	for _, a := range h.attrs {
		attr(a)
	}
	r.Attrs(attr)
	h.take(r.Level, r.Message, text, pid)
	return nil
}
