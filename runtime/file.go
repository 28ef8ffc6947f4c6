package runtime

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A File is a script of a program, as it is written.
type File struct {
	// Name is its path in the tree.
	Name string
	// Source is what stands in it.
	Source []byte
	// Syntax is its tree, whose names are resolved. It must not be changed: see [Config.Rewrite].
	Syntax *syntax.File
}

// Parse returns the files of the program whose entry is FILE.star or FILE.star:NAME, each after
// those that it loads, so that FILE.star is the last. Nothing of them is run, and no host module is
// opened. If there is anything wrong with them that can be seen so, it returns that instead.
func Parse(c *Config, entry string) ([]File, host.Diagnostics) {
	l := newLoader(c)
	name, _, err := splitEntry(entry)
	if err != nil {
		return nil, host.Diagnostics{diagnoseFile(entry, err.Error())}
	}
	fsys, done, err := l.snapshot()
	if err != nil {
		return nil, host.Diagnostics{diagnoseFile(name, err.Error())}
	}
	defer done()
	g := l.newGraph(fsys, name)
	g.survey()
	if len(g.faults) > 0 {
		return nil, g.faults
	}
	files := make([]File, len(g.order))
	for i, s := range g.order {
		files[i] = File{s.name, s.text, s.parsed}
	}
	return files, nil
}

// LoadFile loads a file of c.FS for the sake of its globals: see [Program.Globals]. Nothing of it
// need be callable, and a call of the program has no callable to use, only a thread with its
// limits. An empty name loads no file. It is to be closed: its host modules are open, though they
// are never told that it is published. They are told that it is ready.
func LoadFile(c *Config, file string) (*Program, error) {
	l := newLoader(c)
	if l.fault != nil {
		return nil, fmt.Errorf("runtime: load: %w", l.fault)
	}
	gen := newGeneration(c, 0)
	if file == "" {
		return l.program("", gen), nil
	}
	name, err := locate(".", file)
	if err != nil {
		return nil, fmt.Errorf("file %q: %w", file, err)
	}
	g, globals, err := l.build(name, gen)
	if err != nil {
		gen.retire()
		return nil, err
	}
	p := l.program(name, gen)
	p.root, p.files, p.globals, p.loaded = name, g.files, globals[name], globals
	p.sources = g.sources
	if err := p.ready(); err != nil {
		return nil, err
	}
	return p, nil
}

// Globals returns the globals of the file that the program was loaded from. They are frozen, and
// not to be changed.
func (p *Program) Globals() starlark.StringDict { return p.globals }

// Load returns what load(module) gives to the file that the program was loaded from: the globals of
// another file, those that begin with _ included, or the values of a host module. What the program
// has not loaded is loaded now, and stays for the next. A program that is closed loads nothing.
func (p *Program) Load(module string) (starlark.StringDict, error) {
	if !p.generation.acquire() {
		return nil, ErrClosed
	}
	defer p.generation.release()
	p.mu.Lock()
	defer p.mu.Unlock()
	l := newLoader(p.config)
	if name, ok := strings.CutPrefix(module, "@"); ok {
		m, err := l.catalog.find(name)
		if err != nil {
			return nil, err
		}
		fsys, done, err := l.snapshot()
		if err != nil {
			return nil, fmt.Errorf("runtime: load: %w", err)
		}
		p.generation.OnRetire(done)
		values, err := p.generation.open(m, fsys)
		if err != nil {
			return nil, err
		}
		return values, p.generation.ready(context.Background())
	}
	name, err := locate(cmp.Or(p.root, "."), module)
	if err != nil {
		return nil, err
	}
	if values, ok := p.loaded[name]; ok {
		return values, nil
	}
	_, more, err := l.build(name, p.generation)
	if err == nil {
		err = p.generation.ready(context.Background())
	}
	if err != nil {
		return nil, err
	}
	if p.loaded == nil {
		p.loaded = make(map[string]starlark.StringDict)
	}
	for name, values := range more {
		if p.loaded[name] == nil {
			p.loaded[name] = values
		}
	}
	return p.loaded[name], nil
}

// Dialect returns the options that the files of programs are parsed with: Starlark with set, while,
// recursion, and if, for and while at top level.
func Dialect() *syntax.FileOptions {
	d := dialect
	return &d
}

// Builtins returns what every file of a program sees without a load, by name.
func (c *Config) Builtins() starlark.StringDict {
	all := maps.Clone(starlark.Universe)
	maps.Copy(all, predeclare(c.Predeclared, c.Limits.WithDefaults()))
	for name := range gauges(0) {
		delete(all, name)
	}
	return all
}
