package template

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"sync/atomic"
	"text/template/parse"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/spell"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A set is the templates of a directory. It is immutable.
type set struct {
	host.Object
	dir   string // as the script has it
	pages map[string]*page
	of    starlark.StringDict // functions of the script, to be frozen
}

// A page is a template that can be written.
type page struct {
	name   string
	body   *body
	begins syntax.Position
	size   atomic.Int64 // bytes of the last one
}

func misusef(format string, args ...any) error {
	return environ.Errorf(environ.CodeWebUse, "", "templates: "+format, args...)
}

// newSet reads, parses, escapes and compiles the templates of a directory.
func newSet(l *host.Load, c Config, dir string, functions *starlark.Dict) (*set, error) {
	library, err := newLibrary(c, functions)
	if err != nil {
		return nil, err
	}
	sources, err := readSources(l, dir, library.names())
	if err != nil {
		return nil, wrong(err)
	}
	s := &set{Object: "templates", dir: dir, pages: make(map[string]*page), of: library.of}
	named := make(map[string]*source)
	for _, f := range sources {
		named[f.name] = f
	}
	var found host.Diagnostics
	if d := twice(sources); d != nil {
		found = append(found, *d)
	}
	for _, f := range sources {
		if len(found) > 0 && found[0].File == f.path {
			continue
		}
		p, wrong := newPage(f, sources, named, library)
		s.pages[f.name] = p
		for _, d := range wrong {
			if !slices.Contains(found, d) {
				found = append(found, d)
			}
		}
	}
	if len(found) > 0 {
		return nil, wrong(found)
	}
	return s, nil
}

// A fault is the error of templates that are wrong.
type fault struct{ host.Diagnostics }

var _ host.Placer = (*fault)(nil)

// Place is [host.Placer]'s: the first one's.
func (f *fault) Place() string { return f.Diagnostics[0].Place.String() }

// Unwrap returns the diagnostics.
func (f *fault) Unwrap() error { return f.Diagnostics }

// wrong gives diagnostics the place of the first.
func wrong(err error) error {
	if all, ok := err.(host.Diagnostics); ok {
		return &fault{all}
	}
	return err
}

// twice finds a template that two shared files of one directory define.
func twice(sources []*source) *host.Diagnostic {
	first := make(map[[2]string]*source)
	for _, f := range sources {
		if !f.shared {
			continue
		}
		for _, name := range sorted(slices.Collect(maps.Keys(f.trees))) {
			if parse.IsEmptyTree(f.trees[name].Root) {
				continue
			}
			key := [2]string{path.Dir(f.name), name}
			if other := first[key]; other != nil {
				d := f.diagnose(0, fmt.Sprintf("it defines the template %q, and so does %s: both "+
					"are shared", name, other.path))
				return &d
			}
			first[key] = f
		}
	}
	return nil
}

// newPage makes the page of a file, or says what is wrong with it. A shared file is one too, so
// that it can be written alone.
func newPage(
	f *source, sources []*source, named map[string]*source, l *library,
) (*page, host.Diagnostics) {
	e := &escaping{trees: make(map[string]*parse.Tree), sources: named, page: f}
	nearest := ""
	add := func(s *source) {
		for name, tree := range s.trees {
			if e.trees[name] == nil || !parse.IsEmptyTree(tree.Root) {
				e.trees[name] = tree
			}
		}
	}
	for _, s := range byDepth(sources) {
		if f.sees(s) {
			add(s)
			if path.Base(s.name) == layout {
				nearest = s.name
			}
		}
	}
	add(f)
	if f.empty() && len(f.trees) > 1 && !f.shared {
		if nearest == "" {
			return nil, host.Diagnostics{f.diagnose(0, "it only defines templates, and there is "+
				"no "+layout+" for them to be shown in")}
		}
		e.page = named[nearest]
		e.page = &source{
			name: nearest, path: f.path, text: f.text, trees: e.page.trees, shared: true,
		}
	}
	trees, d := e.escape()
	if d != nil {
		return nil, host.Diagnostics{*d}
	}
	c := &compiler{
		trees: trees, sources: named, library: l,
		bodies: make(map[string]*body), made: make(map[string]*escaper),
	}
	p := &page{name: f.name, begins: syntax.MakePosition(&f.path, 1, 1)}
	p.body = c.compile(e.page.name)
	return p, c.found
}

// byDepth returns files in the order of how deep they are.
func byDepth(sources []*source) []*source {
	depth := func(s *source) int {
		n := 0
		for d := path.Dir(s.name); d != "."; d = path.Dir(d) {
			n++
		}
		return n
	}
	all := slices.Clone(sources)
	slices.SortStableFunc(all, func(a, b *source) int { return depth(a) - depth(b) })
	return all
}

var _ starlark.HasAttrs = (*set)(nil)

func (s *set) String() string { return "<templates " + starlark.String(s.dir).String() + ">" }

// Freeze freezes the functions that templates call.
func (s *set) Freeze() {
	for _, fn := range s.of {
		fn.Freeze()
	}
}

// names are those of all templates, in order.
func (s *set) names() []string { return sorted(slices.Collect(maps.Keys(s.pages))) }

// find returns a page, or says which one was meant.
func (s *set) find(name string) (*page, error) {
	if p := s.pages[name]; p != nil {
		return p, nil
	}
	names := s.names()
	message := fmt.Sprintf("there is no template %s in %s", starlark.String(host.Cut(name)), s.dir)
	near := spell.Nearest(name, names, 3)
	if s.pages[name+ext] != nil {
		near = name + ext
	}
	if near != "" {
		message += "; did you mean " + starlark.String(near).String() + "?"
	}
	return nil, environ.Errorf(environ.CodeWebUse, "", "%s", message)
}

// write returns what a page is with that data.
func (s *set) write(
	t *starlark.Thread, name string, env starlark.Value, data []starlark.Tuple,
) ([]byte, error) {
	p, err := s.find(name)
	if err != nil {
		return nil, err
	}
	d := starlark.NewDict(len(data))
	for _, kv := range data {
		if err := d.SetKey(kv[0], kv[1]); err != nil {
			return nil, err
		}
	}
	x := &run{Object: "template", thread: t, page: p, environ: env, dot: d}
	size := int(p.size.Load())
	x.out = make([]byte, 0, size+size/8+512)
	if _, err := starlark.Call(t, x, nil, nil); err != nil {
		return nil, err
	}
	p.size.Store(int64(len(x.out)))
	return x.out, nil
}
