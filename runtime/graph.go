package runtime

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A graph is what can be known about a program without running it. Because load() stands at the
// top level only and its arguments are literals, that is: every file, every edge, every name that
// passes along an edge.
type graph struct {
	loader  *loader
	root    string // the file of the entry
	tree    fs.FS
	sources map[string]*source // by name
	lost    map[string]error   // by name: why a file cannot be read
	order   []*source          // those that were read, each after the files that it loads
	files   []file             // as met
	hosts   map[string]starlark.StringDict
	faults  host.Diagnostics

	filesOnly bool // no host module is made, so what is loaded from one is not checked
}

func (l *loader) newGraph(tree fs.FS, name string) *graph {
	return &graph{loader: l, root: name, tree: tree,
		sources: make(map[string]*source), lost: make(map[string]error), hosts: make(map[string]starlark.StringDict)}
}

// survey reads and compiles everything that the root file reaches.
func (g *graph) survey() {
	if err := g.visit(g.root, nil); err != nil {
		g.faults = append(g.faults, diagnoseFile(g.root, missing(g.tree, g.root, err)))
	}
	g.sort()
}

// A step is one edge on the way from the entry to the file being visited.
type step struct {
	pos syntax.Position // of the name in the load statement
	to  string
}

// visit adds the file and what it loads. The error says why the file cannot be read.
func (g *graph) visit(name string, way []step) error {
	if g.sources[name] != nil || g.lost[name] != nil {
		return g.lost[name]
	}
	s, err := g.loader.compile(g.tree, name)
	if err != nil {
		g.lost[name] = err
		g.files = append(g.files, file{name: name})
		return err
	}
	g.sources[name] = s
	g.files = append(g.files, file{name, s.hash})
	g.faults = append(g.faults, s.faults...)
	for _, load := range s.loads() {
		g.follow(name, load, way)
	}
	g.order = append(g.order, s)
	return nil
}

// follow follows one load statement of the file from.
func (g *graph) follow(from string, load *syntax.LoadStmt, way []step) {
	module, pos := load.ModuleName(), load.Module.TokenPos
	if name, ok := strings.CutPrefix(module, "@"); ok {
		if g.filesOnly {
			return
		}
		values, err := g.host(name)
		if err != nil {
			g.fault(pos, "cannot load %q: %v", module, err)
			return
		}
		g.match(load, values.Keys())
		return
	}
	name, err := locate(from, module)
	if err != nil {
		g.fault(pos, "cannot load %q: %v", module, err)
		return
	}
	way = append(slices.Clip(way), step{pos, name})
	if i := slices.IndexFunc(way, func(s step) bool { return s.pos.Filename() == name }); i >= 0 {
		g.fault(pos, "load cycle: %s", chain(way[i:]))
		return
	}
	if err := g.visit(name, way); err != nil {
		g.fault(pos, "cannot load %q: %s", module, missing(g.tree, name, err))
		return
	}
	if s := g.sources[name]; s.tree != nil {
		g.match(load, s.globals())
	}
}

// match reports the names of load that the module does not have.
func (g *graph) match(load *syntax.LoadStmt, names []string) {
	for _, id := range load.From {
		if slices.Contains(names, id.Name) {
			continue
		}
		has := "nothing"
		if len(names) > 0 {
			has = strings.Join(names, ", ")
		}
		g.fault(id.NamePos, "%q has no %s; it has %s", load.ModuleName(), id.Name, has)
	}
}

// host returns the values of a host module, made once for the graph.
func (g *graph) host(name string) (starlark.StringDict, error) {
	key := "@" + name
	if values, ok := g.hosts[key]; ok {
		return values, nil
	}
	module, ok := g.loader.config.Modules[name]
	if !ok {
		module, ok = builtin[name]
	}
	if !ok {
		return nil, fmt.Errorf("no such host module; there are %s (the embedder grants others in runtime.Config.Modules)", strings.Join(hostNames(g.loader.config), ", "))
	}
	values, err := makeHost(module, g.tree)
	if err != nil {
		return nil, err
	}
	values.Freeze()
	g.hosts[key] = values
	return values, nil
}

// makeHost calls an embedder's code, whose panic must not end a process that reloads.
func makeHost(module Module, tree fs.FS) (values starlark.StringDict, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return module(tree)
}

// sort puts the faults in the order in which the files were met, and of the lines in them.
func (g *graph) sort() {
	rank := make(map[string]int, len(g.files))
	for i, f := range g.files {
		rank[f.name] = i
	}
	slices.SortStableFunc(g.faults, func(a, b host.Diagnostic) int {
		return cmp.Or(cmp.Compare(rank[a.File], rank[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
}

func (g *graph) fault(pos syntax.Position, format string, args ...any) {
	g.faults = append(g.faults, diagnose(pos, format, args...))
}

// loads are the load statements of the file, which stand at its top level only.
func (s *source) loads() []*syntax.LoadStmt {
	var all []*syntax.LoadStmt
	if s.tree != nil {
		for _, stmt := range s.tree.Stmts {
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
	for _, b := range s.tree.Module.(*resolve.Module).Globals {
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

// missing says why a file cannot be read, and what may have been meant.
func missing(tree fs.FS, name string, err error) string {
	if !errors.Is(err, fs.ErrNotExist) {
		return err.Error()
	}
	if _, err := fs.Stat(tree, name+".star"); err == nil {
		return fmt.Sprintf("there is no file %s; did you mean %s.star?", name, name)
	}
	return "there is no file " + name
}
