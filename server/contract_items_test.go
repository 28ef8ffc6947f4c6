package server_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/scripttest"
	"github.com/larkspur-web/larkspur/environ"
)

// untested has the items that no test can prove, and why.
var untested = map[string]string{
	"exc-info-released": "about the lifetime of Python's traceback objects; " +
		"what a Starlark error holds is garbage collected",
	"write-before-start": "cannot happen: write() exists only as the result of start_response",
	"middleware-writes": "a rule for middleware about what it calls; " +
		"the server sees the same blocks either way",
	"cleartext": "who listens on http:// has said so, for HTTP/1.1 as for HTTP/2; " +
		"there is no list of trusted peers",
	"h2spec": "a measure of the engine, not of the gateway: it is run in server/h2",
}

var (
	// row is a line of the table of items in SPEC.md.
	row = regexp.MustCompile(`(?m)^\| \d+ \| ([a-z0-9-]+) \|`)
	// cited is how the comment of a script or of a test names items.
	cited = regexp.MustCompile(`\bItems: ([a-z0-9-]+(?:,\s+[a-z0-9-]+)*)\.`)
)

// TestItems checks that each item of the contract is proved by a script whose name begins with it,
// or by a script or a test whose comment names it, or has a reason why not; and that there is each
// item that is named.
func TestItems(t *testing.T) {
	spec, err := os.ReadFile("../environ/SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	proved := map[string]string{} // by what
	for _, m := range row.FindAllStringSubmatch(string(spec), -1) {
		proved[m[1]] = ""
	}
	prove := func(where, comment string, items ...string) {
		for _, m := range cited.FindAllStringSubmatch(comment, -1) {
			items = append(items, strings.Fields(strings.ReplaceAll(m[1], ",", " "))...)
		}
		for _, item := range items {
			if _, ok := proved[item]; !ok {
				t.Errorf("%s: SPEC.md has no item %s", where, item)
			}
			proved[item] = where
		}
	}
	for _, s := range scripttest.Scripts(t) {
		item, _, _ := strings.Cut(s.Name, "_")
		prove(s.Name+".txtar", s.Comment, item)
	}
	for _, pattern := range []string{"*_test.go", "../environ/*_test.go"} {
		sources, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, source := range sources {
			for name, comment := range comments(t, source) {
				prove(source+": "+name, comment)
			}
		}
	}
	for item, where := range proved {
		reason := untested[item]
		switch {
		case where == "" && reason == "":
			t.Errorf("there is no test of %s, and no reason why", item)
		case where != "" && reason != "":
			t.Errorf("%s cannot be tested (%s), but is by %s", item, reason, where)
		}
	}
	for item := range untested {
		if _, ok := proved[item]; !ok {
			t.Errorf("SPEC.md has no item %s that could not be tested", item)
		}
	}
}

// comments returns the comments of the functions of a file.
func comments(t *testing.T, source string) map[string]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), source, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			texts[fn.Name.Name] = fn.Doc.Text()
		}
	}
	return texts
}

// TestFaultsAreProvoked checks that no code is only documented: a command of a script, or a Go
// test, expects each.
func TestFaultsAreProvoked(t *testing.T) {
	provoked := map[string]bool{}
	note := func(text string) {
		for _, code := range regexp.MustCompile(`LARK\d{4}`).FindAllString(text, -1) {
			provoked[code] = true
		}
	}
	for _, s := range scripttest.Scripts(t) {
		for _, line := range s.Lines {
			if strings.HasPrefix(line, "log ") || strings.HasPrefix(line, "body ") {
				note(line)
			}
		}
	}
	sources, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	// What only a developer is warned of, and what becomes of other processes and of state, is tested there.
	for _, dir := range []string{"dev", "worker", "upstream", "../runtime/state"} {
		more, err := filepath.Glob(dir + "/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, more...)
	}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		note(string(text))
	}
	for _, f := range environ.Codes() {
		if !provoked[string(f.Code)] {
			t.Errorf("%s (%s) is provoked by no test", f.Code, f.Title)
		}
	}
}
