// Package suite runs tests that are written in Starlark: the functions test_* of files *_test.star.
// It knows no HTTP: what a test can do beyond the language is what the modules of its
// [runtime.Config] give it.
//
// # The model
//
// A test is a function without arguments. It passes if it returns, and fails if it fails: by
// fail(), by an assert of a module, by an error in the script, or by a limit. Each runs on a fresh
// thread, with limits of its own, in the order of the file; nothing of one can be seen by the next:
// the file's globals are frozen, and it is loaded again for each test, so that what its modules keep
// (a database, a count of requests) begins anew.
//
// An error can say more than its message. One that has a method Detail() string has lines that are
// shown below it, among them perhaps the backtrace of a program that the test called. One that has
// a method Skipped() bool that says true is no failure: the test was not meant to run here.
package suite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/tee"
	"go.starlark.net/starlark"
)

// Suffix is how the name of a file of tests ends.
const Suffix = "_test.star"

// prefix is how the name of a test begins.
const prefix = "test_"

// A Suite is how tests are run. Only Config.FS is required. It must not be changed while it runs.
type Suite struct {
	// Config is what each file is loaded with. What comes to its logger in the context of a test
	// becomes the Output of the test, if the logger's handler is a [tee.Handler].
	Config runtime.Config
	// Match, if not nil, picks the tests whose names it matches.
	Match *regexp.Regexp
	// Path, if not nil, is how a person names a file of the tree, where results are written.
	Path func(file string) string
	// Begin, if not nil, is called before the file is loaded for a test. Its error fails the test.
	Begin func() error
	// End, if not nil, is called when the tests of a Run have ended.
	End func() error
	// Prepare, if not nil, readies the thread of a test, whose file is the program. What it
	// returns, if not nil, is called when the test has ended; its error fails a test that passed.
	Prepare func(t *starlark.Thread, p *runtime.Program) (done func() error)
}

// A Result is what became of a test, or of a file that does not load, which has no Name.
type Result struct {
	File    string // path in the tree
	Name    string
	Line    int // of the function
	Time    time.Duration
	Err     error    // why it failed or was skipped
	Skipped bool     // Err says why
	Output  []string // what was printed and logged meanwhile, a line each
}

// Failed reports whether the test failed.
func (r *Result) Failed() bool { return r.Err != nil && !r.Skipped }

// Find returns the files of tests in the directory of the tree, and those below it, by name.
// Directories whose names begin with a dot, and node_modules, are not looked into.
func Find(tree fs.FS, dir string) ([]string, error) {
	return find(tree, dir, func(name string) bool { return strings.HasSuffix(name, Suffix) })
}

// Scripts returns all scripts below the root of the tree that are no tests, by name.
func Scripts(tree fs.FS) ([]string, error) {
	return find(tree, ".", func(name string) bool {
		return strings.HasSuffix(name, ".star") && !strings.HasSuffix(name, Suffix)
	})
}

func find(tree fs.FS, dir string, want func(string) bool) ([]string, error) {
	var found []string
	err := fs.WalkDir(tree, dir, func(name string, d fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != dir && (base[0] == '.' || base == "node_modules"):
			return fs.SkipDir
		case d.Type().IsRegular() && want(name):
			found = append(found, name)
		}
		return nil
	})
	return found, err
}

// Run runs the tests of the files, one after the other, and gives each result to each as it comes.
// It returns early, with the error, only if ctx ends. The only other error is that of End.
func (s *Suite) Run(ctx context.Context, files []string, each func(*Result)) error {
	if ctx == nil {
		return errors.New("suite: Run: nil context.Context: context.Background() never ends")
	}
	err := ctx.Err()
	for i := 0; i < len(files) && err == nil; i++ {
		err = s.runFile(ctx, files[i], each)
	}
	if s.End != nil {
		err = errors.Join(err, s.End())
	}
	return err
}

func (s *Suite) runFile(ctx context.Context, name string, each func(*Result)) error {
	began := time.Now()
	again := new(atomic.Bool)
	config := s.Config
	config.Logger = hushed(config.Logger, again)
	p, err := s.load(&config, name)
	if err != nil {
		each(&Result{File: name, Time: time.Since(began), Err: err})
		return ctx.Err()
	}
	for _, fn := range tests(p) {
		if s.Match != nil && !s.Match.MatchString(fn.Name()) {
			continue
		}
		if err = ctx.Err(); err != nil {
			break
		}
		r := &Result{File: name, Name: fn.Name(), Line: int(fn.Position().Line)}
		out, began := new(output), time.Now()
		if p == nil {
			again.Store(true)
			p, r.Err = s.load(&config, name)
			again.Store(false)
		}
		if r.Err == nil {
			r.Err = s.runTest(tee.With(ctx, out.record), p, fn.Name())
			p.Close()
			p = nil
		}
		r.Time, r.Output = time.Since(began), out.taken()
		var skipped interface{ Skipped() bool }
		r.Skipped = errors.As(r.Err, &skipped) && skipped.Skipped()
		each(r)
	}
	if p != nil {
		p.Close() // none of its tests was wanted
	}
	return err
}

// load loads a file of tests for one of them.
func (s *Suite) load(c *runtime.Config, name string) (*runtime.Program, error) {
	if s.Begin != nil {
		if err := s.Begin(); err != nil {
			return nil, err
		}
	}
	return runtime.LoadFile(c, name)
}

func (s *Suite) runTest(ctx context.Context, p *runtime.Program, name string) error {
	fn, ok := p.Globals()[name].(*starlark.Function)
	if !ok {
		return fmt.Errorf("the file has changed: it has no %s any more", name)
	}
	if fn.NumParams() > 0 {
		return fmt.Errorf("%s takes arguments, a test takes none: write def %s()", name, name)
	}
	return p.Call(ctx, func(ctx context.Context, t *starlark.Thread, _ starlark.Callable) (err error) {
		if s.Prepare != nil {
			if done := s.Prepare(t, p); done != nil {
				defer func() {
					if e := done(); err == nil {
						err = e
					}
				}()
			}
		}
		_, err = starlark.Call(t, fn, nil, nil)
		return err
	})
}

// tests returns the tests of a file, in its order.
func tests(p *runtime.Program) []*starlark.Function {
	var all []*starlark.Function
	for name, v := range p.Globals() {
		if fn, ok := v.(*starlark.Function); ok && strings.HasPrefix(name, prefix) {
			all = append(all, fn)
		}
	}
	slices.SortFunc(all, func(a, b *starlark.Function) int {
		return cmp.Compare(a.Position().Line, b.Position().Line)
	})
	return all
}
