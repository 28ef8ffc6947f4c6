package log_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/log"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

func TestModule(t *testing.T) {
	hosttest.Module(t, log.Module(), &host.Load{Logger: slog.New(slog.DiscardHandler)}, nil)
}

// logged is what a statement logs, or its error.
func logged(t *testing.T, level slog.Level, statement string) string {
	t.Helper()
	var out bytes.Buffer
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	load := &host.Load{Logger: slog.New(slog.NewTextHandler(&out, options))}
	env, err := log.Module().Values(load)
	if err != nil {
		t.Fatal(err)
	}
	env["struct"] = starlark.NewBuiltin("struct", starlarkstruct.Make)
	if _, err := starlark.ExecFileOptions(new(syntax.FileOptions), new(starlark.Thread), "a.star", statement, env); err != nil {
		return err.Error()
	}
	return out.String()
}

func TestLog(t *testing.T) {
	for _, test := range []struct {
		level           slog.Level
		statement, want string
	}{
		{slog.LevelInfo, `info("paid", order = 7, total = 1.5, ok = True)`,
			"level=INFO msg=paid order=7 total=1.5 ok=true file=a.star line=1\n"},
		{slog.LevelInfo, "\nwarning('a b', who = 'ann lee')", "level=WARN msg=\"a b\" who=\"ann lee\" file=a.star line=2\n"},
		{slog.LevelInfo, `log.error("x")`, "level=ERROR msg=x file=a.star line=1\n"},
		{slog.LevelInfo, `debug("x")`, ""}, {slog.LevelDebug, `debug("x")`, "level=DEBUG msg=x file=a.star line=1\n"},
		{slog.LevelInfo, `info({"a": [1]}, b = struct(c = None), d = 1 << 70)`,
			`level=INFO msg="{\"a\": [1]}" b="struct(c = None)" d=1180591620717411303424 file=a.star line=1` + "\n"},
		{slog.LevelInfo, `info("\x1b[2Jgone\u202e", who = "\x07")`,
			`level=INFO msg=\x1b[2Jgone\u202e who=\x07 file=a.star line=1` + "\n"},
		{slog.LevelInfo, `info("x", **{"b-c.d": float("inf")})`, "level=INFO msg=x b-c.d=+inf file=a.star line=1\n"},
		{slog.LevelInfo, `info()`, `info: got 0 arguments, want 1: the message, and fields by name, as in info("paid", order = 7)`},
		{slog.LevelInfo, `info("a", "b")`, `info: got 2 arguments, want 1: the message, and fields by name, as in info("paid", order = 7)`},
		{slog.LevelInfo, `info("a", line = 1)`, `info: the field line has a name that every record has: take another`},
		{slog.LevelInfo, `info("a", **{"b\nc": 1})`, `info: "b\nc" is no name of a field: take up to 64 letters, digits, _, . and -`},
		{slog.LevelError, `info("a", **{str(i): i for i in range(33)})`, `info: there are 33 fields: at most 32`},
	} {
		if got := logged(t, test.level, test.statement); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.statement, got, test.want)
		}
	}
	if got := logged(t, slog.LevelInfo, `info("a" * 1000000, b = "c" * 1000000, d = ["e"] * 1000000)`); len(got) > 9000 ||
		!strings.Contains(got, "bytes more") {
		t.Errorf("a long message has %d bytes: %.100s", len(got), got)
	}
}
