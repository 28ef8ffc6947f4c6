package runtime_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
)

// write writes files under dir, given as name and content in turn.
func write(t testing.TB, dir string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(dir, files[i])
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(files[i+1]), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

func symlink(t testing.TB, to, name string) {
	t.Helper()
	os.Remove(name)
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
}

func TestDirHoldsSymlinksInside(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "secret.star", "x = 'secret'", "root/app.star", "load('lib/x.star', 'x')\ndef app(): return x", "root/real.star", "x = 'real'")
	link := filepath.Join(dir, "root", "lib")
	config := &runtime.Config{FS: runtime.Dir(filepath.Join(dir, "root"))}
	for _, test := range []struct{ to, file string }{
		{"../secret.star", "x.star"},
		{filepath.Join(dir, "secret.star"), "x.star"},
		{"..", ""},
		{dir, ""},
	} {
		os.RemoveAll(link)
		if test.file == "" {
			write(t, dir, "x.star", "x = 'secret'")
			symlink(t, test.to, link)
		} else {
			write(t, dir, "root/lib/keep", "")
			symlink(t, test.to, filepath.Join(link, test.file))
		}
		if p, err := runtime.Load(config, "app.star"); err == nil || !strings.Contains(err.Error(), `cannot load "lib/x.star"`) {
			t.Errorf("a link to %s: got %v, %v; want an error", test.to, p, err)
		}
	}
	os.RemoveAll(link)
	write(t, dir, "root/lib/keep", "")
	symlink(t, "../real.star", filepath.Join(link, "x.star"))
	p, err := runtime.Load(config, "app.star")
	if err != nil {
		t.Fatalf("a link inside: %v", err)
	}
	if v, err := result(p); err != nil || v.String() != `"real"` {
		t.Errorf("a link inside: got %v, %v", v, err)
	}
}

func TestDirFollowsASwappedRoot(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "r1/app.star", "def app(): return 1", "r2/app.star", "def app(): return 2")
	current := filepath.Join(dir, "current")
	config := &runtime.Config{FS: runtime.Dir(current)}
	for _, release := range []string{"r1", "r2", "r1"} {
		symlink(t, release, current)
		p, err := runtime.Load(config, "app.star")
		if err != nil {
			t.Fatal(err)
		}
		if v, err := result(p); err != nil || "r"+v.String() != release {
			t.Errorf("got r%v, %v; want %s", v, err, release)
		}
	}
}

func TestDirIsAFileSystem(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a/b.txt", "b")
	tree := runtime.Dir(dir)
	if b, err := fs.ReadFile(tree, "a/b.txt"); string(b) != "b" {
		t.Errorf("got %q, %v", b, err)
	}
	if _, err := tree.Open("../x"); err == nil {
		t.Error("opened ../x")
	}
	if _, err := runtime.Load(&runtime.Config{FS: runtime.Dir(filepath.Join(dir, "none"))}, "app.star"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}

// TestUTF16 refuses a script that an editor saved in another encoding by its name.
func TestUTF16(t *testing.T) {
	for _, text := range []string{"\xff\xfea\x00", "\xfe\xff\x00a"} {
		_, err := runtime.Load(&runtime.Config{FS: fstest.MapFS{"app.star": {Data: []byte(text)}}},
			"app.star")
		if got, want := fmt.Sprint(err), "app.star: it is UTF-16: save it as UTF-8"; got != want {
			t.Errorf("the error is %q, want %q", got, want)
		}
	}
}

// TestDirKeepsSecrets checks that what tools keep for the developer is not in the tree.
func TestDirKeepsSecrets(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		".larkspur/secret", "a/.larkspur/secret", ".larkspurs/open",
		".lark\u200cspur/secret", ".lar\u212aspur/secret", "a/.lark\u017fpur\ufeff/secret", // the same to HFS+
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	tree := runtime.Dir(dir)
	for name, there := range map[string]bool{
		".larkspur": false, ".larkspur/secret": false, "a/.larkspur/secret": false, ".LARKSPUR/secret": false,
		".lark\u200cspur/secret": false, ".lar\u212aspur/secret": false, "a/.lark\u017fpur\ufeff/secret": false,
		".larkspurs/open": true,
	} {
		_, err := fs.ReadFile(tree, name)
		if _, statErr := fs.Stat(tree, name); (err == nil) != there || (statErr == nil) != there {
			t.Errorf("%s: %v, %v", name, err, statErr)
		}
	}
}
