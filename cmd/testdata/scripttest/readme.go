package scripttest

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// introduction is what the README of every package says of the language, with a place for the
// example.
//
//go:embed introduction.md
var introduction string

// Check checks that the README.md of the scripts is that of the language, and that each script
// begins as the README says. With -update it writes the README.
func (l *Language) Check(t *testing.T) {
	t.Helper()
	Scripts(t)
	want := l.readme(t)
	path := filepath.Join(dir, "README.md")
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(path); err != nil || string(have) != want {
		t.Errorf("%s is stale (%v): go test -run %s -update", path, err, t.Name())
	}
}

func (l *Language) readme(t *testing.T) string {
	t.Helper()
	var b, example strings.Builder
	if l.Example != "" {
		script, err := os.ReadFile(filepath.Join(dir, l.Example+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines("\n" + string(script)) {
			example.WriteString(strings.TrimRight("    "+line, " \n") + "\n")
		}
	}
	b.WriteString("<!-- Made from the table of commands by go test -update. -->\n# Scripts\n\n")
	fmt.Fprintf(&b, "%s\n\n"+introduction, l.About, example.String())
	b.WriteString("\n## Commands of this package\n\n")
	for _, c := range l.Commands {
		fmt.Fprintf(&b, "- `%s`: %s\n", c.Usage, c.Doc)
	}
	if len(l.Conditions) > 0 {
		b.WriteString("\n## Conditions of this package\n\n")
	}
	for _, c := range l.Conditions {
		fmt.Fprintf(&b, "- `[%s]`: %s\n", c.Name, c.Doc)
	}
	return b.String()
}
