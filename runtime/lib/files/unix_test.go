//go:build unix

package files_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/files"
	"go.starlark.net/starlark"
)

// outside makes a directory with something in it that nobody may see or change, and beside it one
// that is granted. It returns the latter, and what verifies that the former is what it was.
func outside(t *testing.T) (dir string, same func()) {
	t.Helper()
	top := t.TempDir()
	dir = filepath.Join(top, "granted")
	secret := filepath.Join(top, "secret")
	if err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "sub"), 0o777), os.Mkdir(secret, 0o777),
		os.WriteFile(filepath.Join(secret, "a.txt"), []byte("secret"), 0o666),
		os.WriteFile(filepath.Join(dir, "in.txt"), []byte("inside"), 0o666),
		os.WriteFile(filepath.Join(dir, "sub/in.txt"), []byte("inside"), 0o666),
	); err != nil {
		t.Fatal(err)
	}
	return dir, func() {
		t.Helper()
		entries, err := os.ReadDir(top)
		in, err2 := os.ReadDir(secret)
		text, err3 := os.ReadFile(filepath.Join(secret, "a.txt"))
		if errors.Join(err, err2, err3) != nil || len(entries) != 2 || len(in) != 1 || string(text) != "secret" {
			t.Errorf("outside there is %v, in it %v, and %q: %v", entries, in, text, errors.Join(err, err2, err3))
		}
	}
}

// uses are all ways to use a path.
var uses = []string{
	`d.read(%s)`, `d.read_bytes(%s)`, `list(d.blocks(%s))`, `d.open(%s)`, `d.list(%s)`,
	`d.write(%s, "evil")`, `d.write(%s, "evil", parents = True)`, `d.write(%s, "evil", exist_ok = False)`,
	`d.append(%s, "evil")`, `d.append(%s, "evil", parents = True)`, `d.make(%s, parents = True)`,
	`d.rename("in.txt", %s)`, `d.rename(%s, "got.txt")`, `d.remove(%s)`,
}

