package watch_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	goruntime "runtime"
	"sync"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/watch"
	"go.starlark.net/starlark"
)

// deploy is a directory with a program that is watched.
type deploy struct {
	t       *testing.T
	dir     string // the tree as it was given, maybe a symlink
	live    *runtime.Live
	changed chan error
}

func start(t *testing.T, dir string) *deploy {
	t.Helper()
	live, err := runtime.NewLive(&runtime.Config{FS: runtime.Dir(dir)}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	d := &deploy{t, dir, live, make(chan error, 100)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		watch.Run(ctx, slog.New(slog.NewTextHandler(io.Discard, nil)), watch.Target{Live: live, Dir: dir, Changed: func(err error) { d.changed <- err }})
	}()
	t.Cleanup(func() { cancel(); <-done })
	return d
}

// want waits for the next attempt to load, and says what app() must return after it.
func (d *deploy) want(answer string, ok bool) {
	d.t.Helper()
	select {
	case err := <-d.changed:
		if (err == nil) != ok {
			d.t.Fatalf("the attempt to load gave %v, want success %v", err, ok)
		}
	case <-time.After(10 * time.Second):
		d.t.Fatal("no attempt to load")
	}
	if got := d.answer(); got != answer {
		d.t.Errorf("the program answers %s, want %s", got, answer)
	}
}

func (d *deploy) answer() string {
	d.t.Helper()
	var got string
	err := d.live.Call(context.Background(), func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
		v, err := starlark.Call(t, app, starlark.Tuple{starlark.None, starlark.None}, nil)
		got, _ = starlark.AsString(v)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return got
}

func app(answer string) string {
	return "def app(environ, start_response):\n    return \"" + answer + "\"\n"
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

// TestChanges makes each kind of change that editors and deployments make.
func TestChanges(t *testing.T) {
	t.Run("a file is written", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir+"/app.star", app("one"))
		d := start(t, dir)
		write(t, dir+"/app.star", app("two"))
		d.want("two", true)
		write(t, dir+"/app.star", app("six"))
		d.want("six", true)
	})
	t.Run("an editor renames a new file over the old one", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir+"/app.star", app("one"))
		d := start(t, dir)
		for _, answer := range []string{"two", "three"} {
			rename(t, dir+"/app.star", dir+"/app.star~")
			write(t, dir+"/.app.star.swp", app(answer))
			rename(t, dir+"/.app.star.swp", dir+"/app.star")
			d.want(answer, true)
		}
	})
	t.Run("a broken file leaves the last good version serving", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir+"/app.star", app("one"))
		d := start(t, dir)
		write(t, dir+"/app.star", "def app(:")
		d.want("one", false)
		write(t, dir+"/app.star", app("two"))
		d.want("two", true)
	})
	t.Run("a module that was deleted comes back", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir+"/lib/deep/x.star", `x = "one"`)
		write(t, dir+"/app.star", "load(\"lib/deep/x.star\", \"x\")\ndef app(e, s): return x\n")
		d := start(t, dir)
		if err := os.RemoveAll(dir + "/lib"); err != nil {
			t.Fatal(err)
		}
		d.want("one", false)
		write(t, dir+"/lib/deep/x.star", `x = "two"`)
		d.want("two", true)
	})
	t.Run("a module is loaded before it exists", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir+"/app.star", app("one"))
		d := start(t, dir)
		write(t, dir+"/app.star", "load(\"new/x.star\", \"x\")\ndef app(e, s): return x\n")
		d.want("one", false)
		write(t, dir+"/new/x.star", `x = "two"`)
		d.want("two", true)
	})
	t.Run("a release is swapped by a symlink", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir+"/r1/app.star", app("one"))
		write(t, dir+"/r2/app.star", app("two"))
		symlink(t, "r1", dir+"/current")
		d := start(t, dir+"/current")
		symlink(t, "r2", dir+"/next")
		rename(t, dir+"/next", dir+"/current")
		d.want("two", true)
		write(t, dir+"/r2/app.star", app("three"))
		d.want("three", true)
	})
	t.Run("a release with the same scripts is a new generation", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir+"/r1/app.star", app("one"))
		write(t, dir+"/r2/app.star", app("one"))
		symlink(t, "r1", dir+"/current")
		d := start(t, dir+"/current")
		symlink(t, "r2", dir+"/next")
		rename(t, dir+"/next", dir+"/current")
		d.want("one", true)
	})
	t.Run("Kubernetes swaps ..data", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir+"/..1/app.star", app("one"))
		symlink(t, "..1", dir+"/..data")
		symlink(t, "..data/app.star", dir+"/app.star")
		d := start(t, dir)
		for i, answer := range []string{"two", "three"} {
			version := "..v" + string(rune('a'+i))
			write(t, dir+"/"+version+"/app.star", app(answer))
			symlink(t, version, dir+"/..data_tmp")
			rename(t, dir+"/..data_tmp", dir+"/..data")
			d.want(answer, true)
		}
	})
}

