package runtime

import (
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A Diagnostic is one fault of a program and its place.
type Diagnostic struct {
	File      string // path in the program's tree
	Line, Col int    // from 1, the column in bytes; 0 if the fault is the whole file's
	Msg       string // what is wrong, and where possible what to write instead
}

// String is FILE:LINE:COL: MESSAGE, without the numbers if there are none.
func (d Diagnostic) String() string {
	if d.Line == 0 {
		return d.File + ": " + d.Msg
	}
	return fmt.Sprintf("%s:%d:%d: %s", d.File, d.Line, d.Col, d.Msg)
}

// Diagnostics are the faults of a program, file by file, each file's in the order of its lines.
type Diagnostics []Diagnostic

// Error is one line: the first fault, and how many more there are.
func (d Diagnostics) Error() string {
	switch len(d) {
	case 0:
		return "no faults"
	case 1:
		return d[0].String()
	}
	return fmt.Sprintf("%s (and %d more)", d[0], len(d)-1)
}

// Diagnose returns what the error of loading the entry says, as diagnostics: one at least.
func Diagnose(entry string, err error) Diagnostics {
	file, _, _ := strings.Cut(entry, ":")
	return diagnoseError(file, err)
}

// endOfLine moves a fault to the line that lacks something: the parser says of a newline that it
// did not expect that it is at the beginning of the next line.
func endOfLine(faults []Diagnostic, src []byte) {
	for i := range faults {
		f := &faults[i]
		if f.Line > 1 && f.Col == 1 && strings.HasPrefix(f.Msg, "got newline") {
			f.Line--
			lines := strings.SplitN(string(src), "\n", f.Line+1)
			f.Col = len(lines[min(f.Line, len(lines))-1]) + 1
		}
	}
}

func diagnose(pos syntax.Position, format string, args ...any) Diagnostic {
	return Diagnostic{pos.Filename(), int(pos.Line), int(pos.Col), fmt.Sprintf(format, args...)}
}

// diagnoseError turns what the compiler or the top level of a program returned into diagnostics.
func diagnoseError(file string, err error) []Diagnostic {
	var (
		parse    syntax.Error
		resolved resolve.ErrorList
		known    Diagnostics
		limit    *LimitError
		eval     *starlark.EvalError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &parse):
		return []Diagnostic{diagnose(parse.Pos, "%s", parse.Msg)}
	case errors.As(err, &resolved):
		var all []Diagnostic
		for _, e := range resolved {
			all = append(all, diagnose(e.Pos, "%s", e.Msg))
		}
		return all
	case errors.As(err, &limit):
		return []Diagnostic{diagnose(limit.Pos(), "%s", strings.TrimPrefix(err.Error(), limit.Pos().String()+": "))}
	case errors.As(err, &eval):
		if pos := host.Position(eval.CallStack); pos.Line > 0 {
			return []Diagnostic{diagnose(pos, "%s", eval.Msg)}
		}
	}
	return []Diagnostic{{File: file, Msg: err.Error()}}
}
