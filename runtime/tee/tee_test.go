package tee_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/tee"
)

// collect returns a sink that collects messages with the values of their attributes, and deals with
// those that are "mine".
func collect(to *[]string) tee.Sink {
	return func(r slog.Record) bool {
		text := r.Message
		r.Attrs(func(a slog.Attr) bool {
			text += " " + a.String()
			return true
		})
		*to = append(*to, text)
		return r.Message == "mine"
	}
}

// text returns a handler that writes levels, messages and attributes.
func text(b *bytes.Buffer, level slog.Level) slog.Handler {
	return slog.NewTextHandler(b, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}})
}

// TestSinks gives a record to the sinks of its context from the inside out, until one has dealt
// with it.
func TestSinks(t *testing.T) {
	var b bytes.Buffer
	var test, request []string
	l := slog.New(tee.New(text(&b, slog.LevelDebug)))
	outer := tee.With(t.Context(), collect(&test))
	inner := tee.With(outer, collect(&request))
	l.InfoContext(t.Context(), "one")
	l.InfoContext(outer, "two")
	l.InfoContext(inner, "three", "n", 3)
	l.InfoContext(inner, "mine")
	l.With("a", 1).WithGroup("g").InfoContext(inner, "four", "b", 2)
	l.DebugContext(inner, "not for people")
	for _, got := range []struct {
		lines []string
		want  []string
	}{
		{test, []string{"two", "three n=3", "four a=1 b=2"}},
		{request, []string{"three n=3", "mine", "four a=1 b=2"}},
	} {
		if !slices.Equal(got.lines, got.want) {
			t.Errorf("got %q, want %q", got.lines, got.want)
		}
	}
	want := "msg=one\nmsg=two\nmsg=three n=3\nmsg=four a=1 g.b=2\nmsg=\"not for people\"\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

// TestQuiet shows that a sink is given what the next handler does not want, and that there may be
// none.
func TestQuiet(t *testing.T) {
	var b bytes.Buffer
	for _, next := range []slog.Handler{text(&b, slog.LevelError), nil} {
		var got []string
		h := tee.New(next)
		ctx := tee.With(t.Context(), collect(&got))
		slog.New(h).With("a", 1).WithGroup("g").InfoContext(ctx, "hi")
		if !slices.Equal(got, []string{"hi a=1"}) || b.Len() > 0 {
			t.Errorf("got %q, and %q went on", got, b.String())
		}
		if h.Enabled(context.Background(), slog.LevelInfo) {
			t.Error("what nobody is given is enabled")
		}
	}
}

// TestTwice shows that a handler in front of another one adds nothing.
func TestTwice(t *testing.T) {
	var got []string
	slog.New(tee.New(tee.New(nil))).InfoContext(tee.With(t.Context(), collect(&got)), "hi")
	if !slices.Equal(got, []string{"hi"}) {
		t.Errorf("got %q", got)
	}
}