// TestSameContent shows that a touched file is no new generation.
func TestSameContent(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/app.star", app("one"))
	d := start(t, dir)
	write(t, dir+"/app.star", app("one"))
	write(t, dir+"/app.star", app("two"))
	d.want("two", true)
	if got := d.live.Status().Generation; got != 2 {
		t.Errorf("generation %d, want 2", got)
	}
}

// TestSlowWriter shows that a file which is open for writing is not taken for whole, however long its writer
// pauses, even if the half is a script.
func TestSlowWriter(t *testing.T) {
	if goruntime.GOOS != "linux" {
		t.Skip("the system does not tell who has a file open")
	}
	dir := t.TempDir()
	write(t, dir+"/app.star", app("one"))
	d := start(t, dir)
	f, err := os.Create(dir + "/app.star")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(app("half")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-d.changed:
		t.Error("half a file was loaded")
	case <-time.After(8 * watch.Settle): // that nothing happens can only be waited for
	}
	if _, err := f.WriteString("answer = \"whole\"\ndef application(e, s): return answer\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	d.want("half", true) // of the whole file, the first function
}

// TestBusyNeighbour shows that a file nearby that changes all the time does not put off a change.
func TestBusyNeighbour(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/app.star", app("one"))
	d := start(t, dir)
	ctx, stop := context.WithCancel(t.Context())
	var neighbour sync.WaitGroup
	neighbour.Go(func() {
		for ctx.Err() == nil {
			_ = os.WriteFile(dir+"/log", []byte(time.Now().String()), 0o644)
			time.Sleep(time.Millisecond)
		}
	})
	began := time.Now()
	write(t, dir+"/app.star", app("two"))
	d.want("two", true)
	if took := time.Since(began); took > watch.Poll/2 {
		t.Errorf("the change was loaded after %v", took)
	}
	stop()
	neighbour.Wait()
}

// TestTwoPrograms watches two programs in one directory with one watcher; a change of one leaves the other alone.
func TestTwoPrograms(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/lib.star", `x = "one"`)
	load := "load(\"lib.star\", \"x\")\ndef app(e, s): return x\n"
	write(t, dir+"/a.star", load)
	write(t, dir+"/b.star", load+"# b\n")
	changed := make(chan string, 10)
	var targets []watch.Target
	for _, name := range []string{"a.star", "b.star"} {
		live, err := runtime.NewLive(&runtime.Config{FS: runtime.Dir(dir)}, name)
		if err != nil {
			t.Fatal(err)
		}
		targets = append(targets, watch.Target{Live: live, Dir: dir, Changed: func(error) { changed <- name }})
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		watch.Run(ctx, slog.New(slog.DiscardHandler), targets...)
	}()
	next := func() string {
		select {
		case name := <-changed:
			return name
		case <-time.After(10 * time.Second):
			t.Fatal("no attempt to load")
			return ""
		}
	}
	write(t, dir+"/b.star", load)
	if got := next(); got != "b.star" {
		t.Errorf("%s was loaded, want b.star", got)
	}
	write(t, dir+"/lib.star", `x = "two"`)
	if got := map[string]bool{next(): true, next(): true}; len(got) != 2 {
		t.Errorf("only %v was loaded after their module changed", got)
	}
	for i, want := range []uint64{2, 3} {
		if got := targets[i].Live.Status().Generation; got != want {
			t.Errorf("program %d is at generation %d, want %d", i, got, want)
		}
	}
	cancel()
	<-done
}
