package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/larkspur-web/larkspur/environ/lib/route"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/spf13/cobra"
	"go.starlark.net/starlark"
)

func newRoutes(stdout, stderr io.Writer) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:        "routes [flags] [APP]",
		Short:      "List the routes of an application, with their places",
		SuggestFor: []string{"urls", "table"},
		Long: `Routes loads an application, without a request, and prints what its router of @route
answers: methods, pattern, name, handler, middleware around it, and where it stands. Groups
and routers that are mounted are taken apart. A router is found inside of middleware: that of
@middleware, and functions of a script that are made around an application.

` + appHelp,
		Example: `  larkspur routes                     the application of this directory
  larkspur routes blog.star:admin     another callable of a script
  larkspur routes --json blog.star    for programs`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeApp,
		RunE: func(_ *cobra.Command, args []string) error {
			app, err := needApp("routes", args)
			if err != nil {
				return err
			}
			rows, err := routesOf(app, stderr)
			if err != nil {
				return runError{err}
			}
			if asJSON {
				e := json.NewEncoder(stdout)
				e.SetIndent("", "  ")
				e.SetEscapeHTML(false)
				return e.Encode(rows)
			}
			return printRoutes(stdout, rows)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON array, an object for each route")
	return c
}

// routesOf loads an application and returns its routes, with files named as the user would.
func routesOf(app *site.Application, stderr io.Writer) ([]route.Row, error) {
	nothing := new(grant.Set)
	nothing.Asked(nothing.Asks(app)).To(app)
	p, err := runtime.Load(app.Config(newLogger(stderr)), app.Name())
	if err != nil {
		return nil, loadError(app, err)
	}
	defer p.Close()
	var rows []route.Row
	err = p.Call(context.Background(), func(
		_ context.Context, _ *starlark.Thread, fn starlark.Callable,
	) error {
		var ok bool
		if rows, ok = route.Rows(fn); ok {
			return nil
		}
		what := "a " + fn.Type()
		if _, is := fn.(*starlark.Function); is {
			what = "the function " + fn.Name()
		}
		return fmt.Errorf("%s: the application is %s, in which no router shows: larkspur routes "+
			"lists those of app = router([...]) of @route, and of middleware around it",
			app.Path(app.Name()), what)
	})
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "runtime: "))
	}
	for i := range rows {
		if rows[i].Place.File != "" {
			rows[i].Place.File = app.Path(rows[i].Place.File)
		}
	}
	return rows, nil
}

// printRoutes prints the table for a person. Columns that would be empty are left out.
func printRoutes(w io.Writer, rows []route.Row) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(w, "the router has no routes")
		return err
	}
	var named, wrapped bool
	for _, r := range rows {
		named, wrapped = named || r.Name != "", wrapped || len(r.Middleware) > 0
	}
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(methods, pattern, name, handler, middleware, place string) {
		cells := []string{methods, pattern}
		if named {
			cells = append(cells, name)
		}
		cells = append(cells, handler)
		if wrapped {
			cells = append(cells, middleware)
		}
		for i, c := range cells {
			cells[i] = display.Escape(c)
		}
		fmt.Fprintln(columns, strings.Join(append(cells, place), "\t"))
	}
	line("METHODS", "PATTERN", "NAME", "HANDLER", "MIDDLEWARE", "PLACE")
	for _, r := range rows {
		line(strings.Join(r.Methods, ","), r.Pattern, r.Name, r.Handler,
			strings.Join(r.Middleware, " > "), r.Place.String())
	}
	return columns.Flush()
}
