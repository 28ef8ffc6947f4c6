package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"strings"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/prompt"
	"github.com/larkspur-web/larkspur/runtime/tee"
	"github.com/larkspur-web/larkspur/server/apptest"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/spf13/cobra"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

func newREPL(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	var g grants
	c := &cobra.Command{
		Use:        "repl [flags] [APP]",
		Short:      "Try the functions of an application at a prompt",
		SuggestFor: []string{"shell", "prompt"},
		Long: `Repl reads statements and runs them, one after the other, where the names of the script
mean what they mean in it: its globals, also those that begin with _, and what it loads.
It prints the value of an expression, and an error with its backtrace. There is also
client, the client of tests (see larkspur help test), to ask the application without a
server.

A block ends with a blank line. At a terminal the arrows recall earlier lines, Tab
completes names, Ctrl-C ends what runs or drops the line, Ctrl-D leaves. What is piped
in is run in the same way, without a prompt; then it exits 1 if anything failed.

What the application keeps outside, in a database or in files, is that of larkspur dev, or
of --data and --grant.

` + appHelp + ` If that holds no app.star there is a prompt all the same.`,
		Example: `  larkspur repl blog.star
  >>> client(app).get("/").status
  200
  >>> r = client(app).post("/new", form = {"title": "Hello"})
  >>> r.headers["Location"]
  "/hello"

  echo 'app' | larkspur repl blog.star`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeApp,
		RunE: func(c *cobra.Command, args []string) error {
			app, err := findApp(args)
			if err != nil {
				return err
			}
			granted := app
			if granted == nil {
				granted = site.Dir(".", "")
			}
			set, end, err := g.develop(granted, nil)
			if err != nil {
				return err
			}
			defer end()
			set.To(granted)
			r := &repl{stdout: stdout, stderr: stderr}
			if err := r.open(granted, app != nil); err != nil {
				return err
			}
			defer r.session.Close()
			if lines, done := openTerminal(stdin, stdout, complete(r.session)); lines != nil {
				defer done()
				r.lines, r.interactive = lines, true
				fmt.Fprintln(stdout, r.greeting(app))
			} else {
				r.lines = newPipe(stdin)
			}
			return r.run(c.Context())
		},
	}
	g.flags(c)
	return c
}

// A repl reads, runs and prints.
type repl struct {
	session        *prompt.Session
	lines          lines
	interactive    bool
	stdout, stderr io.Writer
	failed         bool
	tests          []*apptest.Session // whose clients may still be used
}

// lines are where statements come from.
type lines interface {
	// line returns the next line, with its newline. The error is errDropped if the user wants to
	// begin anew.
	line(first bool) ([]byte, error)
}

var errDropped = errors.New("dropped")

// open loads the application, or nothing unless there is a script.
func (r *repl) open(app *site.Application, script bool) error {
	file := ""
	if script {
		file, _, _ = strings.Cut(app.Name(), ".star:")
		file = strings.TrimSuffix(file, ".star") + ".star"
	}
	log := tee.New(newLogger(r.stderr).Handler())
	divert(slog.New(log))
	// Whoever sits at the prompt ends what runs too long.
	config := app.Config(slog.New(log))
	config.Limits = runtime.Limits{Steps: math.MaxUint64, Time: -1, Memory: -1}
	test, err := site.TestModule(log)
	if err != nil {
		return runError{err}
	}
	config.Modules = append(config.Modules, test)
	if r.session, err = prompt.New(config, file); err != nil {
		return runError{loadError(app, err)}
	}
	values, err := test.Values(new(host.Load))
	if err == nil && r.session.Value("client") == nil {
		r.session.Bind("client", values["client"])
	}
	return nil
}

func (r *repl) greeting(app *site.Application) string {
	text := version() + "\nCtrl-D leaves, Tab completes names"
	if app != nil && r.session.Value("app") != nil {
		text += `; client(app).get("/") asks the application`
	}
	return text
}

// run reads and runs statements to the end.
func (r *repl) run(ctx context.Context) error {
	defer func() {
		for _, t := range r.tests {
			_ = t.Close() // nobody waits for what is left
		}
	}()
	for {
		statement, err := r.session.Read(r.lines.line)
		var parse syntax.Error
		switch {
		case errors.Is(err, io.EOF):
			if r.failed && !r.interactive {
				return errFound
			}
			return nil
		case errors.Is(err, errDropped):
			continue
		case errors.As(err, &parse):
			r.fail(err.Error())
			continue
		case err != nil:
			return runError{err}
		}
		r.execute(ctx, statement)
	}
}

func (r *repl) execute(ctx context.Context, statement *prompt.Statement) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	v, err := r.session.Run(ctx, statement, func(t *starlark.Thread) {
		t.Print = func(_ *starlark.Thread, msg string) {
			fmt.Fprintln(r.stdout, display.Escape(msg))
		}
		r.tests = append(r.tests, apptest.Open(t, r.session))
	})
	var traced interface{ Backtrace() string }
	switch {
	case err != nil && ctx.Err() != nil:
		r.fail("interrupted")
	case errors.As(err, &traced):
		r.fail(strings.TrimRight(traced.Backtrace(), "\n"))
	case err != nil:
		r.fail(err.Error())
	case v != nil && v != starlark.None:
		r.session.Bind("_", v)
		fmt.Fprintln(r.stdout, display.Escape(v.String()))
	}
}

func (r *repl) fail(text string) {
	r.failed = true
	fmt.Fprintln(r.stderr, display.Escape(text))
}
