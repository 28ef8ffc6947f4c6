package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/spf13/cobra"
)

func newSQL(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	var g grants
	p := &sqlPrompt{stdout: stdout, stderr: stderr}
	c := &cobra.Command{
		Use:        "sql [flags] [APP] [NAME]",
		Short:      "Ask the database of an application at a prompt",
		SuggestFor: []string{"sqlite3", "psql", "db", "database"},
		Long: `Sql reads statements and runs them on the database that the application sees: that of
larkspur dev, below .larkspur, or the one of --data and --grant, as they are given to serve.
NAME is the one of database(NAME); without it, the one that the scripts ask for. Migrations
are not run.

A statement ends with a semicolon. There are also

  .tables          the tables and views
  .schema [TABLE]  the columns of a table, or of all
  .quit            leave

At a terminal the arrows recall earlier lines, Tab completes names, Ctrl-C ends what runs or
drops the statement, Ctrl-D leaves. What is piped in is run in the same way, without a
prompt, to the first error; then it exits 1.

` + appHelp,
		Example: `  larkspur sql                            the database of this directory's application
  larkspur sql blog.star notes
  larkspur sql --data /var/lib/blog blog.star
  echo 'SELECT * FROM notes;' | larkspur sql --json blog.star`,
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: completeApp,
		RunE: func(c *cobra.Command, args []string) error {
			if p.json && p.csv {
				return errors.New("--json and --csv: one of them")
			}
			app, err := needApp("sql", args[:min(len(args), 1)])
			if err != nil {
				return err
			}
			if app.Dir == "" && g.data == "" && len(g.lines) == 0 {
				return runError{fmt.Errorf("%s is built in, and keeps nothing once it has ended: say "+
					"where with --data", app.Name())}
			}
			name := ""
			if len(args) > 1 {
				name = args[1]
			}
			granted, end, err := g.develop(app, nil)
			if err != nil {
				return err
			}
			defer end()
			if name, err = databaseOf(granted, app, name); err != nil {
				return err
			}
			if p.db, err = granted.SQL.Open(name); err != nil {
				return runError{err}
			}
			var from lines = newPipe(stdin)
			if at, done := openTerminal(stdin, stdout, p.complete); at != nil {
				defer done()
				from, p.interactive = at, true
				fmt.Fprintf(stdout, "%s, %s database %s\n.tables lists the tables, Ctrl-D leaves\n",
					version(), p.db.Kind(), name)
			}
			return p.run(c.Context(), from)
		},
	}
	g.flags(c)
	c.Flags().BoolVar(&p.json, "json", false, "print a JSON array for each statement that has rows")
	c.Flags().BoolVar(&p.csv, "csv", false, "print rows as CSV, with the names of the columns")
	return c
}

// databaseOf finds out which database is meant: by its name, or else by what the scripts ask for. It
// has to be there.
func databaseOf(s *grant.Set, app *site.Application, name string) (string, error) {
	var asked []string
	for _, a := range s.Asks(app) {
		if n, ok := strings.CutPrefix(a.Line, "sql:"); ok {
			n, _, _ = strings.Cut(n, "=")
			asked = append(asked, n)
		}
	}
	known := s.SQL.Names()
	switch {
	case name == "" && len(asked) == 1:
		name = asked[0]
	case name == "" && len(asked) == 0 && len(known) == 1:
		name = known[0]
	case name == "" && len(asked) > 1:
		return "", fmt.Errorf("%s asks for several databases: name one, as in larkspur sql %[1]s %s; "+
			"there are %s", app.Path(app.Name()), asked[0], strings.Join(asked, ", "))
	case name == "":
		return "", runError{fmt.Errorf("%s asks for no database: it has no database(\"NAME\") of @sql",
			app.Path(app.Name()))}
	}
	switch all := sorted(known, asked); {
	case slices.Contains(known, name):
	case len(all) > 0 && !slices.Contains(all, name):
		return "", runError{fmt.Errorf("there is no database %s: there is %s", name,
			strings.Join(all, ", "))}
	default:
		return "", runError{fmt.Errorf("there is no database %s yet: it is made when the application "+
			"first uses it", name)}
	}
	return name, nil
}

