package grant

import (
	"cmp"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/site"
	"go.starlark.net/syntax"
)

// An Ask is something outside that an application asks for.
type Ask struct {
	// Line is how it is granted: sql:notes=FILE. Where the script does not say what it reaches, it
	// is as fetch=HOST.
	Line string
	// Place is where it is asked for, first.
	Place host.Place
	// Granted reports whether it is.
	Granted bool
}

// Asks returns what the scripts of an application ask for, as far as constants in them say it, in
// the order of the files and lines: a load of a module that reaches outside, the names of databases
// and directories, hosts of whole URLs, variables. It runs nothing, and opens nothing. Of scripts
// that do not compile it knows nothing.
func (s *Set) Asks(app *site.Application) []Ask {
	probe := *app
	Everything().To(&probe)
	files, _ := runtime.Parse(probe.Config(nil), probe.Name())
	var all []Ask
	for _, f := range files {
		a := asker{set: s, loaded: make(map[string]string)}
		syntax.Walk(f.Syntax, a.node)
		for line, pos := range a.module {
			if !slices.ContainsFunc(a.found, func(f Ask) bool { return kindOf(f.Line) == kindOf(line) }) {
				a.add(line, pos)
			}
		}
		slices.SortFunc(a.found, func(x, y Ask) int {
			return cmp.Or(cmp.Compare(x.Place.Line, y.Place.Line), cmp.Compare(x.Place.Col, y.Place.Col))
		})
		for _, ask := range a.found {
			if !slices.ContainsFunc(all, func(have Ask) bool { return have.Line == ask.Line }) {
				all = append(all, ask)
			}
		}
	}
	return all
}

// Keeps reports whether the scripts of an application load a module that keeps state, and may.
func (s *Set) Keeps(app *site.Application) bool {
	return slices.ContainsFunc(s.Asks(app), func(a Ask) bool { return a.Granted && a.Line == lines["state"] })
}

// Asked returns a Set that grants what s does, and all that asks name, so that the application can be
// loaded to be looked at. What it grants beyond s is not to be used.
func (s *Set) Asked(asks []Ask) *Set {
	all := Everything()
	all.SQL.Databases, all.Files.Dirs = s.SQL.Databases, s.Files.Dirs
	all.Fetch.Hosts = append(all.Fetch.Hosts, s.Fetch.Hosts...)
	all.Env.Names = append(all.Env.Names, s.Env.Names...)
	for _, a := range asks {
		if name, ok := strings.CutPrefix(a.Line, "env="); ok && a.Line != lines["env"] {
			all.Env.Names = append(all.Env.Names, name)
		}
	}
	return all
}

// Everything grants something of each kind that is not there, so that each module can be loaded: by
// what only looks at an application, and by tests, which get stand-ins.
func Everything() *Set {
	s := &Set{look: true}
	s.Keep(filepath.Join(os.DevNull, "nothing"), nil) // no directory can be made there
	s.State.Lazy = true
	s.Stats.Granted = true
	s.Fetch.Hosts = []string{"nothing.invalid"}
	s.Env.Names = []string{"LARKSPUR_NOTHING"}
	s.Mail.URL = "smtp://nothing.invalid"
	return s
}

// An asker finds what one file asks for.
type asker struct {
	set    *Set
	loaded map[string]string // names of members, as "sql.database", by those that the file has for them
	module map[string]syntax.Position
	found  []Ask
}

func (a *asker) add(line string, pos syntax.Position) {
	a.found = append(a.found, Ask{Line: line, Place: host.PlaceAt(pos), Granted: a.set.grants(line)})
}

func (a *asker) node(n syntax.Node) bool {
	switch n := n.(type) {
	case *syntax.LoadStmt:
		name, ok := strings.CutPrefix(n.ModuleName(), "@")
		_, outside := lines[name]
		if !ok || !outside && name != "middleware" {
			break
		}
		for i, to := range n.To {
			a.loaded[to.Name] = name + "." + n.From[i].Name
		}
		if !outside {
			break
		}
		if a.module == nil {
			a.module = make(map[string]syntax.Position)
		}
		a.module[lines[name]] = n.Load
	case *syntax.CallExpr:
		fn, args := n.Fn, n.Args
		if id, ok := fn.(*syntax.Ident); ok && id.Name == "catch" && len(args) > 0 {
			fn, args = args[0], args[1:] // catch(fetch, "https://...") calls it
		}
		if len(args) == 0 {
			break
		}
		if a.member(fn) == "middleware.rate_limit" && slices.ContainsFunc(args, shares) {
			pos, _ := fn.Span()
			a.add(lines["state"], pos)
		}
		if text, ok := constant(args[0]); ok {
			pos, _ := fn.Span()
			a.call(a.member(fn), text, pos)
		}
	case *syntax.IndexExpr:
		if text, ok := constant(n.Y); ok && a.member(n.X) == "env.env" {
			pos, _ := n.Span()
			a.add("env="+text, pos)
		}
	}
	return true
}

// shares reports whether an argument has a limit be one of all processes.
func shares(arg syntax.Expr) bool {
	named, ok := arg.(*syntax.BinaryExpr)
	if !ok || named.Op != syntax.EQ {
		return false
	}
	name, _ := named.X.(*syntax.Ident)
	value, _ := named.Y.(*syntax.Ident)
	return name != nil && name.Name == "shared" && (value == nil || value.Name != "False")
}

// member names the member of a module that an expression is, as "sql.database"; the whole of a
// module is as "sql.sql".
func (a *asker) member(e syntax.Expr) string {
	switch e := e.(type) {
	case *syntax.Ident:
		return a.loaded[e.Name]
	case *syntax.DotExpr:
		module, member, ok := strings.Cut(a.member(e.X), ".")
		if ok && module == member {
			return module + "." + e.Name.Name
		}
	}
	return ""
}

// call notes what a call with a constant asks for.
func (a *asker) call(member, text string, pos syntax.Position) {
	switch member {
	case "sql.database":
		a.add("sql:"+text+"=FILE", pos)
	case "files.directory":
		a.add("files:"+text+"=DIR:rw", pos)
	case "env.get":
		a.add("env="+text, pos)
	case "fetch.fetch", "fetch.request":
		if u, err := url.Parse(text); err == nil && u.Host != "" {
			a.add("fetch="+u.Host, pos)
		}
	}
}

func constant(e syntax.Expr) (string, bool) {
	if l, ok := e.(*syntax.Literal); ok {
		s, ok := l.Value.(string)
		return s, ok
	}
	return "", false
}

// grants reports whether the Set grants what an Ask's line says.
func (s *Set) grants(line string) bool {
	what, value, _ := strings.Cut(line, "=")
	kind, name, named := strings.Cut(what, ":")
	_, some := s.of(kind)
	switch {
	case !some || line == lines[kind]:
		return some
	case named && kind == "sql":
		_, listed := s.SQL.Databases[name]
		return listed || s.SQL.Dir != ""
	case named:
		_, listed := s.Files.Dirs[name]
		return listed || s.Files.Below != ""
	case kind == "env":
		return slices.Contains(s.Env.Names, value)
	case kind == "fetch":
		return s.Fetch.Grants(value)
	}
	return true
}
