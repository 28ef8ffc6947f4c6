package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/scripttest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/rogpeppe/go-internal/testscript"
	"go.starlark.net/starlark"
)

// language is what the scripts of testdata/script may say.
var language = &scripttest.Language{
	About: "They load, check and call Starlark programs. The files are the tree of a program, " +
		"which finds, besides the standard modules, `@greeter` (`greet(name)`, also " +
		"predeclared), `@broken`, which does not load, and `@vault`, which is not granted. What a " +
		"program prints is on stderr, " +
		"as `FILE:LINE: TEXT`.",
	Example: "dialect_reassign",
	Commands: []scripttest.Command{
		{
			Usage: "[!] load [ENTRY]",
			Doc: "loads the program whose entry is that, else `app.star`. If it fails, the " +
				"error is on stderr.",
			Run: func(ts *testscript.TestScript, neg bool, args []string) {
				_, err := runtime.Load(config(ts), entry(args))
				outcome(ts, neg, err)
			},
		},
		{
			Usage: "[!] check [ENTRY]",
			Doc:   "checks it, and prints the diagnostics. It fails if there are any.",
			Run: func(ts *testscript.TestScript, neg bool, args []string) {
				found := runtime.Check(config(ts), entry(args))
				for _, d := range found {
					fmt.Fprintln(ts.Stdout(), d)
				}
				if got := len(found) > 0; got != neg {
					ts.Fatalf("it has %d diagnostics", len(found))
				}
			},
		},
		{
			Usage: "[!] call [ENTRY]",
			Doc: "loads it, calls it without arguments, and prints what it returns. If it " +
				"fails, the error is on stderr.",
			Run: func(ts *testscript.TestScript, neg bool, args []string) {
				p, err := runtime.Load(config(ts), entry(args))
				ts.Check(err)
				v, err := result(p)
				if err == nil {
					fmt.Fprintln(ts.Stdout(), v)
				}
				outcome(ts, neg, err)
			},
		},
	},
}

func TestLanguage(t *testing.T) { language.Check(t) }

func TestScripts(t *testing.T) { testscript.Run(t, language.Params()) }

// config is that of the program in the directory of a script.
func config(ts *testscript.TestScript) *runtime.Config {
	return &runtime.Config{
		FS: os.DirFS(ts.Getenv("WORK")), Modules: hosts,
		Predeclared: starlark.StringDict{"greet": greet}, Logger: slog.New(&logbook{ts.Stderr()}),
	}
}

func entry(args []string) string {
	if len(args) == 0 {
		return "app.star"
	}
	return args[0]
}

// outcome checks that a command failed if it is negated, and only then.
func outcome(ts *testscript.TestScript, neg bool, err error) {
	if err != nil {
		fmt.Fprintln(ts.Stderr(), err)
	}
	if failed := err != nil; failed != neg {
		ts.Fatalf("the error is %v", err)
	}
}

// hosts are the host modules that scripts may load besides the standard ones.
var hosts = []*host.Module{
	{Name: "greeter", Members: []host.Member{{Name: "greet", Value: greet}}},
	{Name: "broken", Members: []host.Member{{Name: "x"}}, Open: func(*host.Load) (any, error) {
		return nil, errors.New("out of order")
	}},
	{Name: "vault", Grant: "a key", Members: []host.Member{{Name: "open", Value: greet}}},
}

var greet = host.Func("greet", func(name string) (string, error) {
	if name == "" {
		return "", nobody{}
	}
	return "hello " + name, nil
})

type nobody struct{}

func (nobody) Error() string { return "who is it?" }
func (nobody) Kind() string  { return "nobody" }

// A logbook writes what it is told, as FILE:LINE: TEXT.
type logbook struct{ w io.Writer }

func (l *logbook) Enabled(context.Context, slog.Level) bool { return true }
func (l *logbook) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logbook) WithGroup(string) slog.Handler            { return l }

func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	var place string
	r.Attrs(func(a slog.Attr) bool {
		place += a.Value.String() + ":"
		return true
	})
	_, err := fmt.Fprintln(l.w, place, r.Message)
	return err
}
