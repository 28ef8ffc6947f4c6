package files_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/files"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// values returns what a program of the grant loads.
func values(t testing.TB, g *files.Grant) starlark.StringDict {
	t.Helper()
	v, err := files.Module().Values(&host.Load{Grant: g})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// in returns a function that evaluates an expression, or statements that end in one, in which d is a
// directory that may be written to and lies at the path.
func in(t testing.TB, dir string, limits files.Limits) func(source string) (string, error) {
	t.Helper()
	g := &files.Grant{Dirs: map[string]files.Dir{"d": {Path: dir, Write: true, Limits: limits}}}
	vars := values(t, g)
	return func(source string) (string, error) { return evaluate(vars, source) }
}

func evaluate(vars starlark.StringDict, source string) (string, error) {
	env := starlark.StringDict{}
	for name, v := range vars {
		env[name] = v
	}
	thread := &starlark.Thread{Name: "test"}
	options := &syntax.FileOptions{TopLevelControl: true, GlobalReassign: true}
	lines := strings.Split("d = directory(\"d\")\n"+source, "\n")
	last := len(lines) - 1
	f, err := options.Parse("test", strings.Join(lines[:last], "\n"), 0)
	if err == nil {
		err = starlark.ExecREPLChunk(f, thread, env)
	}
	if err != nil {
		return "", err
	}
	v, err := starlark.EvalOptions(options, thread, "test", lines[last], env)
	if err != nil {
		return "", err
	}
	return v.String(), nil
}

// TestMethods compares what the methods return, one after the other in one directory.
func TestMethods(t *testing.T) {
	dir := t.TempDir()
	eval := in(t, dir, files.Limits{})
	if err := os.WriteFile(filepath.Join(dir, "bad.txt"), []byte("a\xffb"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ source, want string }{
		{`d`, `<directory "d">`},
		{`d.name`, `"d"`},
		{`d.write("a.txt", "one\ntwo\n")`, `8`},
		{`d.read("a.txt")`, `"one\ntwo\n"`},
		{`d.read_bytes("a.txt")`, `b"one\ntwo\n"`},
		{`list(d.read("bad.txt").elem_ords())`, `[97, 255, 98]`},
		{`[b for b in d.blocks("a.txt", 3)]`, `[b"one", b"\ntw", b"o\n"]`},
		{"x = d.blocks(\"a.txt\")\nx.close()\nx", `<blocks>`},
		{`list(d.open("a.txt"))`, `[b"one\n", b"two\n"]`},
		{`d.open("a.txt").size`, `8`},
		{`d.stat("a.txt").modified.year > 2000`, `True`},
		{`(d.stat("a.txt").name, d.stat("a.txt").path, d.stat("a.txt").is_dir)`, `("a.txt", "a.txt", False)`},
		{`d.stat("nowhere/a.txt")`, `None`},
		{`d.stat("a.txt/b")`, `None`},
		{`d.exists(".")`, `True`},
		{`d.write("a.txt", b"\x00\xff")`, `2`},
		{`d.write("sub/b.txt", ["x", b"y", "", "z"], parents = True)`, `3`},
		{`d.write("c.txt", d.open("sub/b.txt"))`, `3`},
		{"f = d.open(\"sub/b.txt\")\nf.read(1)\nd.write(\"c.txt\", f)", `2`},
		{`d.write("c.txt", d.blocks("sub/b.txt"))`, `3`},
		{`d.write("empty", [])`, `0`},
		{`d.append("log", "1\n")`, `2`},
		{`d.append("log", ["2", "\n"])`, `2`},
		{`d.append("new/log", "", parents = True)`, `0`},
		{`d.read("log")`, `"1\n2\n"`},
		{`d.write("log", "new", exist_ok = False)`, `exists: write: "log" of the directory "d" is there already`},
		{`d.write("log2", "new", exist_ok = False)`, `3`},
		{`[e.path for e in d.list()]`, `["a.txt", "bad.txt", "c.txt", "empty", "log", "log2", "new", "sub"]`},
		{`[e.path for e in d.list("sub")]`, `["sub/b.txt"]`},
		{`[(e.path, e.size, e.is_dir) for e in d.list(recursive = True) if "/" in e.path]`,
			`[("new/log", 0, False), ("sub/b.txt", 3, False)]`},
		{`d.list("none")`, `not_found: list: "none" of the directory "d" is not there`},
		{`d.list("log")`, `not_directory: list: "log"`},
		{`d.read("sub")`, `is_directory: read: "sub" of the directory "d" is a directory`},
		{`d.write("sub", "")`, `is_directory: write: "sub"`},
		{`d.append("sub", "")`, `is_directory: append: "sub"`},
		{`d.write("none/a", "")`, `not_found: write: "none/a"`},
		{`d.write("log/a", "", parents = True)`, `not_directory: write: "log/a"`},
		{`d.read("none")`, `not_found: read: "none"`},
		{`d.blocks("none")`, `not_found: blocks: "none"`},
		{`d.open("none")`, `not_found: open: "none"`},
		{`d.read("log", max_size = 3)`, `size: read: "log" of the directory "d" has more than 3 bytes`},
		{`d.read("log", max_size = -1)`, `size: read: max_size`},
		{`d.blocks("log", 0)`, `size: blocks: size`},
		{`d.write("x", 1)`, `error: write: content is int, neither`},
		{`d.write("x", {"a": 1})`, `error: write: content is dict, neither`},
		{`d.write("x", ["a", 1])`, `error: write: a block of content is int`},
		{`d.exists("x")`, `False`},
		{`d.remove("sub")`, `not_empty: remove: "sub"`},
		{`d.remove("sub/b.txt")`, `None`},
		{`d.remove("sub")`, `None`},
		{`d.remove("sub")`, `not_found: remove: "sub"`},
		{`d.remove("sub", missing_ok = True)`, `None`},
		{`d.make("m/n")`, `not_found: make: "m/n"`},
		{`d.make("m/n", parents = True)`, `None`},
		{`d.make("m/n")`, `exists: make: "m/n"`},
		{`d.make("m/n", exist_ok = True)`, `None`},
		{`d.make("log", exist_ok = True)`, `exists: make: "log"`},
		{`d.make("c.txt/x", parents = True)`, `not_directory: make: "c.txt/x"`},
		{`d.make("c.txt/x/y", parents = True)`, `not_directory: make: "c.txt/x/y"`},
		{`d.make(".", exist_ok = True)`, `None`},
		{`d.rename("log", "m/log")`, `None`},
		{`d.rename("a.txt", "m/log")`, `None`},
		{`d.read("m/log")`, `"\x00\xff"`},
		{`d.rename("m/log", "m")`, `exists: rename`},
		{`d.rename("none", "x")`, `not_found: rename: "none"`},
		{`d.rename("m", "moved")`, `None`},
		{`d.read_bytes("moved/log")`, `b"\x00\xff"`},
		{`d.write(".hidden", "x")`, `1`},
		{`d.read(".hidden")`, `"x"`},
		{`d.nothing`, `error: directory has no .nothing`},
	} {
		got, err := eval(c.source)
		if err != nil {
			got = host.KindOf(err) + ": " + err.Error()
			if !strings.HasPrefix(got, c.want) {
				t.Errorf("%s: %s, want %s", c.source, got, c.want)
			}
		} else if got != c.want {
			t.Errorf("%s: %s, want %s", c.source, got, c.want)
		}
	}
	left(t, dir)
}

// left verifies that nothing is left that was being written.
func left(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if strings.HasPrefix(filepath.Base(path), ".larkspur") {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestGrants asks for directories that are granted, and others.
func TestGrants(t *testing.T) {
	read, below := t.TempDir(), filepath.Join(t.TempDir(), "made", "late")
	if err := os.WriteFile(filepath.Join(read, "a.txt"), []byte("a"), 0o666); err != nil {
		t.Fatal(err)
	}
	g := &files.Grant{
		Dirs:   map[string]files.Dir{"d": {Path: read}, "gone": {Path: filepath.Join(read, "gone")}},
		Below:  below,
		Advice: func(name string) string { return "write --grant files:" + name + "=DIR:rw" },
	}
	vars := values(t, g)
	if got, err := evaluate(vars, `directory("other").list()`); got != "[]" {
		t.Error(got, err)
	}
	if _, err := os.Stat(below); err == nil {
		t.Error("the directory was made before anything was written to it")
	}
	bare := values(t, &files.Grant{Dirs: g.Dirs})
	for _, c := range []struct {
		vars         starlark.StringDict
		source, want string
	}{
		{vars, `d.read("a.txt")`, `"a"`},
		{vars, `directory("other").list()`, `[]`},
		{vars, `directory("other").write("a.txt", "b")`, `1`},
		{vars, `d.write("a.txt", "b")`, `read_only: write: the directory "d" is granted to be read only; write --grant files:d=DIR:rw`},
		{vars, `d.append("a.txt", "b")`, `read_only: append`},
		{vars, `d.remove("a.txt")`, `read_only: remove`},
		{vars, `d.make("m")`, `read_only: make`},
		{vars, `d.rename("a.txt", "b")`, `read_only: rename`},
		{vars, `directory("gone").list()`, `not_found: list`},
		{vars, `directory("")`, `name: directory: "" is not the name`},
		{vars, `directory("..")`, `name: directory`},
		{vars, `directory("a/b")`, `name: directory`},
		{vars, `directory("A")`, `name: directory`},
		{vars, `directory("é")`, `name: directory`},
		{vars, `directory("a" * 65)`, `name: directory`},
		{bare, `directory("other")`, `not_granted: directory: no directory "other" is granted; grant files:other=DIR:rw`},
	} {
		got, err := evaluate(c.vars, c.source)
		if err != nil {
			got = host.KindOf(err) + ": " + err.Error()
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", c.source, got, c.want)
		}
	}
	info, err := os.Stat(below)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("below: %v, %v; want one for its owner only", info, err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := evaluate(vars, `d.read("a.txt")`); err == nil {
		t.Error("a grant that was closed can be used")
	}
}

// TestTemporary verifies that the directories go with the grant, and are made for who needs them.
func TestTemporary(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	count := func() int {
		entries, err := os.ReadDir(temp)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	g := files.Temporary()
	vars := values(t, g)
	for _, c := range [][2]string{
		{`d`, `<directory "d">`}, {`d.list()`, `[]`}, {`d.list(recursive = True)`, `[]`}, {`d.exists("a")`, `False`},
		{`d.stat(".")`, `None`},
	} {
		if got, err := evaluate(vars, c[0]); got != c[1] || count() != 0 {
			t.Errorf("%s: %s, %v, and %d directories", c[0], got, err, count())
		}
	}
	if _, err := evaluate(vars, `d.read("a")`); host.KindOf(err) != "not_found" {
		t.Errorf("got %v, want not_found", err)
	}
	if got, err := evaluate(vars, "d.write(\"a\", \"b\")\nd.read(\"a\")"); got != `"b"` || count() != 1 {
		t.Errorf("%s, %v, and %d directories", got, err, count())
	}
	if err := errors.Join(g.Close(), g.Close()); err != nil || count() != 0 {
		t.Errorf("%v, and %d directories are left", err, count())
	}
}

// TestTrial verifies that tests begin with nothing, and reach nothing of users.
func TestTrial(t *testing.T) {
	users := t.TempDir()
	if err := os.WriteFile(filepath.Join(users, "a.txt"), []byte("a"), 0o666); err != nil {
		t.Fatal(err)
	}
	g := &files.Grant{Dirs: map[string]files.Dir{"d": {Path: users}}, Below: users}
	trial, err := g.Trial(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := trial.Begin(); err != nil {
			t.Fatal(err)
		}
		vars := values(t, trial.Grant.(*files.Grant))
		for _, c := range [][2]string{
			{`d.list()`, `[]`}, {`d.write("a.txt", "test")`, `4`}, {`d.read("a.txt")`, `"test"`},
			{`directory("other").make("x")`, `None`},
		} {
			if got, err := evaluate(vars, c[0]); got != c[1] {
				t.Errorf("%s: %s, %v, want %s", c[0], got, err, c[1])
			}
		}
	}
	if text, err := os.ReadFile(filepath.Join(users, "a.txt")); string(text) != "a" {
		t.Errorf("the users' file is %q, %v", text, err)
	}
}

// TestWriters writes a file from many at once while others read it: each sees one whole version.
func TestWriters(t *testing.T) {
	dir := t.TempDir()
	eval := in(t, dir, files.Limits{Bytes: 64 << 20, Files: 64})
	const size = 300_000 // more than one piece
	if _, err := eval(`d.write("a", "x" * 300000)`); err != nil {
		t.Fatal(err)
	}
	var writers, readers sync.WaitGroup
	over := make(chan struct{})
	for i := range 8 {
		letter := string(rune('a' + i))
		writers.Go(func() {
			for range 10 {
				if _, err := eval(`d.write("a", ["` + letter + `" * 1000] * 300)`); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 4 {
		readers.Go(func() {
			for {
				text, err := os.ReadFile(filepath.Join(dir, "a"))
				if err != nil || len(text) != size || strings.Trim(string(text), string(text[:1])) != "" {
					t.Errorf("%d bytes of several versions, %v", len(text), err)
				}
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}
	// Of those that must not replace it one succeeds.
	var made int
	var mu sync.Mutex
	for range 8 {
		writers.Go(func() {
			if _, err := eval(`d.write("once", "x", exist_ok = False)`); err == nil {
				mu.Lock()
				made++
				mu.Unlock()
			} else if host.KindOf(err) != "exists" {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	close(over)
	readers.Wait()
	if made != 1 {
		t.Errorf("%d have made the file", made)
	}
	left(t, dir)
	// The usage is that of what is there: so much room is left, and no more.
	if _, err := eval(`d.write("b", "x" * ((64 << 20) - 300001))`); err != nil {
		t.Error(err)
	}
	if _, err := eval(`d.append("b", "x")`); host.KindOf(err) != "quota" {
		t.Errorf("got %v, want quota", err)
	}
}

// TestLimits verifies what the limits of a grant refuse, and that nothing of it stays.
func TestLimits(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "old"), []byte("12345"), 0o666); err != nil {
		t.Fatal(err)
	}
	eval := in(t, dir, files.Limits{File: 10, Bytes: 25, Files: 3})
	for _, c := range []struct{ source, want string }{
		{`d.write("a", "x" * 11)`, "size 413"},
		{`d.write("a", ["x" * 6, "y" * 5])`, "size 413"},
		{`d.exists("a")`, `False`},
		{`d.write("a", "x" * 10)`, `10`},
		{`d.append("a", "x")`, "size 413"},
		{`d.write("b", "x" * 10)`, `10`},
		{`d.write("old", "123456")`, "quota 507"}, // both stand there for a moment
		{`d.write("c", "")`, "quota 507"},
		{`d.remove("b")`, `None`},
		{`d.write("old", "123456")`, `6`},
		{`d.rename("a", "old")`, `None`},
		{`d.write("b", "x" * 10)`, `10`},
		{`d.write("c", "12345")`, `5`},
		{`d.append("c", "1")`, "quota 507"},
		{`d.append("e", "")`, "quota 507"},
		{`d.read("old")`, `"xxxxxxxxxx"`},
	} {
		got, err := eval(c.source)
		if err != nil {
			got = fmt.Sprint(host.KindOf(err), " ", host.StatusOf(err))
		}
		if got != c.want {
			t.Errorf("%s: %s, %v, want %s", c.source, got, err, c.want)
		}
	}
	left(t, dir)
}

// TestList verifies the bound of a list.
func TestList(t *testing.T) {
	dir := t.TempDir()
	eval := in(t, dir, files.Limits{})
	for i := range 100 {
		sub := filepath.Join(dir, "sub", string(rune('a'+i/26))+string(rune('a'+i%26)))
		if err := os.MkdirAll(sub, 0o777); err != nil {
			t.Fatal(err)
		}
		for j := range 98 {
			name := filepath.Join(sub, strings.Repeat("x", j+1))
			if err := os.WriteFile(name, nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	// 100 directories, 9,800 files and sub.
	if got, err := eval(`len(d.list(recursive = True))`); got != "9901" {
		t.Errorf("got %s, %v", got, err)
	}
	for i := range 100 {
		if err := os.WriteFile(filepath.Join(dir, strings.Repeat("y", i+1)), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := eval(`len(d.list(recursive = True))`); host.KindOf(err) != "size" {
		t.Errorf("got %v, want size", err)
	}
	if got, err := eval(`len(d.list())`); got != "101" {
		t.Errorf("got %s, %v", got, err)
	}
}

// TestTree looks at a directory as what answers with files does.
func TestTree(t *testing.T) {
	dir := t.TempDir()
	eval := in(t, dir, files.Limits{})
	if _, err := eval(`d.write("a.txt", "abc")`); err != nil {
		t.Fatal(err)
	}
	g := &files.Grant{Below: filepath.Dir(dir)}
	d, err := starlark.Call(new(starlark.Thread), values(t, g)["directory"],
		starlark.Tuple{starlark.String(filepath.Base(dir))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tree := d.(host.Treed).Tree()
	if f, info, err := host.OpenRegular(tree, "a.txt"); err != nil || info.Size() != 3 {
		t.Errorf("got %v, %v", info, err)
	} else {
		f.Close()
	}
	for _, name := range []string{"", "..", "/a.txt", "a.txt/", "./a.txt", ".larkspur-x.tmp"} {
		if f, err := tree.Open(name); err == nil {
			f.Close()
			t.Errorf("%q is open", name)
		}
	}
	if f, err := tree.Open("."); err != nil {
		t.Error(err)
	} else {
		f.Close()
	}
}

// TestSweep verifies that what a process left which died is removed, and nothing else.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	long := time.Now().Add(-2 * time.Hour)
	names := []string{".larkspur-dead.tmp", ".larkspur-alive.tmp", ".larkspur-dead", "old.tmp", ".larkspur"}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if name != ".larkspur-alive.tmp" {
			if err := os.Chtimes(path, long, long); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, err := in(t, dir, files.Limits{})("d.write(\"a\", \"\")\n[e.path for e in d.list()]"); got != `["a", "old.tmp"]` {
		t.Errorf("the list is %s, %v", got, err)
	}
	for _, name := range names {
		_, err := os.Stat(filepath.Join(dir, name))
		if gone := err != nil; gone != (name == ".larkspur-dead.tmp") {
			t.Errorf("%s: gone is %v", name, gone)
		}
	}
}

// FuzzPath verifies that whatever a path says, it is one of the directory or an error.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"a.txt", "sub/b.txt", "..", "a/../b", "/a", "a\x00", "a\\b", ".larkspur", "é", "a/", "\xff", "."} {
		f.Add(s)
	}
	dir := f.TempDir()
	g := &files.Grant{Dirs: map[string]files.Dir{"d": {Path: dir, Write: true}}}
	d, err := starlark.Call(new(starlark.Thread), values(f, g)["directory"], starlark.Tuple{starlark.String("d")}, nil)
	if err != nil {
		f.Fatal(err)
	}
	use := func(name string, args ...starlark.Value) error {
		m, err := d.(starlark.HasAttrs).Attr(name)
		if err != nil {
			f.Fatal(err)
		}
		_, err = starlark.Call(new(starlark.Thread), m, args, nil)
		return err
	}
	f.Fuzz(func(t *testing.T, name string) {
		path := starlark.String(name)
		err := use("write", path, starlark.String("x"), starlark.True, starlark.True)
		if err != nil {
			if host.KindOf(err) == "error" || host.Panicked(err) {
				t.Errorf("%q: %v", name, err)
			}
			return
		}
		at := filepath.Join(dir, name)
		if text, err := os.ReadFile(at); err != nil || string(text) != "x" || !filepath.IsLocal(name) ||
			filepath.ToSlash(filepath.Clean(name)) != name {
			t.Errorf("%q was written: %q, %v", name, text, err)
		}
		for ; name != "."; name = filepath.ToSlash(filepath.Dir(name)) {
			if err := use("remove", starlark.String(name)); err != nil {
				t.Errorf("%q: %v", name, err)
			}
		}
	})
}

// TestUnnameable verifies that a name which no file can have is a bad request, for it comes with one: an upload that is
// kept under the name that the client says.
func TestUnnameable(t *testing.T) {
	eval := in(t, t.TempDir(), files.Limits{})
	for _, name := range []string{".larkspur", ".larkspur-x", ".LARKSPUR.txt", "a/.larkspur/b", "..", "../a", "/a", "a//b", "", "a\\b", "a\x00b",
		strings.Repeat("x", 300), strings.Repeat("x", 5000)} {
		_, err := eval("d.write(" + starlark.String(name).String() + ", 'x')")
		if host.StatusOf(err) != 400 {
			t.Errorf("%.20q: got %d, %v", name, host.StatusOf(err), err)
		}
	}
	if _, err := eval("d.read('no.txt')"); host.StatusOf(err) == 400 {
		t.Errorf("what is not there is a bad request: %v", err)
	}
}
