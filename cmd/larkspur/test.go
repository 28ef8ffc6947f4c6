package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/runtime/suite"
	"github.com/larkspur-web/larkspur/runtime/watch"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/spf13/cobra"
)

// testFlags are the flags of test.
type testFlags struct {
	match     string
	verbose   bool
	watch     bool
	cover     bool
	coverHTML string
	junit     string
	timeout   time.Duration
	root      string
	grants    []string
}

func newTest(stdout, stderr io.Writer) *cobra.Command {
	f := &testFlags{timeout: 30 * time.Second}
	c := &cobra.Command{
		Use:   "test [flags] [PATH]",
		Short: "Run the tests of an application",
		Long: `Test runs the functions test_* of files *_test.star, each by itself, in the order of the
file. PATH is such a file, or a directory that holds some, at any depth; without one it is
the current directory. It exits 1 if a test failed or a file does not load.

A test asks an application without a server, and says what must be so:

  load("@test", "client", "contains", "eq")
  load("app.star", _app = "app")

  def test_greeting():
      c = client(_app)
      r = c.post("/greet", form = {"name": "Ada"}, follow = True)
      eq(r.status, 200)
      contains(r.text, "Hello, Ada")

A request fails the test when the application fails or breaks the contract; fails = REGEXP
says that it is to. Functions of @test: client, eq, ne, true, false, contains, lacks,
matches, fails, skip. A response has status, headers, text, body, json(), cookies, hints,
pushes, error, log, blocks, history, and read() and events() of a stream. A client may
begin with a session: client(app, session = {"user": "ada"}). TESTING.md, in
server/apptest, has them all.

In load("//lib.star") of a test, // is the first directory on the way from the current one
to the file that holds app.star, so that each application below PATH is tested as its own;
without any, PATH itself, or the one that the file is in. --root names another. Long flags
may be written with one dash, as in -run.

Each test has databases of SQLite in memory, which are empty, whatever serve is to grant. For
an application that is on PostgreSQL, --grant sql:NAME=postgres://... has each test get a
schema of its own there, which is dropped after it: the user may make schemas, and extensions
are those that name their schema. The rest of the database is neither seen nor changed.`,
		Example: `  larkspur test                           all tests below the current directory
  larkspur test --run login --verbose blog
  larkspur test --grant sql:notes=postgres://localhost/dev
  larkspur test --watch                   again, whenever a file changes
  larkspur test --cover --cover-html cover.html
  larkspur test --junit report.xml        for CI`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeApp,
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkTestGrants(f.grants); err != nil {
				return err
			}
			t, err := f.find(args)
			if err != nil {
				return err
			}
			t.stdout, t.logger = stdout, newLogger(stderr)
			if f.watch {
				return t.again(c.Context())
			}
			return t.run(c.Context())
		},
	}
	c.Flags().StringVar(&f.match, "run", "", "run only the tests whose names match the `REGEXP`")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false,
		"show also what tests that pass print and log")
	c.Flags().BoolVar(&f.watch, "watch", false, "run again when a file changes, until interrupted")
	c.Flags().BoolVar(&f.cover, "cover", false,
		"count which statements run, and print the share of each file")
	c.Flags().StringVar(&f.coverHTML, "cover-html", "",
		"write the coverage, line by line, to `FILE` (implies --cover)")
	c.Flags().StringVar(&f.junit, "junit", "", "write the results as JUnit XML to `FILE`")
	c.Flags().Var((*display.Duration)(&f.timeout), "timeout", "how long a test may take")
	c.Flags().StringArrayVar(&f.grants, "grant", nil, "the `DATABASE` of PostgreSQL that tests have schemas "+
		"in, as sql:NAME=postgres://HOST/DATABASE; may be repeated")
	c.Flags().StringVar(&f.root, "root", "", "the `DIR` that // stands for in a load")
	return c
}

// checkTestGrants says what is wrong with the grants of tests: all but databases of PostgreSQL have
// stand-ins.
func checkTestGrants(lines []string) error {
	s, err := grant.Parse(lines)
	if err != nil {
		return fmt.Errorf("--%w", err)
	}
	for _, line := range lines {
		name, where, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(name, "sql:") || !strings.HasPrefix(where, "postgres") {
			return fmt.Errorf("--grant %s: tests have what stands in for it without a grant; they can be "+
				"granted sql:NAME=postgres://HOST/DATABASE", name)
		}
	}
	return s.Close()
}

