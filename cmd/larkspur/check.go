package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/lint"
	contract "github.com/larkspur-web/larkspur/server/lint"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/spf13/cobra"
)

// A checking is what check is to do.
type checking struct {
	strict, kernel bool
	print, json    bool // what a site comes to
	grants
	stdout, stderr io.Writer
}

func newCheck(stdout, stderr io.Writer) *cobra.Command {
	k := checking{stdout: stdout, stderr: stderr}
	c := &cobra.Command{
		Use:        "check [flags] [APP] [-- FLAGS]",
		Short:      "Find the errors of an application without serving it",
		SuggestFor: []string{"lint", "vet"},
		Long: `Check loads an application as serve would, and prints every error that it can find
as FILE:LINE:COL: MESSAGE: syntax, undefined names, load cycles, names that a
loaded module does not have, a callable that is missing or takes the wrong arguments.
It exits 1 if there is any.

If there is none it reports suspicious code (warnings) as FILE:LINE:COL: warning: MESSAGE:

  names         that nothing uses, or that hide a builtin or a name from around them
  statements    that nothing reaches; an application that returns no body
  members       that a loaded module does not have, as http.frm
  calls         with arguments that the file's own functions, or those of modules, do not take
  SQL           that is made with values, and what to write with placeholders
  the contract  a status or a header that can never be valid, a body that is bare
                bytes or a string, a key of the environ that is misspelt

At last it lists what the application asks for of what is outside, with the line by which
--grant of serve and dev grants it. It runs nothing of that. Given --grant or --data as they
are to be given to serve, it says which of it is missing, and exits 1 if anything is.

With --sandbox it says instead what this kernel can enforce of what workers of serve are
confined by, and exits 1 if that is not all of it. They have no network, whatever is granted: the
server connects to that for them.

Of a directory that holds site.star it finds what is wrong with that, and with each
application that it mounts. With --print it shows instead what serve would do: each setting,
and where it is said (by a flag, in a line of the file, or nowhere: the default), and what
answers for which hosts. What follows -- are flags of serve.

Warnings alone exit 0, with --strict 1. A comment silences the line that it is on or,
alone on a line, the one below:

  environ.get("HTTP_HOTS")  # larkspur:ignore

` + appHelp,
		Example: `  larkspur check                      the application of this directory
  larkspur check blog.star            a script and all that it loads
  larkspur check blog.star:admin      another callable of it
  larkspur check --data d blog.star   is all granted that it asks for?
  larkspur check --strict blog.star   for a build that is to fail on warnings
  larkspur check --print . -- --listen http://:80   what would serve --listen do here?`,
		Args:              beforeDash(1),
		ValidArgsFunction: completeApp,
		RunE: func(c *cobra.Command, args []string) error {
			if k.kernel {
				if _, err := k.only(); err != nil {
					return err
				}
				return checkSandbox(stdout)
			}
			var told []string
			if i := c.ArgsLenAtDash(); i >= 0 {
				args, told = args[:i], args[i:]
			}
			file := siteFile(args)
			switch {
			case file != "":
				return k.checkSite(file, told, newLogger(stderr))
			case k.print || told != nil:
				return errors.New("--print, and flags of serve, are for a directory that holds site.star")
			}
			app, err := needApp("check", args)
			if err != nil {
				return err
			}
			granted, err := k.only()
			if err != nil {
				return err
			}
			return k.application(app, granted, &k.grants)
		},
	}
	k.flags(c)
	c.Flags().BoolVar(&k.kernel, "sandbox", false, "say what this kernel can confine workers by")
	c.Flags().BoolVar(&k.strict, "strict", false, "exit 1 also for warnings")
	c.Flags().BoolVar(&k.print, "print", false, "show what serve would do with a site file, and where that is said")
	c.Flags().BoolVar(&k.json, "json", false, "with --print, print JSON, for programs")
	return c
}

// beforeDash wants n arguments at most before a --.
func beforeDash(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if i := c.ArgsLenAtDash(); i >= 0 {
			args = args[:i]
		}
		return cobra.MaximumNArgs(n)(c, args)
	}
}

// application checks one that has what is granted, by g.
func (k *checking) application(app *site.Application, granted *grant.Set, g *grants) error {
	asks := granted.Asks(app)
	granted.Asked(asks).To(app)
	config := app.Config(newLogger(k.stderr))
	errs := runtime.Check(config, app.Name())
	for _, d := range errs {
		d.File = app.Path(d.File)
		fmt.Fprintln(k.stdout, d)
	}
	if len(errs) > 0 {
		return errFound
	}
	language := lint.Rules{Builtin: config.Builtins().Has, MustReturn: contract.IsApp}
	warnings := lint.Run(config, app.Name(), language.Check, contract.Check)
	for _, d := range warnings {
		d.File, d.Message = app.Path(d.File), "warning: "+d.Message
		fmt.Fprintln(k.stdout, d)
	}
	missing := g.print(k.stdout, app, asks)
	if missing || k.strict && len(warnings) > 0 {
		return errFound
	}
	return nil
}
