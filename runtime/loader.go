package runtime

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/cover"
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
	parsed  *syntax.File      // nil if it does not parse
	program *starlark.Program // nil if there are faults
	faults  []Diagnostic
}

// A loader makes programs of one Config. It keeps what it compiled, by name and content, for the
// next generation. It is for one goroutine at a time.
type loader struct {
	config      *Config
	catalog     *catalog
	limits      Limits
	predeclared starlark.StringDict
	compiled    map[string]*source // by name: the content seen last
}

func newLoader(c *Config) *loader {
	l := &loader{c, newCatalog(c), c.Limits.withDefaults(), predeclare(c.Predeclared), make(map[string]*source)}
	if c.Cover != nil {
		l.predeclared[cover.Name] = c.Cover.Counter()
	}
	return l
}

// load makes a program of the generation. Also when it fails it returns the files that it looked at, those
// that are missing among them: a change in one of them is a reason to try again.
func (l *loader) load(entry string, number uint64) (p *Program, files []file, err error) {
	name, names, err := splitEntry(entry)
	if err != nil {
		return nil, nil, err
	}
	gen := newGeneration(l.config, number)
	defer func() {
		if p == nil {
			gen.retire()
		}
	}()
	g, globals, err := l.build(name, gen)
	if g == nil {
		return nil, nil, err
	}
	if err != nil {
		return nil, g.files, err
	}
	app, fault := g.entry(names, globals[name])
	if fault != nil {
		return nil, g.files, Diagnostics{*fault}
	}
	return l.program(entry, app, g, gen), g.files, nil
}

func (l *loader) program(name string, app starlark.Callable, g *graph, gen *generation) *Program {
	p := l.bare(name)
	p.app, p.files, p.generation = app, g.files, gen
	return p
}

// build reads, compiles and runs everything that the file reaches, and opens its host modules for the
// generation. Without a graph nothing was looked at.
func (l *loader) build(name string, gen *generation) (*graph, map[string]starlark.StringDict, error) {
	fsys, err := snapshot(l.config.FS)
	if err != nil {
		return nil, nil, fmt.Errorf("runtime: load: %w", err)
	}
	g := l.newGraph(fsys, name)
	g.survey()
	if len(g.faults) > 0 {
		return g, nil, g.faults
	}
	l.keep(g)
	globals, err := l.run(g, gen)
	return g, globals, err
}

// run opens the host modules of g, and runs its files, each after those that it loads. It returns the
// globals of each.
func (l *loader) run(
	g *graph, gen *generation,
) (globals map[string]starlark.StringDict, err error) {
	for _, h := range g.hosts {
		if _, err := gen.open(h.module, g.fsys); err != nil {
			d := diagnose(h.pos, "cannot load \"@%s\": %v", h.module.Name, err)
			return nil, &openError{d, err}
		}
	}
	globals = make(map[string]starlark.StringDict, len(g.order))
	c := newCall(context.Background(), l.bare("load"))
	defer c.end(&err)
	c.thread.Load = func(t *starlark.Thread, module string) (starlark.StringDict, error) {
		if name, ok := strings.CutPrefix(module, "@"); ok {
			return gen.opened[name], nil
		}
		name, err := locate(t.CallFrame(0).Pos.Filename(), module)
		return globals[name], err
	}
	for _, s := range g.order {
		made, err := s.program.Init(&c.thread, l.predeclared)
		made.Freeze()
		if err != nil {
			return nil, placed(c.outcome(err))
		}
		globals[s.name] = made
	}
	return globals, nil
}

// bare is a program without an entry or a generation, whose calls have the limits of the loader's.
func (l *loader) bare(name string) *Program {
	return &Program{name: name, limits: l.limits, logger: l.config.Logger}
}

// placed puts its position before the text of an error that has only a backtrace.
func placed(err error) error {
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
	s := &source{name: name, hash: hash}
	s.parsed, err = dialect.Parse(name, src, 0)
	if err == nil {
		if l.config.Cover != nil {
			l.config.Cover.Instrument(s.parsed, name, src)
		}
		s.program, err = starlark.FileProgram(s.parsed, l.predeclared.Has)
	}
	if err != nil {
		s.faults = diagnoseError(name, err)
		endOfLine(s.faults, src)
	}
	l.compiled[name] = s
	return s, nil
}

// dialect is what apps need (middleware on middleware is recursion to the interpreter, because it
// compares code, not closures) and nothing that makes a global mean two things.
var dialect = syntax.FileOptions{Set: true, While: true, TopLevelControl: true, Recursion: true}

// read reads a file of script. It opens nothing but regular files: a FIFO would wait for ever.
func (l *loader) read(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, cause(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	f, err := fsys.Open(name)
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
		return nil, fmt.Errorf("it is larger than %d bytes, the limit for a script", l.limits.Source)
	}
	return src.Bytes(), nil
}

// cause strips the operation and the path of a *fs.PathError: the diagnostic has them already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
