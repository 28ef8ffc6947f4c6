// Package cover counts how often each statement of a program runs.
//
// # The model
//
// A [Profile] is attached to a runtime.Config before anything is loaded. Each file that is
// compiled is then changed, in its syntax tree: before every statement stands a call that counts
// it. Positions stay what they were, so errors and backtraces do too; only steps are more. Without
// a Profile nothing of this exists, and nothing is paid for it.
//
// (The interpreter's step hook would see lines too, but only those whose instructions have a
// position of their own: x = 1 has none, nor has a bare return. A statement is the unit in which a
// program runs, so it is what is counted.)
package cover

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// name is how the changed tree calls the counter. No script can write it.
const name = "@cover"

// A Profile counts the statements of any number of files. The zero value is empty and works. It is
// safe for concurrent use, and must not be copied after its first use.
type Profile struct {
	mu     sync.Mutex
	files  map[string]*file
	counts []uint64 // of all statements of all files
}

// A file is one that was compiled, as it was when it was compiled last.
type file struct {
	source []byte
	first  int // index in counts of its first statement
	stmts  []span
}

// A span is where a statement stands: all of it if it is simple, its head if others stand in it.
type span struct{ from, to int }

// A File is what is known of one file.
type File struct {
	Name       string // path in the program's tree
	Statements int
	Ran        int // statements that ran at least once
	Lines      []Line
}

// A Line is a line of source.
type Line struct {
	Number int // from 1
	Text   string
	// Statements stand on the line, at least in part, and Ran of them ran at least once, one of
	// them Count times.
	Statements, Ran int
	Count           uint64
}

// Percent is how much of the file ran. A file without statements ran whole.
func (f *File) Percent() float64 { return percent(f.Ran, f.Statements) }

// Percent is how much of all files ran.
func Percent(files []File) float64 {
	ran, all := 0, 0
	for _, f := range files {
		ran, all = ran+f.Ran, all+f.Statements
	}
	return percent(ran, all)
}

func percent(ran, all int) float64 {
	if all == 0 {
		return 100
	}
	return 100 * float64(ran) / float64(all)
}

// Attach has the statements of the programs counted that are loaded with c. A nil Profile counts
// nothing.
func (p *Profile) Attach(c *runtime.Config) {
	if p == nil {
		return
	}
	names := starlark.StringDict{name: starlark.NewBuiltin(name, p.count)}
	maps.Copy(names, c.Predeclared)
	c.Predeclared = names
	c.Rewrite = append(slices.Clip(c.Rewrite), p.rewrite)
}

// count is the function that the changed tree calls, with the index of a statement.
func (p *Profile) count(
	_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple,
) (starlark.Value, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("cover: %d arguments", len(args))
	}
	i, err := starlark.AsInt32(args[0])
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.counts[i]++
	p.mu.Unlock()
	return starlark.None, nil
}

// rewrite changes the tree of a file so that it counts. A file with the content that it had before
// goes on counting where it was.
func (p *Profile) rewrite(tree *syntax.File, source []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.files[tree.Path]
	if f == nil || !bytes.Equal(f.source, source) {
		f = &file{source: bytes.Clone(source), first: len(p.counts)}
		if p.files == nil {
			p.files = make(map[string]*file)
		}
		p.files[tree.Path] = f
	}
	i := instrumenter{first: f.first}
	tree.Stmts = i.block(tree.Stmts)
	f.stmts = i.stmts
	if end := f.first + len(f.stmts); end > len(p.counts) {
		p.counts = append(p.counts, make([]uint64, end-len(p.counts))...)
	}
}

// Add has a file counted that nothing may load: what does not run is to be seen too. What does
// not parse is left out.
func (p *Profile) Add(name string, source []byte) {
	p.mu.Lock()
	known := p.files[name] != nil
	p.mu.Unlock()
	if known {
		return
	}
	source = host.Unmarked(source)
	if tree, err := runtime.Dialect().Parse(name, source, 0); err == nil {
		p.rewrite(tree, source)
	}
}

// Files returns what ran, by name, of the files that want accepts.
func (p *Profile) Files(want func(name string) bool) []File {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []File
	for name, f := range p.files {
		if want(name) {
			all = append(all, f.report(name, p.counts[f.first:f.first+len(f.stmts)]))
		}
	}
	slices.SortFunc(all, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (f *file) report(name string, counts []uint64) File {
	r := File{Name: name, Statements: len(f.stmts)}
	for i, text := range strings.Split(strings.TrimSuffix(string(f.source), "\n"), "\n") {
		r.Lines = append(r.Lines, Line{Number: i + 1, Text: text})
	}
	for i, s := range f.stmts {
		if counts[i] > 0 {
			r.Ran++
		}
		for n := s.from; n <= s.to && n <= len(r.Lines); n++ {
			l := &r.Lines[n-1]
			l.Statements++
			l.Count = max(l.Count, counts[i])
			if counts[i] > 0 {
				l.Ran++
			}
		}
	}
	return r
}
