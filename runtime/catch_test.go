package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// explosives are the kinds of builtins that there are, each of which panics with v.
func explosives(v any) (*host.Module, starlark.StringDict) {
	m := &host.Module{Name: "bad", Members: []host.Member{
		{Name: "plain", Fn: func() { panic(v) }},
		{Name: "args", Fn: func(a host.Args) (starlark.Value, error) {
			if err := a.Unpack(); err != nil {
				return nil, err
			}
			panic(v)
		}},
	}}
	return m, starlark.StringDict{
		"func": host.Func("func", func() { panic(v) }),
		"raw":  builtin("raw", func(host.Call) error { panic(v) }),
	}
}

// TestCaughtPanic verifies that a panic of Go code which catch holds is logged, once, with its
// stack, and is an error of its own kind.
func TestCaughtPanic(t *testing.T) {
	m, values := explosives("bug")
	for _, name := range []string{"plain", "args", "func", "raw"} {
		var log strings.Builder
		p, err := runtime.Load(&runtime.Config{
			FS: tree("app.star", fmt.Sprintf(`load("@bad", "args", "plain")
def app():
    err = catch(%s)[1]
    return err.kind, err.message
`, name)),
			Modules: []*host.Module{m}, Predeclared: values,
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		}, "app.star")
		if err != nil {
			t.Fatal(err)
		}
		v, err := result(p)
		got, ok := v.(starlark.Tuple)
		if !ok || got[0] != starlark.String("panic") || !strings.Contains(got[1].String(), "panic: bug") {
			t.Errorf("%s: got %v, %v; want an error of kind panic", name, v, err)
		}
		for _, want := range []string{"level=ERROR", "panic: bug", "place=app.star:3:16", "goroutine"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%s: the log has no %q:\n%s", name, want, log.String())
			}
		}
		if n := strings.Count(log.String(), "level="); n != 1 {
			t.Errorf("%s: %d records, want 1", name, n)
		}
	}
}

// TestAbortIsNotCaught verifies that http.ErrAbortHandler ends the call, whatever raised it.
func TestAbortIsNotCaught(t *testing.T) {
	m, values := explosives(http.ErrAbortHandler)
	for _, name := range []string{"plain", "args", "func", "raw"} {
		var log strings.Builder
		p, err := runtime.Load(&runtime.Config{
			FS: tree("app.star", fmt.Sprintf(`load("@bad", "args", "plain")
def app():
    catch(catch, %s)
    print("still here")
`, name)),
			Modules: []*host.Module{m}, Predeclared: values,
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		}, "app.star")
		if err != nil {
			t.Fatal(err)
		}
		if err = call(t.Context(), p); !errors.Is(err, http.ErrAbortHandler) || !host.Aborted(err) {
			t.Errorf("%s: got %v, want %v", name, err, http.ErrAbortHandler)
		}
		if log.Len() > 0 {
			t.Errorf("%s: logged %s", name, log.String())
		}
	}
}

// TestMessagesAreCut verifies that no way to fail makes a message, or a backtrace, that is long.
func TestMessagesAreCut(t *testing.T) {
	racetest.Skip(t)
	long := strings.Repeat("n", 1<<17)
	values := starlark.StringDict{
		"broken": builtin("broken", func(host.Call) error { return errors.New(long) }),
		"fatal":  builtin("fatal", func(c host.Call) error { c.Fail(errors.New(long)); return nil }),
		"panics": builtin("panics", func(host.Call) error { panic(long) }),
		"wants":  host.Func("wants", func(n int) {}, "n"),
	}
	for _, body := range []string{
		`fail(s)`,
		`fail(*([s] * 1000))`,
		`fail(*([1] * 1000000))`,
		`fail(1, 2, sep = s)`,
		`fail([s] * 1000)`,
		`fail(shared())`,
		`{}[s]`,
		`{}[(s, s)]`,
		`{}.pop(s)`,
		`getattr(1, s)`,
		`float(s)`,
		`int(s[:4000] * 100, 36)`,
		`"%" + s % 1`,
		`("{" + s + "}").format(1)`,
		`(lambda x: 1)(**{s: 1})`,
		`wants(s)`,
		`wants(**{s: 1})`,
		`broken()`,
		`fatal()`,
		`panics()`,
		`json.decode(s)`,
		`json.encode({s: print})`,
		`fail(catch(fail, s)[1])`,
		`fail(str(catch(fail, s)[1]) * 100)`,
		long + "()",
		`fail([` + long + `] * 1000)`,
	} {
		p := program(t, runtime.Limits{}, fmt.Sprintf(`load("@json", "json")
def shared():
    x = []
    for _ in range(60):
        x = [x, x]
    return x
def %s(n = 0):
    return %s(n + 1)
s = "s" * (1 << 20)
def caught(fn):
    err = catch(fn)[1]
    return err.message, err.backtrace, str(err)
def app():
    %s
`, long, long, body), values)
		err := call(t.Context(), p)
		if err == nil {
			t.Errorf("%.40s does not fail", body)
		} else if n := len(err.Error()); n > 5000 {
			t.Errorf("%.40s: the message has %d bytes: %.60s", body, n, err)
		}
		if n := len(host.BacktraceOf(err)); n > 100_000 {
			t.Errorf("%.40s: the backtrace has %d bytes", body, n)
		}
		var got starlark.Tuple
		err = p.Call(t.Context(), func(_ context.Context, thread *starlark.Thread, app starlark.Callable) error {
			var v starlark.Value
			v, err = starlark.Call(thread, p.Globals()["caught"], starlark.Tuple{app}, nil)
			got, _ = v.(starlark.Tuple)
			return err
		})
		if (err == nil) != (got != nil) {
			t.Errorf("%.40s: caught %d texts, %v", body, len(got), err)
		}
		for _, s := range got {
			if n := len(s.String()); n > 100_000 {
				t.Errorf("%.40s: a text of the caught error has %d bytes", body, n)
			}
		}
	}
}
