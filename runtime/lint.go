package runtime

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A Rule looks at a file that compiles, and calls Warn for each place that is probably wrong. The rules of the language
// are in package runtime/lint.
type Rule func(*host.Script)

// ignored is the comment that silences the warnings of its line, or of the next if it has its own.
var ignored = regexp.MustCompile(`^(.*)#\s*larkspur:ignore\b`)

// Lint returns what the rules doubt in the files of a program for which [Check] finds no faults, and nothing if
// it does. A comment "# larkspur:ignore" silences the line that it is on or, alone on a line, the
// one below.
func Lint(c *Config, entry string, rules ...Rule) Diagnostics {
	l := newLoader(c)
	name, _, err := splitEntry(entry)
	if err != nil {
		return nil
	}
	fsys, err := snapshot(c.FS)
	if err != nil {
		return nil
	}
	g := l.newGraph(fsys, name)
	g.survey()
	if len(g.faults) > 0 {
		return nil
	}
	for _, s := range g.order {
		src, err := l.read(fsys, s.name)
		if err != nil || sha256.Sum256(src) != s.hash {
			continue // it has changed since, and is another file
		}
		silent := silences(string(src))
		for _, rule := range rules {
			rule(&host.Script{
				Tree:   s.parsed,
				Module: l.catalog.module,
				Warn: func(pos syntax.Position, format string, args ...any) {
					if !slices.Contains(silent, int(pos.Line)) {
						g.fault(pos, "%s", fmt.Sprintf(format, args...))
					}
				},
			})
		}
	}
	g.sort()
	return slices.Compact(g.faults)
}

// silences are the lines of src that it wants no warnings for.
func silences(src string) []int {
	var lines []int
	for i, line := range strings.Split(src, "\n") {
		if m := ignored.FindStringSubmatch(line); m != nil {
			n := i + 1
			if strings.TrimSpace(m[1]) == "" {
				n++
			}
			lines = append(lines, n)
		}
	}
	return lines
}

// Builtin reports whether name means something in every file, without a load.
func Builtin(name string) bool {
	return starlark.Universe.Has(name) || predeclare(nil).Has(name)
}
