package lint

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/syntax"
)

// A Rule looks at a file that compiles, and calls Warn for each place that is probably wrong.
type Rule func(*host.Script)

// Run returns the warnings of the rules for the files of a program in which [runtime.Parse] finds
// nothing wrong, and none if it does. A comment "# larkspur:ignore" silences the line that it is on
// or, alone on a line, the one below.
func Run(c *runtime.Config, entry string, rules ...Rule) host.Diagnostics {
	files, found := runtime.Parse(c, entry)
	if len(found) > 0 {
		return nil
	}
	var warnings host.Diagnostics
	for _, f := range files {
		all := check(c, f, rules)
		slices.SortStableFunc(all, func(a, b host.Diagnostic) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
		})
		warnings = append(warnings, slices.Compact(all)...)
	}
	return warnings
}

// check returns the warnings of the rules for one file.
func check(c *runtime.Config, f runtime.File, rules []Rule) (warnings host.Diagnostics) {
	silent := silences(string(f.Source))
	for _, rule := range rules {
		warn := func(pos syntax.Position, format string, args ...any) {
			if !slices.Contains(silent, int(pos.Line)) {
				d := host.Diagnostic{
					Place:   host.PlaceAt(pos),
					Message: fmt.Sprintf(format, args...),
				}
				warnings = append(warnings, d)
			}
		}
		rule(&host.Script{Tree: f.Syntax, Source: f.Source, Module: c.Module, Warn: warn})
	}
	return warnings
}

// ignored is the comment that silences the warnings of its line, or of the next if it has its own.
var ignored = regexp.MustCompile(`^(.*)#\s*larkspur:ignore\b`)

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
