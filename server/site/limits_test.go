package site_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/server/site"
)

var update = flag.Bool("update", false, "rewrite the table of limits in README.md and SPEC.md")

// TestLimits compares the table of limits in README.md and SPEC.md with that of the code; go test
// -update writes it.
func TestLimits(t *testing.T) {
	var table strings.Builder
	table.WriteString("| what | default | set by | beyond it |\n|---|---|---|---|\n")
	for _, l := range site.Limits() {
		var by []string
		for _, name := range []string{l.Flag, l.Field} {
			if name != "" {
				by = append(by, "`"+name+"`")
			}
		}
		if by == nil {
			by = []string{"net/http's Server"}
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n",
			l.What, l.Default, strings.Join(by, ", "), l.Beyond)
	}
	for _, file := range []string{"../../README.md", "../../environ/SPEC.md"} {
		have, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		const open, end = "<!-- limits -->\n", "<!-- end of limits -->"
		before, rest, ok := strings.Cut(string(have), open)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no place for the limits", file)
		}
		want := before + open + table.String() + end + after
		switch {
		case want == string(have):
		case *update:
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s differs from the code: go test -run TestLimits -update ./server/site", file)
		}
	}
}