// TestTraversal uses paths that would lead out, in all ways.
func TestTraversal(t *testing.T) {
	dir, same := outside(t)
	secret := filepath.Join(filepath.Dir(dir), "secret")
	for name, to := range map[string]string{
		"file": secret + "/a.txt", "rel": "../secret/a.txt", "dir": secret, "reldir": "../secret", "up": "..",
		"root": "/", "sub/up": "../..", "sub/deep": "../../secret", "c1": "c2", "c2": "c3", "c3": "../secret",
		"self": "self", "loop1": "loop2", "loop2": "loop1", "etc": "/etc", "proc": "/proc/self/root",
		"abs": dir + "/../secret",
	} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	eval := in(t, dir, files.Limits{})
	long := strings.Repeat("x", 300)
	paths := []string{
		"..", "../", "../secret", "../secret/a.txt", "../granted/in.txt", "./../secret/a.txt", "sub/../../secret/a.txt",
		"sub/../in.txt", "sub/..", "sub/../..", ".../a", "/", "//", "/etc/passwd", secret + "/a.txt", dir + "/in.txt",
		"//etc/passwd", "", "./in.txt", "in.txt/", "sub//in.txt", "sub/./in.txt", "sub/.", "in.txt/.", "in.txt/..",
		"..\\secret\\a.txt", "sub\\in.txt", "\\etc\\passwd", "C:\\secret", "in.txt\x00", "\x00", "in.txt\x00/../../secret",
		"%2e%2e/secret/a.txt", "..%2fsecret%2fa.txt", "%2e%2e%2fsecret", "..%00/a", "..;/secret/a.txt", "..\u2215secret",
		"\uff0e\uff0e/secret/a.txt", "~/a", "~root/a", "$HOME/a", "|cat", long, "sub/" + long, strings.Repeat("x/", 2100) + "x",
		strings.Repeat("../", 50) + "etc/passwd", "file", "rel", "dir/a.txt", "reldir/a.txt", "up/secret/a.txt", "root/etc/passwd",
		"sub/up/secret/a.txt", "sub/deep/a.txt", "c1/a.txt", "c2/a.txt", "self", "self/a", "loop1", "loop1/a", "etc/passwd",
		"proc/etc/passwd", "abs/a.txt", ".larkspur", ".larkspur/session-secret", ".LARKSPUR/x", "sub/.larkspur/x", ".larkspur-a.tmp",
		".lar\u212aspur/x", ".lark\u017fpur/x", ".lark\u200cspur/x", "\ufeff.larkspur", ".larkspur\u200d-a.tmp", "sub/.LARK\u206aSPUR/x",
		"..\u200c/secret/a.txt", "%c0%ae%c0%ae/secret/a.txt", "\xc0\xae\xc0\xae/secret/a.txt", "..%255csecret", ".%2e/secret/a.txt", "..\xc0\xafsecret",
		"....//secret/a.txt", "..././secret/a.txt", "/proc/self/environ", "/dev/stdin", "dir/../in.txt", "up/granted/../secret/a.txt", "sub/up/../secret/a.txt",
		"\u2025/secret/a.txt", "file:///etc/passwd", "in.txt\n", "in.txt\r\nX: y", "CON", "NUL.txt", "in.txt::$DATA", "in.txt:stream", "IN~1.TXT", strings.Repeat("y", 255), strings.Repeat("y", 256),
	}
	if len(paths) < 40 {
		t.Fatalf("%d paths", len(paths))
	}
	for _, path := range paths {
		for _, use := range uses {
			source := fmt.Sprintf(use, starlark.String(path).String())
			got, err := eval(source)
			if err == nil && strings.Contains(got, "secret") || err != nil && host.Panicked(err) {
				t.Errorf("%s: %s, %v", source, got, err)
			}
			// What is a name like any other may be made, and goes.
			if err == nil {
				if strings.Contains(path, `\`) || slices.Contains(strings.Split(path, "/"), "..") || strings.Contains(host.Loose(path), host.Kept) {
					t.Errorf("%s: %s", source, got)
				}
				clear(t, dir)
			}
		}
		same()
	}
	for _, name := range []string{"in.txt", "sub/in.txt"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); string(text) != "inside" {
			t.Errorf("%s is %q, %v", name, text, err)
		}
	}
}

// clear has the directory of outside be what it was, but for symlinks.
func clear(t *testing.T, dir string) {
	t.Helper()
	keep := map[string]bool{"in.txt": true, "sub": true}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !keep[e.Name()] && e.Type() != os.ModeSymlink {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "in.txt"), []byte("inside"), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestSymlinks uses those that stay inside.
func TestSymlinks(t *testing.T) {
	dir, same := outside(t)
	if err := errors.Join(
		os.Symlink("in.txt", filepath.Join(dir, "link")), os.Symlink("../in.txt", filepath.Join(dir, "sub/link")),
		os.Symlink("sub", filepath.Join(dir, "dir")), os.Symlink("..", filepath.Join(dir, "sub/up")),
		os.Symlink("nowhere", filepath.Join(dir, "dangling")), os.Symlink("../secret", filepath.Join(dir, "out")),
	); err != nil {
		t.Fatal(err)
	}
	eval := in(t, dir, files.Limits{Files: 100})
	for _, c := range [][2]string{
		{`d.read("link")`, `"inside"`},
		{`d.read("sub/link")`, `"inside"`},
		{`d.read("dir/in.txt")`, `"inside"`},
		{`d.read("dir/up/sub/in.txt")`, `"inside"`},
		{`[e.path for e in d.list(recursive = True)]`,
			`["dir", "in.txt", "link", "sub", "sub/in.txt", "sub/link", "sub/up"]`},
		{`d.write("dir/new", "x")`, `1`},
		{`d.read("sub/new")`, `"x"`},
		{`d.append("link", "!")`, `1`},
		{`d.read("in.txt")`, `"inside!"`},
		{`d.append("sub/link", "!")`, `1`},
		{`d.write("link", "own")`, `3`},
		{`d.read("in.txt")`, `"inside!!"`},
		{`d.write("out", "own")`, `3`},
		{`d.write("dangling", "own")`, `3`},
		{`d.remove("dir")`, `None`},
		{`d.read("sub/in.txt")`, `"inside"`},
	} {
		if got, err := eval(c[0]); got != c[1] {
			t.Errorf("%s: %s, %v, want %s", c[0], got, err, c[1])
		}
	}
	same()
}

// TestSwapped uses paths whose elements others make symlinks that lead out, and back, all the time.
func TestSwapped(t *testing.T) {
	dir, same := outside(t)
	eval := in(t, dir, files.Limits{})
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		os.Symlink("../secret", at("evil")), os.Symlink("../secret/a.txt", at("evil.txt")),
		os.WriteFile(at("a.txt"), []byte("inside"), 0o666), os.WriteFile(at("sub/a.txt"), []byte("inside"), 0o666),
	); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	var swapper sync.WaitGroup
	swapper.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
			}
			// Each rename may fail as the scripts do what they do; the next one does not.
			_ = os.Rename(at("sub"), at("was"))
			_ = os.Rename(at("evil"), at("sub"))
			_ = os.Rename(at("sub"), at("evil"))
			_ = os.Rename(at("was"), at("sub"))
			_ = os.Rename(at("a.txt"), at("was.txt"))
			_ = os.Rename(at("evil.txt"), at("a.txt"))
			_ = os.Rename(at("a.txt"), at("evil.txt"))
			_ = os.Rename(at("was.txt"), at("a.txt"))
		}
	})
	for range 300 {
		for _, source := range []string{
			`d.read("sub/a.txt")`, `d.read("a.txt")`, `[e.path + str(e.size) for e in d.list(recursive = True)]`,
			`d.write("sub/new.txt", "evil")`, `d.append("sub/new.txt", "evil")`, `d.remove("sub/new.txt", missing_ok = True)`,
			`d.make("sub/x", exist_ok = True)`, `d.append("a.txt", "")`, `list(d.blocks("sub/a.txt"))`,
			`d.rename("sub/new.txt", "sub/other.txt")`, `d.stat("sub/a.txt")`,
		} {
			if got, err := eval(source); strings.Contains(got, "secret") || host.Panicked(err) {
				t.Fatalf("%s: %s, %v", source, got, err)
			}
		}
	}
	close(over)
	swapper.Wait()
	same()
}

// TestSpecialFiles uses what is neither a file nor a directory: it is refused, and nobody waits.
func TestSpecialFiles(t *testing.T) {
	dir, same := outside(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		syscall.Mkfifo(at("pipe"), 0o666), os.Symlink("pipe", at("linked")),
		os.Symlink("/dev/zero", at("zero")), os.Symlink("/dev/tty", at("tty")),
	); err != nil {
		t.Skip(err)
	}
	l, err := net.Listen("unix", at("sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	names := []string{"pipe", "linked", "sock", "zero", "tty"}
	if err := syscall.Mknod(at("null"), syscall.S_IFCHR|0o666, 1<<8|3); err != nil {
		t.Logf("without a device in the directory: %v", err) // who is not root makes none
	} else {
		names = append(names, "null")
	}
	eval := in(t, dir, files.Limits{Files: 100})
	for _, name := range names {
		for _, use := range []string{
			`d.read(%q)`, `d.blocks(%q)`, `d.open(%q)`, `d.append(%q, "x")`, `d.list(%q)`, `d.read(%q + "/x")`,
			`d.write(%q + "/x", "x", parents = True)`, `d.write(%q + "/x", "x")`, `d.append(%q + "/x", "x")`,
			`d.write(%q + "/x", "x", exist_ok = False)`, `d.rename("in.txt", %q + "/x")`, `d.make(%q + "/x")`,
		} {
			source := fmt.Sprintf(use, name)
			if got, err := eval(source); err == nil {
				t.Errorf("%s: %s", source, got)
			}
		}
		if got, err := eval(fmt.Sprintf(`d.exists(%q)`, name)); got == "True" {
			t.Errorf("%s exists: %v", name, err)
		}
		if name == "pipe" || name == "sock" || name == "null" {
			for _, use := range []string{`d.write(%q, "x")`, `d.remove(%q)`, `d.rename(%q, "x")`, `d.rename("in.txt", %q)`} {
				source := fmt.Sprintf(use, name)
				if _, err := eval(source); host.KindOf(err) != "not_file" {
					t.Errorf("%s: %v, want not_file", source, err)
				}
			}
		}
	}
	if got, err := eval(`[e.path for e in d.list()]`); got != `["in.txt", "sub"]` {
		t.Errorf("the list is %s, %v", got, err)
	}
	// A file that others make a FIFO, and back.
	over := make(chan struct{})
	var swapper sync.WaitGroup
	swapper.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				_ = os.Rename(at("in.txt"), at("was"))
				_ = os.Rename(at("pipe"), at("in.txt"))
				_ = os.Rename(at("in.txt"), at("pipe"))
				_ = os.Rename(at("was"), at("in.txt"))
			}
		}
	})
	for range 500 {
		// It is empty if it was made while neither had the name.
		if got, err := eval(`d.read("in.txt")`); err == nil && got != `"inside"` && got != `""` {
			t.Errorf("got %s", got)
		}
		_, _ = eval(`d.append("in.txt", "")`) // it returns
	}
	close(over)
	swapper.Wait()
	same()
}

// TestFull writes more than the system takes: it is an error, and what was there stays. It does so in
// a process of its own, whose files are bounded.
func TestFull(t *testing.T) {
	dir := os.Getenv("LARKSPUR_TEST_FULL")
	if dir == "" {
		child := exec.Command(os.Args[0], "-test.run=^TestFull$", "-test.v")
		child.Env = append(os.Environ(), "LARKSPUR_TEST_FULL="+t.TempDir())
		out, err := child.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "PASS: TestFull") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	eval := in(t, dir, files.Limits{})
	if _, err := eval(`d.write("a", "old")`); err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{`d.write("a", "x" * 2000000)`, `d.append("b", "x" * 2000000)`} {
		if _, err := eval(source); host.KindOf(err) != "full" {
			t.Errorf("%s: %v, want full", source, err)
		}
	}
	if got, err := eval(`d.read("a")`); got != `"old"` {
		t.Errorf("got %s, %v", got, err)
	}
	left(t, dir)
}

// TestCrash kills a process that writes, and looks at what it leaves.
func TestCrash(t *testing.T) {
	if dir := os.Getenv("LARKSPUR_TEST_CRASH"); dir != "" {
		eval := in(t, dir, files.Limits{})
		fmt.Println("writing")
		for {
			if _, err := eval(`d.write("a", "x" * 500000)` + "\n" + `d.write("a", "y" * 500000)`); err != nil {
				t.Fatal(err)
			}
		}
	}
	dir := t.TempDir()
	eval := in(t, dir, files.Limits{})
	if _, err := eval(`d.write("a", "x" * 500000)`); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		child := exec.Command(os.Args[0], "-test.run=^TestCrash$")
		child.Env = append(os.Environ(), "LARKSPUR_TEST_CRASH="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 7)); err != nil {
			t.Error(err)
		}
		for range 20 { // it writes meanwhile
			whole(t, filepath.Join(dir, "a"))
		}
		if err := child.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = child.Wait() // it was killed
		whole(t, filepath.Join(dir, "a"))
	}
	if got, err := eval(`[e.path for e in d.list()]`); got != `["a"]` {
		t.Errorf("the list is %s, %v", got, err)
	}
}

func whole(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil || len(text) != 500_000 || strings.Trim(string(text), string(text[:1])) != "" {
		t.Errorf("%d bytes of several versions, %v", len(text), err)
	}
}
