package runtime

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Diagnose returns what the error of loading the entry says, as diagnostics: one at least.
func Diagnose(entry string, err error) host.Diagnostics {
	file, _, _ := strings.Cut(entry, ":")
	return diagnoseError(file, err)
}

// endOfLine moves a diagnostic to the line that lacks something: the parser says of a newline that
// it did not expect that it is at the beginning of the next line.
func endOfLine(found host.Diagnostics, src []byte) {
	for i := range found {
		d := &found[i]
		if d.Line > 1 && d.Col == 1 && strings.HasPrefix(d.Message, "got newline") {
			d.Line--
			lines := strings.SplitN(string(src), "\n", d.Line+1)
			d.Col = utf8.RuneCountInString(lines[min(d.Line, len(lines))-1]) + 1
		}
	}
}

func diagnose(pos syntax.Position, format string, args ...any) host.Diagnostic {
	return host.Diagnostic{Place: host.PlaceAt(pos), Message: fmt.Sprintf(format, args...)}
}

// diagnoseFile returns a diagnostic of a whole file.
func diagnoseFile(file, message string) host.Diagnostic {
	return host.Diagnostic{Place: host.Place{File: file}, Message: message}
}

// diagnoseError turns what the compiler or the top level of a program returned into diagnostics.
func diagnoseError(file string, err error) host.Diagnostics {
	var (
		known    host.Diagnostics
		parse    syntax.Error
		resolved resolve.ErrorList
		limit    *LimitError
		eval     *starlark.EvalError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &parse):
		return host.Diagnostics{diagnose(parse.Pos, "%s", parse.Msg)}
	case errors.As(err, &resolved):
		var all host.Diagnostics
		for _, e := range resolved {
			all = append(all, diagnose(e.Pos, "%s", e.Msg))
		}
		return all
	case errors.As(err, &limit):
		message := strings.TrimPrefix(err.Error(), limit.Pos().String()+": ")
		return host.Diagnostics{diagnose(limit.Pos(), "%s", message)}
	case errors.As(err, &eval):
		if pos := host.Position(eval.CallStack); pos.Line > 0 {
			return host.Diagnostics{diagnose(pos, "%s", eval.Msg)}
		}
	}
	return host.Diagnostics{diagnoseFile(file, err.Error())}
}
