package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A disk is a tree whose files change.
type disk struct{ files atomic.Pointer[fstest.MapFS] }

func (d *disk) Open(name string) (fs.File, error) { return d.files.Load().Open(name) }

// save replaces all files: pairs of a name and its content.
func (d *disk) save(pairs ...string) {
	files := make(fstest.MapFS)
	for i := 0; i < len(pairs); i += 2 {
		files[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	d.files.Store(&files)
}

// returning is a script whose app returns an expression.
func returning(expr string) string { return "def app(): return " + expr + "\n" }

func live(t *testing.T, d *disk) *runtime.Live {
	t.Helper()
	l, err := runtime.NewLive(&runtime.Config{FS: d}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func answer(t *testing.T, l *runtime.Live) string {
	t.Helper()
	v, err := result(l)
	if err != nil {
		t.Fatal(err)
	}
	return v.String()
}

// TestReload tells what a reload makes of each kind of change.
func TestReload(t *testing.T) {
	cases := []struct {
		name       string
		files      []string
		answer     string // after the reload
		err        string // that it must mention; "" for none
		generation uint64
		failures   uint64
	}{
		{"nothing changed", []string{"app.star", returning("1")}, "1", "", 1, 0},
		{"a new version", []string{"app.star", returning("2")}, "2", "", 2, 0},
		{"a file that is not part of it", []string{"app.star", returning("1"), "notes.txt", "x"}, "1", "", 1, 0},
		{"a module that is new", []string{"app.star", "load('x.star', 'x')\n" + returning("x"), "x.star", "x = 3"}, "3", "", 2, 0},
		{"a syntax error", []string{"app.star", "def app("}, "1", "app.star:1:9: ", 1, 1},
		{"an error at the top level", []string{"app.star", "x = 1 // 0\n"}, "1", "app.star:1:7: ", 1, 1},
		{"a module that is missing", []string{"app.star", "load('x.star', 'x')\n"}, "1", "there is no file x.star", 1, 1},
		{"no app", []string{"app.star", "x = 1\n"}, "1", "app", 1, 1},
		{"no file", nil, "1", "there is no file app.star", 1, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := new(disk)
			d.save("app.star", returning("1"))
			l := live(t, d)
			d.save(c.files...)
			for range 2 { // the second finds nothing new to try
				err := l.Reload()
				if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
					t.Errorf("Reload: %v, want %q", err, c.err)
				}
			}
			s := l.Status()
			if s.Generation != c.generation || s.Failures != c.failures || (s.Err == nil) != (c.err == "") {
				t.Errorf("status %+v, want generation %d, failures %d", s, c.generation, c.failures)
			}
			if got := answer(t, l); got != c.answer {
				t.Errorf("the app answers %s, want %s", got, c.answer)
			}
			d.save("app.star", returning("'fixed'"))
			if err := l.Reload(); err != nil || answer(t, l) != `"fixed"` || l.Status().Err != nil {
				t.Errorf("after the next save: %v, answer %s", err, answer(t, l))
			}
		})
	}
}

// TestScan shows that only what was scanned is loaded.
func TestScan(t *testing.T) {
	d := new(disk)
	d.save("app.star", returning("1"))
	l := live(t, d)
	d.save("app.star", returning("2"))
	seen := l.Scan()
	d.save("app.star", returning("3"))
	if err := seen.Load(); !errors.Is(err, runtime.ErrChanging) {
		t.Errorf("Load of what is no longer there: %v, want ErrChanging", err)
	}
	if got := answer(t, l); got != "1" || l.Status().Failures != 0 {
		t.Errorf("the app answers %s, status %+v; want the first version, no failure", got, l.Status())
	}
	seen = l.Scan()
	if seen.Loaded() {
		t.Error("a change is taken for what was loaded")
	}
	if err := seen.Load(); err != nil || answer(t, l) != "3" || !seen.Loaded() {
		t.Errorf("Load: %v, answer %s", err, answer(t, l))
	}
}

// TestScanRunsNothing shows that a scan makes no host module and runs no script.
func TestScanRunsNothing(t *testing.T) {
	d := new(disk)
	d.save("app.star", "load('@counter', 'n')\n"+returning("n"))
	made := 0
	counter := &host.Module{Name: "counter", Members: []host.Member{{Name: "n"}}, Open: func(*host.Load) (any, error) {
		made++
		return starlark.StringDict{"n": starlark.MakeInt(made)}, nil
	}}
	l, err := runtime.NewLive(&runtime.Config{FS: d, Modules: []*host.Module{counter}}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		l.Scan()
	}
	if got := answer(t, l); got != "1" || made != 1 {
		t.Errorf("the module was made %d times, want once for the generation", made)
	}
}

// TestModulePanic shows that a host module which panics is a failed attempt.
func TestModulePanic(t *testing.T) {
	d := new(disk)
	d.save("app.star", returning("1"))
	bad := &host.Module{Name: "bad", Members: []host.Member{{Name: "x"}}, Open: func(*host.Load) (any, error) { panic("out of order") }}
	l, err := runtime.NewLive(&runtime.Config{FS: d, Modules: []*host.Module{bad}}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	d.save("app.star", "load('@bad', 'x')\n"+returning("x"))
	if err := l.Reload(); !host.Panicked(err) || !strings.Contains(err.Error(), "out of order") {
		t.Errorf("Reload: %v, want the panic", err)
	}
	if got := answer(t, l); got != "1" {
		t.Errorf("the app answers %s, want 1", got)
	}
}

// TestReloadUnderCalls reloads from two goroutines while others call: no call fails, and each sees one version, whole.
func TestReloadUnderCalls(t *testing.T) {
	d := new(disk)
	version := func(n int) {
		d.save("app.star", fmt.Sprintf("load('x.star', 'x')\ndef app(): return (x, %d)\n", n), "x.star", fmt.Sprintf("x = %d\n", n))
	}
	version(0)
	l := live(t, d)
	done := make(chan struct{})
	var callers, loaders sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				v, err := result(l)
				if err != nil {
					t.Error(err)
					return
				}
				if pair := v.(starlark.Tuple); pair[0].String() != pair[1].String() {
					t.Errorf("a call saw the versions %v", pair)
					return
				}
			}
		})
	}
	for range 2 {
		loaders.Go(func() {
			for range 200 {
				if err := l.Reload(); err != nil && !errors.Is(err, runtime.ErrChanging) {
					t.Error(err)
				}
			}
		})
	}
	for n := range 400 {
		version(n)
		if n%8 == 0 {
			_ = l.Reload() // lets the others in between
		}
	}
	loaders.Wait()
	if err := l.Reload(); err != nil {
		t.Error(err)
	}
	close(done)
	callers.Wait()
	if got := answer(t, l); got != "(399, 399)" {
		t.Errorf("the last version is %s, want (399, 399)", got)
	}
}

