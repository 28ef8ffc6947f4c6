package server_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/scripttest"
	"github.com/larkspur-web/larkspur/environ"
)

// lastItem is the number of the last item of the contract.
const lastItem = 151

// notApplicable says which items no test can hold, and why.
var notApplicable = map[int]string{
	81:  "about the lifetime of Python's traceback objects; what a Starlark error holds is garbage collected",
	101: "cannot happen: write() exists only as the result of start_response",
	129: "a rule for middleware about what it calls; the server sees the same blocks either way",
	149: "trailers are not offered: Trailer is refused as a hop-by-hop header (item072), those of a request are read and dropped (item122)",
	151: "h2spec is a measure of the HTTP/2 engine, not of the gateway: it is run against server/h2",
	150: "cleartext HTTP/2 has the peers that cleartext HTTP/1.1 has: who listens on http:// has said so; there is no list of trusted peers",
}

// heldElsewhere says which test of another package holds an item.
var heldElsewhere = map[int]struct{ file, test string }{
	33: {"../environ/spec_test.go", "TestKeysAreListed"},
}

// item is how scripts and tests name the items that they hold: item038_039_what, TestItem038_039What.
var item = regexp.MustCompile(`^(?:TestItem|item)(\d{3}(?:_\d{3})*)(?:_|[A-Z])`)

// TestItems holds that each item of the contract is a test, or stands in the table of those that
// do not apply.
func TestItems(t *testing.T) {
	held := map[int]string{}
	hold := func(name string) {
		if m := item.FindStringSubmatch(name); m != nil {
			for _, digits := range strings.Split(m[1], "_") {
				n, _ := strconv.Atoi(digits) // three digits
				held[n] = name
			}
		}
	}
	for _, s := range scripttest.Scripts(t) {
		hold(s.Name)
		if !item.MatchString(s.Name + "_") {
			t.Errorf("%s has no number", s.Name)
		}
	}
	sources, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		for _, name := range tests(t, source) {
			hold(name)
		}
	}
	for n, at := range heldElsewhere {
		for _, name := range tests(t, at.file) {
			if name == at.test {
				held[n] = name
			}
		}
	}
	for n := 1; n <= lastItem; n++ {
		reason := notApplicable[n]
		switch {
		case held[n] == "" && reason == "":
			t.Errorf("item %03d: there is no test of it, and no reason why", n)
		case held[n] != "" && reason != "":
			t.Errorf("item %03d does not apply (%s), but is tested by %s", n, reason, held[n])
		}
	}
}

// tests returns the names of the functions of a file.
func tests(t *testing.T, source string) (names []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), source, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			names = append(names, fn.Name.Name)
		}
	}
	return names
}

// TestFaultsAreProvoked holds that no code is only documented: a command of a script, or a Go test,
// expects each.
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
