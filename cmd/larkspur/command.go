package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// The exit statuses.
const (
	exitOK    = 0
	exitError = 1 // it could not be done
	exitUsage = 2 // the command line is wrong
)

// A runError is an error of the work itself; all others that a command returns are of its usage.
type runError struct{ error }

func (e runError) Unwrap() error { return e.error }

// errFound is the error of a check that has printed what it found.
var errFound = errors.New("faults were found")

// run runs the command line args, until ctx ends if it serves, and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot(os.Stdin, stdout, stderr)
	root.SetArgs(doubleDash(args))
	c, err := root.ExecuteContextC(ctx)
	var failed runError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFound):
		return exitError
	}
	last := newJournal(stderr) // its reader may have stopped
	defer last.close()
	if errors.As(err, &failed) {
		fmt.Fprintf(last, "larkspur: %s\n", failed)
		return exitError
	}
	fmt.Fprintf(last, "larkspur: %v\nRun '%s --help' for usage.\n", err, c.CommandPath())
	return exitUsage
}

func newRoot(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "larkspur",
		Short: "Serve web applications written as Starlark scripts",
		Long: `Larkspur is WSGI for Starlark, on HTTP/2: it serves app(environ, start_response),
written as a .star script, in one process, and takes up a changed script without
dropping a request.`,
		Example: `  larkspur dev                     the tour, or ./app.star, with reload
  larkspur dev blog.star           develop a script
  larkspur new blog                begin an application
  larkspur test                    run the tests of this directory
  larkspur check blog.star         find errors and suspicious code without serving
  larkspur routes blog.star        list what its router answers
  larkspur fmt -w .                lay out all scripts in one style
  larkspur repl blog.star          try its functions at a prompt
  larkspur sql blog.star           ask its database
  larkspur queue list              jobs that wait, or have failed
  larkspur deploy . --to nats://localhost:4222 blog   have all nodes serve this directory
  larkspur docs http               what a script can load, described
  larkspur logs -f access.json     read an access log
  larkspur probe http://localhost:8000/   see what a server answers, promises and hints
  larkspur serve --listen https://:443 --tls-cert c.pem --tls-key k.pem blog.star
  larkspur restart --pid-file /run/blog.pid   have the larkspur that is installed serve on
  larkspur service print -- app.star   the unit by which systemd runs a server`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		Args:          noArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("a command is missing: larkspur --help lists them")
		},

		SuggestionsMinimumDistance: 2,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(suggestFlag)
	root.AddCommand(newServe(stderr), newRestart(stdout), newService(stdout), newTrust(stdout), newUntrust(stdout), newDev(stderr), newTest(stdout, stderr),
		newCheck(stdout, stderr), newRoutes(stdout, stderr), newFormat(stdin, stdout, stderr),
		newNew(stdout), newDocs(stdout), newREPL(stdin, stdout, stderr),
		newSQL(stdin, stdout, stderr), newQueue(stdout), newDeploy(stdout), newDeployments(stdout),
		newRollback(stdout), newPush(stdout, stderr),
		newProbe(stdout), newLogs(stdin, stdout),
		newVersion(stdout))
	return root
}

func newVersion(stdout io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of larkspur and of what it is made with",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintln(stdout, version())
			return nil
		},
	}
}

// version names the build: the module's version, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "larkspur (unknown build)"
	}
	at := info.Main.Version
	var revision, dirty string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = ", modified"
		}
	}
	if at == "" || at == "(devel)" {
		at = "devel"
	}
	if len(revision) > 12 {
		revision = revision[:12]
	}
	if revision != "" {
		at += " (" + revision + dirty + ")"
	}
	starlark := ""
	for _, dep := range info.Deps {
		if dep.Path == "go.starlark.net" {
			starlark = ", Starlark " + dep.Version
		}
	}
	return "larkspur " + at + ", " + info.GoVersion + starlark
}
