package main

import (
	"fmt"
	"io"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/lint"
	contract "github.com/larkspur-web/larkspur/server/lint"
	"github.com/spf13/cobra"
)

func newCheck(stdout, stderr io.Writer) *cobra.Command {
	var strict, kernel bool
	var g grants
	c := &cobra.Command{
		Use:        "check [flags] [APP]",
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

Warnings alone exit 0, with --strict 1. A comment silences the line that it is on or,
alone on a line, the one below:

  environ.get("HTTP_HOTS")  # larkspur:ignore

` + appHelp,
		Example: `  larkspur check                      the application of this directory
  larkspur check blog.star            a script and all that it loads
  larkspur check blog.star:admin      another callable of it
  larkspur check --data d blog.star   is all granted that it asks for?
  larkspur check --strict blog.star   for a build that is to fail on warnings`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeApp,
		RunE: func(_ *cobra.Command, args []string) error {
			if kernel {
				if _, err := g.only(); err != nil {
					return err
				}
				return checkSandbox(stdout)
			}
			app, err := needApp("check", args)
			if err != nil {
				return err
			}
			granted, err := g.only()
			if err != nil {
				return err
			}
			asks := granted.Asks(app)
			granted.Asked(asks).To(app)
			config := app.Config(newLogger(stderr))
			errs := runtime.Check(config, app.Name())
			for _, d := range errs {
				d.File = app.Path(d.File)
				fmt.Fprintln(stdout, d)
			}
			if len(errs) > 0 {
				return errFound
			}
			language := lint.Rules{Builtin: config.Builtins().Has, MustReturn: contract.IsApp}
			warnings := lint.Run(config, app.Name(), language.Check, contract.Check)
			for _, d := range warnings {
				d.File, d.Message = app.Path(d.File), "warning: "+d.Message
				fmt.Fprintln(stdout, d)
			}
			missing := g.print(stdout, app, asks)
			if missing || strict && len(warnings) > 0 {
				return errFound
			}
			return nil
		},
	}
	g.flags(c)
	c.Flags().BoolVar(&kernel, "sandbox", false, "say what this kernel can confine workers by")
	c.Flags().BoolVar(&strict, "strict", false, "exit 1 also for warnings")
	return c
}
