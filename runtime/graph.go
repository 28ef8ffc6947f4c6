package runtime

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/spell"
	"go.starlark.net/resolve"
	"go.starlark.net/syntax"
)

// A graph is what can be known about a program without running it or opening a host module. Because
// load() stands at the top level only and its arguments are literals, that is: every file, every
// edge, every name that passes along an edge.
type graph struct {
	loader     *loader
	root       string // the file of the entry
	fsys       fs.FS
	sources    map[string]*source // by name
	unreadable map[string]error   // by name: why a file cannot be read
	order      []*source          // those that were read, each after the files that it loads
	files      []file             // as met
	hosts      []hostLoad         // the host modules, each once, as met
	faults     host.Diagnostics
}

// A hostLoad is a host module and the place of a load statement that wants it.
type hostLoad struct {
	module *host.Module
	pos    syntax.Position
}

func (l *loader) newGraph(fsys fs.FS, name string) *graph {
	return &graph{
		loader: l, root: name, fsys: fsys,
		sources: make(map[string]*source), unreadable: make(map[string]error),
	}
}

// survey reads and compiles everything that the root file reaches.
func (g *graph) survey() {
	if err := g.visit(g.root, nil); err != nil {
		g.faults = append(g.faults, diagnoseFile(g.root, g.missing(g.root, g.root, err)))
	}
	g.sort()
}

// A step is one edge on the path from the entry to the file being visited.
type step struct {
	pos syntax.Position // of the name in the load statement
	to  string
}

// visit adds the file and what it loads. The error says why the file cannot be read.
func (g *graph) visit(name string, path []step) error {
	if g.sources[name] != nil || g.unreadable[name] != nil {
		return g.unreadable[name]
	}
	s, err := g.loader.compile(g.fsys, name)
	if err != nil {
		g.unreadable[name] = err
		g.files = append(g.files, file{name: name})
		return err
	}
	g.sources[name] = s
	g.files = append(g.files, file{name, s.hash})
	g.faults = append(g.faults, s.faults...)
	for _, load := range s.loads() {
		g.follow(name, load, path)
	}
	g.order = append(g.order, s)
	return nil
}

// follow follows one load statement of the file from.
func (g *graph) follow(from string, load *syntax.LoadStmt, path []step) {
	module, pos := load.ModuleName(), load.Module.TokenPos
	if name, ok := strings.CutPrefix(module, "@"); ok {
		m, err := g.loader.catalog.find(name)
		if err != nil {
			g.fault(pos, "cannot load %q: %v", module, g.foreign(name, load, err))
			return
		}
		if !slices.ContainsFunc(g.hosts, func(h hostLoad) bool { return h.module == m }) {
			g.hosts = append(g.hosts, hostLoad{m, pos})
		}
		g.match(load, m.Names())
		return
	}
	name, err := locate(from, module)
	if err != nil {
		g.fault(pos, "cannot load %q: %v", module, err)
		return
	}
	path = append(slices.Clip(path), step{pos, name})
	if i := slices.IndexFunc(path, func(s step) bool { return s.pos.Filename() == name }); i >= 0 {
		g.fault(pos, "load cycle: %s", chain(path[i:]))
		return
	}
	if err := g.visit(name, path); err != nil {
		g.fault(pos, "cannot load %q: %s", module, g.missing(name, module, err))
		return
	}
	if s := g.sources[name]; s.parsed != nil {
		g.match(load, s.globals())
	}
}

// foreign is the error of a host module that cannot be loaded: of one that Python has, with what to
// write instead.
func (g *graph) foreign(name string, load *syntax.LoadStmt, err error) error {
	if g.loader.catalog.modules[name] != nil {
		return err
	}
	var names []string
	for _, id := range load.From {
		names = append(names, id.Name)
	}
	if text := g.loader.language().Foreign(name, names); text != "" {
		return fmt.Errorf("unknown module @%s; write %s", name, text)
	}
	return err
}

// match reports the names of load that the module does not have, and who has them.
func (g *graph) match(load *syntax.LoadStmt, names []string) {
	for _, id := range load.From {
		if slices.Contains(names, id.Name) {
			continue
		}
		if name, ok := strings.CutPrefix(load.ModuleName(), "@"); ok {
			if text := g.loader.language().Lacking(name, id.Name); text != "" {
				g.fault(id.NamePos, "%q has no %s%s", load.ModuleName(), id.Name, text)
				continue
			}
		}
		has, meant := "nothing", ""
		if len(names) > 0 {
			has = strings.Join(names, ", ")
		}
		if near := spell.Nearest(id.Name, names, 3); near != "" {
			meant = fmt.Sprintf(" (did you mean %s?)", near)
		}
		g.fault(id.NamePos, "%q has no %s%s; it has %s", load.ModuleName(), id.Name, meant, has)
	}
}

// sort puts the faults in the order in which the files were met, and of the lines in them.
func (g *graph) sort() {
	rank := make(map[string]int, len(g.files))
	for i, f := range g.files {
		rank[f.name] = i
	}
	slices.SortStableFunc(g.faults, func(a, b host.Diagnostic) int {
		return cmp.Or(
			cmp.Compare(rank[a.File], rank[b.File]), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Col, b.Col),
		)
	})
}

func (g *graph) fault(pos syntax.Position, format string, args ...any) {
	g.faults = append(g.faults, diagnose(pos, format, args...))
}

// loads are the load statements of the file, which stand at its top level only.
func (s *source) loads() []*syntax.LoadStmt {
	var all []*syntax.LoadStmt
	if s.parsed != nil {
		for _, stmt := range s.parsed.Stmts {
			if load, ok := stmt.(*syntax.LoadStmt); ok {
				all = append(all, load)
			}
		}
	}
	return all
}

// globals are the names that the file binds for others to load.
func (s *source) globals() []string {
	var names []string
	for _, b := range s.parsed.Module.(*resolve.Module).Globals {
		if !strings.HasPrefix(b.First.Name, "_") {
			names = append(names, b.First.Name)
		}
	}
	return names
}

// chain writes a load cycle, each file with the place that loads the next.
func chain(cycle []step) string {
	var links []string
	for _, s := range cycle {
		links = append(links, fmt.Sprintf("%s loads %s", s.pos, s.to))
	}
	return strings.Join(links, ", ")
}

// missing says why a file cannot be read, and what may have been meant: a script with the extension
// or beside it, or the host module of that name.
func (g *graph) missing(name, module string, err error) string {
	if !errors.Is(err, fs.ErrNotExist) {
		return err.Error()
	}
	said := "there is no file " + name
	if _, err := host.Stat(g.fsys, name+".star"); err == nil {
		return fmt.Sprintf("%s; did you mean %s.star?", said, name)
	}
	if m, _ := g.loader.catalog.find(strings.TrimSuffix(module, ".star")); m != nil {
		return fmt.Sprintf("%s; did you mean @%s?", said, m.Name)
	}
	entries, _ := fs.ReadDir(g.fsys, path.Dir(name)) // none if there is no such directory
	var scripts []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".star") {
			scripts = append(scripts, strings.TrimSuffix(e.Name(), ".star"))
		}
	}
	stem := strings.TrimSuffix(path.Base(name), ".star")
	if near := spell.Nearest(stem, scripts, 3); near != "" {
		return fmt.Sprintf("%s; did you mean %s.star?", said, path.Join(path.Dir(name), near))
	}
	return said
}
