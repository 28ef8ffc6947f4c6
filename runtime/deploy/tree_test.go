package deploy_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/deploy"
)

// archive makes a .zip of files: names and contents in turns.
func archive(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		h := &zip.FileHeader{Name: files[i], Method: zip.Deflate}
		name, link := strings.CutSuffix(h.Name, "@")
		if link {
			h.Name = name
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(w, files[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A tree is an fs.FS as any other, whatever it was made from, and the same files are the same tree.
func TestTree(t *testing.T) {
	files := fstest.MapFS{"app.star": {Data: []byte("app = 1")}, "static/css/a.css": {Data: []byte("b {}")},
		"static/empty": {}, ".git/config": {Data: []byte("secret")}, "static/.env": {Data: []byte("secret")}}
	packed, err := deploy.Pack(files)
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(packed, "app.star", "static/css/a.css", "static/empty"); err != nil {
		t.Error(err)
	}
	if packed.Files() != 3 || packed.Size() != 11 {
		t.Errorf("the tree has %d files, %d bytes", packed.Files(), packed.Size())
	}
	for _, data := range [][]byte{
		archive(t, "static/css/a.css", "b {}", "app.star", "app = 1", "static/empty", ""),
		archive(t, "v1/", "", "v1/static/css/a.css", "b {}", "v1/app.star", "app = 1", "v1/static/empty", "", "v1/.env", "s"),
	} {
		unpacked, err := deploy.Unpack(data)
		if err != nil || unpacked.Digest() != packed.Digest() {
			t.Errorf("of an archive: %v", err)
		}
	}
	files["static/empty"] = &fstest.MapFile{Data: []byte("x")}
	if other, err := deploy.Pack(files); err != nil || other.Digest() == packed.Digest() {
		t.Errorf("another tree has the same digest (%v)", err)
	}
}

// What no tree can have is refused, with the name.
func TestUnpackRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		want  string
	}{
		{"no application", []string{"a.star", ""}, "there is no app.star at the root of the tree"},
		{"above", []string{"app.star", "", "../x", ""}, `"../x" is no path of a file in a tree`},
		{"absolute", []string{"app.star", "", "/etc/passwd", ""}, `"/etc/passwd" is no path`},
		{"of Windows", []string{"app.star", "", `a\b`, ""}, "is no path"},
		{"drive", []string{"app.star", "", "C:x", ""}, "is no path"},
		{"twice", []string{"app.star", "1", "app.star", "2"}, `"app.star" is there twice`},
		{"long", []string{"app.star", "", strings.Repeat("x", 600), ""}, "a path has 512 bytes at most"},
		{"link", []string{"app.star", "", "out@", "/etc"}, `"out" is a symbolic link or a device`},
		{"directories", deepFiles(), "there are more than 10000 directories"},
		{"both", []string{"app.star", "", "a", "", "a/b", ""}, `"a" is a file and a directory`},
		{"deep both", []string{"app.star", "", "a", "", "a/b/c", ""}, `"a" is a file and a directory`},
	} {
		if _, err := deploy.Unpack(archive(t, c.files...)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	if _, err := deploy.Unpack([]byte("no archive")); err == nil {
		t.Error("what is no archive was unpacked")
	}
	many := bytes.Repeat([]byte("PK\x01\x02"), 100000) // it is refused before it is known to be no archive
	if _, err := deploy.Unpack(many); err == nil || !strings.Contains(err.Error(), "more than 80000 entries") {
		t.Errorf("an archive of 100000 entries: %v", err)
	}
}

// deepFiles are few files in many directories.
func deepFiles() []string {
	files := []string{"app.star", ""}
	for i := range 50 {
		files = append(files, fmt.Sprintf("%d/%sx", i, strings.Repeat("d/", 240)), "")
	}
	return files
}

// A bomb is an archive whose files are larger than a tree may be: it is read no further than that.
func TestBomb(t *testing.T) {
	if os.Getenv("LARKSPUR_LONG") == "" {
		t.Skip("it inflates 128 MiB: LARKSPUR_LONG=1")
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("app.star")
	for part := make([]byte, 1<<20); err == nil && b.Len() < 1<<20; {
		_, err = w.Write(part)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deploy.Unpack(b.Bytes()); err == nil || !strings.Contains(err.Error(), "more than 128 MiB") {
		t.Errorf("a bomb: %v", err)
	}
}

// A directory is packed without what its links lead out to.
func TestPackLinks(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("app.star", "app = 1")
	if err := os.Symlink("app.star", filepath.Join(dir, "same.star")); err != nil {
		t.Skip(err)
	}
	packed, err := deploy.Pack(runtime.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	if data, err := fs.ReadFile(packed, "same.star"); string(data) != "app = 1" {
		t.Errorf("a link in the tree: %q, %v", data, err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	if _, err := deploy.Pack(runtime.Dir(dir)); err == nil {
		t.Error("a link that leads out was packed")
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(archive(f, "app.star", "app = 1", "a/b", ""))
	f.Add(archive(f, "v/app.star", "", "v/x@", ""))
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, err := deploy.Unpack(data)
		if err != nil {
			return
		}
		again, err := deploy.Pack(tree)
		if err != nil || again.Digest() != tree.Digest() {
			t.Errorf("what was unpacked is not packed as the same: %v", err)
		}
	})
}

// A program that is loaded from an archive is loaded again when that is another one, and not for one that is no
// archive.
func TestZip(t *testing.T) {
	file := filepath.Join(t.TempDir(), "app.zip")
	write := func(data []byte) {
		t.Helper()
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(archive(t, "app.star", "def app(): return 1"))
	z := deploy.NewZip(file)
	live, err := runtime.NewLive(&runtime.Config{FS: z}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	write([]byte("half"))
	if err := live.Reload(); err == nil {
		t.Error("half an archive was loaded")
	}
	if v, err := live.Do(t.Context()); err != nil || v.String() != "1" {
		t.Errorf("it serves %v (%v), want 1", v, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	followed := make(chan struct{})
	go func() { defer close(followed); z.Follow(ctx, live, slog.New(slog.DiscardHandler)) }()
	write(archive(t, "app.star", "def app(): return 2 # or so"))
	for live.Generation() < 2 {
		time.Sleep(5 * time.Millisecond) // no event says so
	}
	cancel()
	<-followed
	if v, err := live.Do(t.Context()); err != nil || v.String() != "2" {
		t.Errorf("it serves %v (%v), want 2", v, err)
	}
}
