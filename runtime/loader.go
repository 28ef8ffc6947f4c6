package runtime

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A file is one that a generation was, or would have been, made of.
type file struct {
	name string
	hash [sha256.Size]byte // of its content; zero if it could not be read
}

// A source is one compiled file. It is immutable, and shared by generations.
type source struct {
	name    string
	hash    [sha256.Size]byte
	text    []byte
	parsed  *syntax.File      // as it is written; nil if it does not parse
	program *starlark.Program // nil if there are faults
	faults  host.Diagnostics
}

// A loader makes programs of one Config. It keeps what it compiled, by name and content, for the
// next generation. It is for one goroutine at a time.
type loader struct {
	config      *Config
	catalog     *catalog
	limits      Limits
	predeclared starlark.StringDict
	compiled    map[string]*source // by name: the content seen last
	fault       error              // of the Config, which is then taken for an empty one
}

func newLoader(c *Config) *loader {
	fault := c.fault()
	if fault != nil {
		c = new(Config)
	}
	return &loader{
		config: c, catalog: newCatalog(c), limits: c.Limits.WithDefaults(), fault: fault,
		predeclared: predeclare(c.Predeclared, c.Limits.WithDefaults()), compiled: make(map[string]*source),
	}
}

// fault says which part of the Config is missing, which would else be a nil pointer later.
func (c *Config) fault() error {
	switch {
	case c == nil:
		return errors.New("nil Config")
	case c.FS == nil:
		return errors.New("Config.FS is nil: it is the tree of the scripts, as runtime.Dir(\".\")")
	}
	if i := slices.Index(c.Modules, nil); i >= 0 {
		return fmt.Errorf("Config.Modules[%d] is nil", i)
	}
	for _, name := range c.Predeclared.Keys() {
		if c.Predeclared[name] == nil {
			return fmt.Errorf("Config.Predeclared[%q] is nil: starlark.None is None", name)
		}
	}
	return nil
}

// snapshot returns the tree as it is now: see [snapshot].
func (l *loader) snapshot() (fsys fs.FS, done func(), err error) {
	if l.fault != nil {
		return nil, nil, l.fault
	}
	return snapshot(l.config.FS)
}

// load makes a program of a generation. Also when it fails it returns the files that it looked at,
// those that are missing among them, and what its modules have read: a change in one of them is a
// reason to try again.
func (l *loader) load(
	entry string, number uint64,
) (p *Program, files []file, read map[host.Input]digest, err error) {
	name, names, err := splitEntry(entry)
	if err != nil {
		return nil, nil, nil, err
	}
	gen := newGeneration(l.config, number)
	defer func() {
		read = gen.inputs()
		if p == nil {
			gen.retire()
		}
	}()
	g, globals, err := l.build(name, gen)
	if g == nil {
		return nil, nil, nil, err
	}
	if err != nil {
		return nil, g.files, nil, err
	}
	app, fault := g.entry(names, globals[name])
	if fault != nil {
		return nil, g.files, nil, host.Diagnostics{*fault}
	}
	p = l.program(entry, gen)
	p.app, p.root, p.files, p.globals, p.loaded = app, name, g.files, globals[name], globals
	p.sources = g.sources
	gen.program.Store(p)
	return p, g.files, nil, nil
}

// program returns a program that has nothing but a name and the limits.
func (l *loader) program(name string, gen *generation) *Program {
	return &Program{
		name: name, config: l.config, limits: l.limits, logger: l.config.Logger, generation: gen,
	}
}

// build reads, compiles and runs everything that the file reaches, and opens its host modules for
// the generation. Without a graph nothing was looked at.
func (l *loader) build(
	name string, gen *generation,
) (*graph, map[string]starlark.StringDict, error) {
	fsys, done, err := l.snapshot()
	if err != nil {
		return nil, nil, fmt.Errorf("runtime: load: %w", err)
	}
	gen.OnRetire(done) // after all that its modules have to do then
	g := l.newGraph(fsys, name)
	g.survey()
	if len(g.faults) > 0 {
		return g, nil, g.faults
	}
	l.keep(g)
	globals, err := l.run(g, gen)
	return g, globals, err
}

