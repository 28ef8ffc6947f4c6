package dev

import (
	"io"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/dev/trace"
	"go.starlark.net/syntax"
)

// called describes the function of Go in which a call of the script failed: the innermost frame.
func (a *App) called(rec *record, frames []trace.Frame) (signature, doc string) {
	if a == nil || a.Describe == nil || len(frames) < 2 || frames[0].Line > 0 || frames[1].Line == 0 {
		return "", ""
	}
	if frames[0].Name == "fail" {
		return "", "" // it did what it is for
	}
	return a.Describe(frames[0].Name, a.loads(rec, frames[1].File))
}

// most is how many bytes of a file are looked at for what it loads.
const most = 1 << 20

// loads are the host modules that a file loads, as it was when it ran if that is known.
func (a *App) loads(rec *record, file string) (names []string) {
	text := rec.source(file)
	if text == nil && a.Tree != nil {
		f, _, err := host.OpenRegular(a.Tree, file)
		if err != nil {
			return nil
		}
		defer f.Close()
		if text, err = io.ReadAll(io.LimitReader(f, most)); err != nil {
			return nil
		}
	}
	options := syntax.FileOptions{Set: true, While: true, TopLevelControl: true}
	tree, err := options.Parse(file, host.Unmarked(text), 0)
	if err != nil {
		return nil
	}
	for _, stmt := range tree.Stmts {
		if load, ok := stmt.(*syntax.LoadStmt); ok {
			if name, host := strings.CutPrefix(load.ModuleName(), "@"); host {
				names = append(names, name)
			}
		}
	}
	return names
}
