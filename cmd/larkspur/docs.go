package main

import (
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/describe"
	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// maxDocs is how wide text is set however wide the terminal is.
const maxDocs = 100

func newDocs(stdout io.Writer) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:        "docs [flags] [NAME]",
		Short:      "Describe what a script can load, the environ, and the codes of errors",
		SuggestFor: []string{"doc", "explain", "man"},
		Long: `Docs prints what is known of a name: how a script gets it, how it is called, its
parameters, its result, its errors and an example. NAME is

  a module                       http, @http
  a function, a value or a type  http.form, json.decode, http.values
  a method of a type             http.values.getall
  a key of the environ           environ.wsgi.input; environ lists them all
  the code of an error           LARK0204; codes lists them all
  what can be granted            grants
  what a site file can say       site, site.mount

or, if no other has it, the last part of such a name. Without NAME it lists the modules. The
tour, larkspur dev where no script is, shows the same in a browser, and runs the examples.`,
		Example: `  larkspur docs
  larkspur docs http
  larkspur docs http.form
  larkspur docs LARK0204
  larkspur docs --json > library.json     all of it, for an editor`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeName,
		RunE: func(_ *cobra.Command, args []string) error {
			library := library()
			if len(args) == 0 && asJSON {
				return printJSON(stdout, slices.Concat(library.Entries(), library.Tables))
			}
			if len(args) == 0 {
				return library.WriteList(stdout, styleOf(stdout))
			}
			e, err := library.Find(args[0])
			switch {
			case err != nil:
				return runError{err}
			case asJSON:
				return printJSON(stdout, e)
			}
			return e.Write(stdout, styleOf(stdout))
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, for programs")
	return c
}

// library is all that docs describes.
func library() *describe.Library {
	l := site.Library(grant.Modules()...)
	l.Tables = append(l.Tables, grantsTable(), siteTable())
	return l
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// styleOf is the style for what is written to w: as wide as the terminal, if it is one.
func styleOf(w io.Writer) describe.Style {
	s := describe.Style{Palette: display.PaletteOf(w)}
	if file, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			s.Width = min(width, maxDocs)
		}
	}
	return s
}

// completeName completes what docs can be asked for: first a module, then what is in it.
func completeName(_ *cobra.Command, args []string, stem string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, name := range library().Names() {
		name = strings.TrimPrefix(name, "@")
		if strings.HasPrefix(name, stem) && strings.Count(name, ".") <= strings.Count(stem, ".") {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