// run opens the host modules of g, and runs its files, each after those that it loads. It returns
// the globals of each.
func (l *loader) run(
	g *graph, gen *generation,
) (globals map[string]starlark.StringDict, err error) {
	hosts := make(map[string]starlark.StringDict, len(g.hosts))
	for _, h := range g.hosts {
		if hosts["@"+h.module.Name], err = gen.open(h.module, g.fsys); err != nil {
			d := diagnose(h.pos, "cannot load \"@%s\": %v", h.module.Name, err)
			return nil, &openError{d, err}
		}
	}
	globals = make(map[string]starlark.StringDict, len(g.order))
	r := &run{program: l.program("load", gen), loading: globals}
	ends := new(endings)
	r.ends.Store(ends)
	defer ends.run()
	c := &r.first
	c.start(context.Background(), r, l.limits.Time, &r.calls)
	c.arm(min(interval, l.limits.Steps))
	defer c.end(&err)
	c.thread.Load = func(t *starlark.Thread, module string) (starlark.StringDict, error) {
		if values, ok := hosts[module]; ok {
			return values, nil
		}
		name, err := locate(t.CallFrame(0).Pos.Filename(), module)
		return globals[name], err
	}
	for _, s := range g.order {
		made, err := s.program.Init(&c.thread.Thread, l.predeclared)
		if err != nil {
			return nil, placed(g.sources, c.outcome(err))
		}
		if err := freeze(s.parsed, made); err != nil {
			return nil, err
		}
		globals[s.name] = made
		if c.over() {
			return nil, placed(g.sources, c.outcome(c.failure))
		}
	}
	return globals, nil
}

// placed puts its position before the text of an error that has only a backtrace.
func placed(sources map[string]*source, err error) error {
	err = cured(sources, err)
	if eval, ok := err.(*starlark.EvalError); ok {
		return fmt.Errorf("%s%w", at(eval.CallStack, ""), err)
	}
	return err
}

// keep forgets what was compiled for files that are no longer part of the program.
func (l *loader) keep(g *graph) {
	for name := range l.compiled {
		if g.sources[name] == nil {
			delete(l.compiled, name)
		}
	}
}

// compile returns the compiled file, from the last generation if the content is the same.
func (l *loader) compile(fsys fs.FS, name string) (*source, error) {
	src, err := l.read(fsys, name)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(src)
	if s := l.compiled[name]; s != nil && s.hash == hash {
		return s, nil
	}
	s := &source{name: name, hash: hash, text: src}
	s.parsed, err = dialect.Parse(name, src, 0)
	if err == nil {
		s.program, err = l.translate(s.parsed, src)
	}
	if err != nil {
		s.faults = l.diagnose(s, err)
	}
	l.compiled[name] = s
	return s, nil
}

// translate makes a program of a file that is parsed, and resolves its names. What rewrites it gets
// a tree of its own: the one that is looked at is what is written.
func (l *loader) translate(tree *syntax.File, src []byte) (*starlark.Program, error) {
	if len(l.config.Rewrite) > 0 {
		if err := resolve.File(tree, l.predeclared.Has, starlark.Universe.Has); err != nil {
			return nil, err
		}
		var err error
		if tree, err = dialect.Parse(tree.Path, src, 0); err != nil {
			return nil, err
		}
		for _, rewrite := range l.config.Rewrite {
			rewrite(tree, src)
		}
	}
	var enclosed operands
	enclosed.enclose(tree)
	defer enclosed.restore() // what looks at the tree is to see what is written
	return starlark.FileProgram(tree, l.predeclared.Has)
}

// dialect is what apps need (middleware on middleware is recursion to the interpreter, because it
// compares code, not closures) and nothing that makes a global mean two things.
var dialect = syntax.FileOptions{Set: true, While: true, TopLevelControl: true, Recursion: true}

// read reads a file of script, without its byte order mark.
func (l *loader) read(fsys fs.FS, name string) ([]byte, error) {
	f, info, err := host.OpenRegular(fsys, name)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	var src bytes.Buffer
	src.Grow(int(min(info.Size(), int64(l.limits.Source))) + bytes.MinRead)
	if _, err := src.ReadFrom(io.LimitReader(f, int64(l.limits.Source)+1)); err != nil {
		return nil, cause(err)
	}
	if src.Len() > l.limits.Source {
		return nil, fmt.Errorf(
			"it is larger than %d bytes, the limit for a script", l.limits.Source,
		)
	}
	if text := src.Bytes(); !isUTF16(text) {
		return host.Unmarked(text), nil
	}
	return nil, errors.New("it is UTF-16: save it as UTF-8")
}

// isUTF16 reports whether a text begins with a byte order mark of UTF-16.
func isUTF16(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff"))
}

// cause strips the operation and the path of a *fs.PathError: the diagnostic has them already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