// sorted are the names of both lists, each once and in order.
func sorted(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// A sqlPrompt reads statements, runs them and prints what they give.
type sqlPrompt struct {
	db             *sql.DB
	interactive    bool
	json, csv      bool
	stdout, stderr io.Writer
}

// run reads and runs statements to the end, or if nobody is there to correct it to the first error.
func (p *sqlPrompt) run(ctx context.Context, from lines) error {
	pending := ""
	for {
		line, err := from.line(pending == "")
		switch {
		case errors.Is(err, errDropped):
			pending = ""
			continue
		case errors.Is(err, io.EOF):
			if strings.TrimSpace(pending) == "" {
				return nil
			}
			return p.execute(ctx, pending) // the last may lack its semicolon
		case err != nil:
			return runError{err}
		}
		if word := strings.TrimSpace(string(line)); pending == "" && strings.HasPrefix(word, ".") {
			if word == ".quit" || word == ".exit" {
				return nil
			}
			err = p.command(ctx, strings.Fields(word))
		} else {
			var whole []string
			whole, pending = sql.Split(pending+string(line), p.db.Kind() == "postgres")
			for i := 0; i < len(whole) && err == nil; i++ {
				err = p.execute(ctx, whole[i])
			}
		}
		if err != nil && !p.interactive {
			return err
		}
	}
}

// execute runs one statement. The error has been said.
func (p *sqlPrompt) execute(ctx context.Context, statement string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	a, err := p.db.Run(ctx, statement, nil)
	if err != nil {
		return p.fail(err)
	}
	return p.print(a)
}

// fail says what went wrong.
func (p *sqlPrompt) fail(err error) error {
	fmt.Fprintln(p.stderr, display.Escape(err.Error()))
	return errFound
}

// command runs one that begins with a dot.
func (p *sqlPrompt) command(ctx context.Context, words []string) error {
	tables, err := p.db.Tables(ctx)
	if err != nil {
		return p.fail(err)
	}
	switch words[0] {
	case ".tables":
		for _, t := range tables {
			fmt.Fprintln(p.stdout, display.Escape(t.Name))
		}
		return nil
	case ".schema":
		for _, t := range tables {
			if len(words) > 1 && words[1] != t.Name {
				continue
			}
			if err := p.schema(ctx, t.Name); err != nil {
				return p.fail(err)
			}
		}
		if len(words) > 1 && !slices.ContainsFunc(tables, func(t sql.Table) bool { return t.Name == words[1] }) {
			return p.fail(fmt.Errorf("there is no table %s", words[1]))
		}
		return nil
	}
	return p.fail(fmt.Errorf("there is no %s: .tables, .schema [TABLE], .quit, or a statement", words[0]))
}

// schema prints how a table is made.
func (p *sqlPrompt) schema(ctx context.Context, table string) error {
	s, err := p.db.Schema(ctx, table)
	if err != nil {
		return err
	}
	for _, text := range s.SQL {
		fmt.Fprintln(p.stdout, display.Escape(text)+";")
	}
	if len(s.SQL) > 0 {
		return nil
	}
	fmt.Fprintf(p.stdout, "%s\n", display.Escape(table))
	for _, c := range s.Columns {
		line := "  " + c.Name + " " + c.Type
		if c.Key {
			line += " PRIMARY KEY"
		}
		if c.NotNull {
			line += " NOT NULL"
		}
		if c.Default != "" {
			line += " DEFAULT " + c.Default
		}
		fmt.Fprintln(p.stdout, display.Escape(line))
	}
	return nil
}

// complete completes the name of a table or a column that ends at pos, as far as there is one way.
func (p *sqlPrompt) complete(line string, pos int) (string, int) {
	ctx := context.Background()
	tables, err := p.db.Tables(ctx)
	if err != nil {
		return line, pos
	}
	names := []string{"tables", "schema", "quit"} // behind a dot
	for _, t := range tables {
		names = append(names, t.Name)
		if s, err := p.db.Schema(ctx, t.Name); err == nil {
			for _, c := range s.Columns {
				names = append(names, c.Name)
			}
		}
	}
	return completed(line, pos, func(string) []string { return names })
}
