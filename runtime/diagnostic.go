package runtime

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/habit"
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

// diagnose returns what is wrong with a file that does not compile: the words of the parser and of
// the resolver, or where they come from a habit what to write instead.
func (l *loader) diagnose(s *source, err error) host.Diagnostics {
	var (
		parse    syntax.Error
		resolved resolve.ErrorList
	)
	language := l.language()
	switch {
	case errors.As(err, &parse):
		err = language.Syntax(s.text, parse)
	case errors.As(err, &resolved):
		for i, e := range resolved[:min(len(resolved), maxHints)] {
			resolved[i].Msg = language.Undefined(s.parsed, s.text, e)
		}
	}
	found := diagnoseError(s.name, err)
	endOfLine(found, s.text)
	return found
}

// maxHints is how many undefined names of a file are looked at: each takes a walk through it.
const maxHints = 100

// language is what files may use.
func (l *loader) language() *habit.Language {
	found := &habit.Language{}
	for _, names := range []starlark.StringDict{l.predeclared, starlark.Universe} {
		found.Builtins = append(found.Builtins, names.Keys()...)
	}
	for _, name := range l.catalog.loadable() {
		found.Modules = append(found.Modules, learned(l.catalog.modules[name]))
	}
	return found
}

// learned is what a script may know of a module.
func learned(m *host.Module) habit.Module {
	known := habit.Module{Name: m.Name, Names: m.Names()}
	own := m.Member(m.Name)
	switch {
	case own == nil && m.Whole:
		for i := range m.Members {
			known.Of = append(known.Of, m.Members[i].Name)
		}
	case own != nil:
		known.Callable = len(own.Members) == 0
		for i := range own.Members {
			known.Of = append(known.Of, own.Members[i].Name)
		}
	}
	return known
}

// explained is the error of a call with what the scripts tell: where what was returned comes from,
// and what to write instead.
func (p *Program) explained(err error) error {
	if err == nil {
		return nil
	}
	var about host.Returner
	if errors.As(err, &about) {
		return p.returned(err, about) // the lines that led to it, if any, are of what called
	}
	return cured(p.sources, err)
}

// cured adds to an error of the interpreter what to write instead, if that is known. The error may
// be that of other calls too, so that it is not changed itself.
func cured(sources map[string]*source, err error) error {
	eval, ok := err.(*starlark.EvalError)
	if !ok {
		return err
	}
	pos := host.Position(eval.CallStack)
	s := sources[pos.Filename()]
	if pos.Line == 0 || s == nil {
		return err
	}
	message := habit.Failed(s.parsed, s.text, pos, eval.Msg)
	if message == eval.Msg {
		return err
	}
	said := *eval
	said.Msg = message
	return &said
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