// longFlags are what may be written with one dash after test, as Go's own does.
var longFlags = regexp.MustCompile(`^-(run|verbose|watch|cover|cover-html|junit|timeout|root|grant)(=.*)?$`)

// doubleDash writes the flags of test with the two dashes that the others have.
func doubleDash(args []string) []string {
	if len(args) == 0 || args[0] != "test" {
		return args
	}
	args = slices.Clone(args)
	for i, arg := range args {
		if longFlags.MatchString(arg) {
			args[i] = "-" + arg
		}
	}
	return args
}

// tests are what test runs.
type tests struct {
	*testFlags
	root   string // of what // stands for in all of them, or else of the directory that was named
	one    bool   // root is the application of all
	path   string // below root
	match  *regexp.Regexp
	stdout io.Writer
	logger *slog.Logger

	apps map[string]*site.Application // by directory
}

// find finds what the arguments name.
func (f *testFlags) find(args []string) (*tests, error) {
	t := &tests{testFlags: f, apps: map[string]*site.Application{}}
	if f.timeout <= 0 {
		return nil, fmt.Errorf("--timeout %v: some time, as in 30s", f.timeout)
	}
	if f.match != "" {
		var err error
		if t.match, err = regexp.Compile(f.match); err != nil {
			return nil, fmt.Errorf("--run: %w", err)
		}
	}
	path := "."
	if len(args) > 0 {
		path = filepath.Clean(args[0])
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, runError{fmt.Errorf("%s: there is no such file or directory", path)}
	case err != nil:
		return nil, runError{err}
	case !info.IsDir() && !strings.HasSuffix(path, suite.Suffix):
		return nil, runError{fmt.Errorf("%s: the name of a file of tests ends in %s", path,
			suite.Suffix)}
	}
	dir := path
	if !info.IsDir() {
		dir = filepath.Dir(path)
	}
	t.root, t.one = f.root, f.root != ""
	if !t.one {
		t.root, t.one = rootOf(dir)
	}
	inside, err := filepath.Rel(t.root, path)
	if err != nil || !filepath.IsLocal(inside) {
		return nil, fmt.Errorf("--root %s: %s is not below it", t.root, path)
	}
	t.path = filepath.ToSlash(inside)
	return t, nil
}

// rootOf returns the first directory on the way from the current one to dir that holds app.star,
// else dir.
func rootOf(dir string) (root string, found bool) {
	if !filepath.IsLocal(dir) {
		return dir, exists(filepath.Join(dir, "app.star"))
	}
	return firstRoot(".", dir)
}

// firstRoot returns the first directory on the way from one to another, which is named from there,
// that holds app.star, else the last.
func firstRoot(from, to string) (root string, found bool) {
	root = from
	for _, name := range append([]string{"."}, strings.Split(to, string(filepath.Separator))...) {
		root = filepath.Join(root, name)
		if exists(filepath.Join(root, "app.star")) {
			return root, true
		}
	}
	return root, false
}

// run runs the tests once.
func (t *tests) run(ctx context.Context) error {
	groups, err := t.groups()
	if err != nil {
		return runError{err}
	}
	p := suite.Printer{W: t.stdout, Verbose: t.verbose, Palette: display.PaletteOf(t.stdout)}
	some, failed := false, false
	for _, g := range groups {
		p.Suite = g.suite
		err := g.suite.Run(ctx, g.files, func(r *suite.Result) {
			g.results = append(g.results, r)
			some, failed = true, failed || r.Failed()
			p.Print(r)
		})
		if err != nil {
			return runError{err}
		}
	}
	if !some {
		return runError{fmt.Errorf("no test matches: there are functions %s* to run, or --run "+
			"leaves all out", "test_")}
	}
	p.Summary()
	if err := t.reports(groups); err != nil {
		return runError{err}
	}
	if failed {
		return errFound
	}
	return nil
}

// again runs the tests, and again whenever a file of the tree changes, until ctx ends.
func (t *tests) again(ctx context.Context) error {
	run := func() {
		if err := t.run(ctx); err != nil && !errors.Is(err, errFound) && ctx.Err() == nil {
			fmt.Fprintf(t.stdout, "larkspur: %v\n", err)
		}
		fmt.Fprintln(t.stdout, "waiting for a change")
	}
	own := map[string]bool{}
	for _, name := range []string{t.junit, t.coverHTML} {
		if abs, err := filepath.Abs(name); err == nil && name != "" {
			own[abs] = true // what a run writes is no reason for another
		}
	}
	return watch.Tree(ctx, t.logger, t.root, func(path string) bool { return own[path] }, run)
}