func ExampleLive() {
	files := fstest.MapFS{"app.star": {Data: []byte(`app = lambda: "one"`)}}
	l, err := runtime.NewLive(&runtime.Config{FS: files}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	ask := func() {
		_ = l.Call(context.Background(), func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
			v, err := starlark.Call(t, app, nil, nil)
			fmt.Println(v)
			return err
		})
	}
	ask()
	files["app.star"].Data = []byte(`app = lambda: "two`)
	fmt.Println(l.Reload())
	ask()
	files["app.star"].Data = []byte(`app = lambda: "three"`)
	fmt.Println(l.Reload())
	ask()
	// Output:
	// "one"
	// app.star:1:15: unexpected EOF in string
	// "one"
	// <nil>
	// "three"
}

// BenchmarkLive reloads a program of twenty modules, 100 lines each, of which one has changed.
func BenchmarkLive(b *testing.B) {
	files := []string{"m0.star", "", "app.star", ""}
	for i := range 19 {
		var src strings.Builder
		for j := range 20 {
			fmt.Fprintf(&src, "def f%d(environ, x = None):\n  rows = []\n  for k, v in environ.items():\n    rows.append('%%s=%%s' %% (k, v))\n  return ', '.join(rows)\n", j)
		}
		name := fmt.Sprintf("m%d.star", i+1)
		files = append(files, name, src.String())
		files[3] += fmt.Sprintf("load('%s', f%d = 'f0')\n", name, i+1)
	}
	files[3] += "load('m0.star', 'x')\n" + returning("x")
	d := new(disk)
	save := func(n int) {
		files[1] = fmt.Sprintf("x = %d\n", n)
		d.save(files...)
	}
	save(0)
	l, err := runtime.NewLive(&runtime.Config{FS: d}, "app.star")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		save(n)
		if err := l.Reload(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestContent has what stands for the files that a generation was loaded from: the same for the same
// content, wherever it is, and that of the last good one while what is there does not load.
func TestContent(t *testing.T) {
	one, two := new(disk), new(disk)
	lib := []string{"lib.star", "X = 1\n"}
	for _, d := range []*disk{one, two} {
		d.save(append(lib, "app.star", "load('lib.star', 'X')\n"+returning("X"))...)
	}
	a, b := live(t, one), live(t, two)
	before := a.Status().Content
	if before == "" || b.Status().Content != before {
		t.Errorf("the same files are %q and %q", before, b.Status().Content)
	}
	two.save("lib.star", "X = 2\n", "app.star", "load('lib.star', 'X')\n"+returning("X"))
	if err := b.Reload(); err != nil || b.Status().Content == before {
		t.Errorf("another file of the program makes no difference: %v", err)
	}
	two.save("app.star", "def\n")
	after := b.Status().Content
	if err := b.Reload(); err == nil || b.Status().Content != after {
		t.Errorf("what does not load has taken its place: %v", err)
	}
}
