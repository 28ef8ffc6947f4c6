//go:build unix

package static_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
)

// TestSpecialFiles asks for what is neither a file nor a directory, from many clients at once, in
// trees of three kinds.
func TestSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"a.txt": "a", "dir/b.txt": "b", "swapped/index.html": "i"}
	if err := os.CopyFS(dir, public(files)); err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, "public", name) }
	if err := errors.Join(
		syscall.Mkfifo(at("pipe"), 0o644), syscall.Mkfifo(at("dir/index.html"), 0o644),
		os.Symlink("pipe", at("link")), os.Symlink("/dev/zero", at("zero")),
	); err != nil {
		t.Skip(err)
	}
	l, err := net.Listen("unix", at("sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sub, err := fs.Sub(os.DirFS(filepath.Dir(dir)), filepath.Base(dir))
	if err != nil {
		t.Fatal(err)
	}
	trees := []fs.FS{runtime.Dir(dir), os.DirFS(dir), sub}
	addresses := make([]string, len(trees))
	for i, tree := range trees {
		_, addresses[i] = serve(t, tree)
	}
	// A directory that was one when the site was made.
	if err := errors.Join(
		os.RemoveAll(at("swapped")), syscall.Mkfifo(at("swapped"), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	targets := []string{
		"/pipe", "/pipe/", "/pipe/x", "/dir/", "/sock", "/sock/", "/swapped", "/swapped/",
	}
	for i, address := range addresses {
		if i == 0 {
			targets = append(targets, "/link", "/zero")
		}
		var all sync.WaitGroup
		for n := range 10 * len(targets) {
			all.Go(func() {
				target := targets[n%len(targets)]
				if res, _ := ask(t, address, "GET", target); res.StatusCode != 404 {
					t.Errorf("%T: %s: got %d, want 404", trees[i], target, res.StatusCode)
				}
			})
		}
		all.Wait()
		targets = targets[:8]
		if res, _ := ask(t, address, "GET", "/a.txt"); res.StatusCode != 200 {
			t.Errorf("%T: a file: got %d", trees[i], res.StatusCode)
		}
	}
	// Nobody reads a FIFO that was not opened.
	f, err := os.OpenFile(at("pipe"), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if !errors.Is(err, syscall.ENXIO) {
		f.Close()
		t.Errorf("the FIFO is open: %v", err)
	}
}

// scarce is a tree of a system that has run out of something.
type scarce struct {
	fs.FS
	err error
}

func (s *scarce) Open(name string) (fs.File, error) {
	if s.err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: s.err}
	}
	return s.FS.Open(name)
}

func TestOutOfDescriptors(t *testing.T) {
	tree := public(map[string]string{"a.txt": "a"})
	tree["app.star"].Data = []byte(`load("@static", "static", "file")
site = static("public")
def app(environ, start_response):
    if environ["PATH_INFO"] == "/file":
        file("public/a.txt")
    return site(environ, start_response)
`)
	s := &scarce{FS: tree}
	_, address := serve(t, s)
	for err, want := range map[error]int{
		syscall.EMFILE: 503, syscall.ENFILE: 503, syscall.ENOMEM: 503,
		syscall.ENOENT: 404, syscall.EACCES: 404, syscall.ELOOP: 404, syscall.ENAMETOOLONG: 404,
	} {
		s.err = err
		for _, target := range []string{"/a.txt", "/", "/file"} {
			want := want
			if target == "/file" && want == 404 {
				want = 500 // the script's own error
			}
			res, _ := ask(t, address, "GET", target)
			if res.StatusCode != want {
				t.Errorf("%s: %v: got %d, want %d", target, err, res.StatusCode, want)
			}
			if want == 503 && res.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %v: nothing says when to come again", target, err)
			}
		}
	}
}

// TestFilesEndWithTheRequest opens files in all ways, without a garbage collector.
func TestFilesEndWithTheRequest(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	dir := t.TempDir()
	if err := os.CopyFS(dir, public(map[string]string{"a.txt": "0123456789"})); err != nil {
		t.Fatal(err)
	}
	source := `load("@static", "static", "file")
site = static("public")
def look(): return file("public/a.txt").read()
kept = look()
def dropped(environ):
    def nothing(status, headers, exc_info = None): return None
    site(environ, nothing)
def app(environ, start_response):
    how = environ["QUERY_STRING"]
    if how == "site":
        return site(environ, start_response)
    start_response("200 OK", [])
    if how == "dropped":
        dropped(environ)
    if how == "fails":
        look()
        fail("no")
    if how == "wrapped":
        return environ["wsgi.file_wrapper"](file("public/a.txt"))
    if how == "closed":
        f = file("public/a.txt")
        f.close()
        f.close()
    if how == "file":
        return file("public/a.txt")
    return [look()]
`
	if err := os.WriteFile(filepath.Join(dir, "app.star"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	open := func() (names []string) {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		for _, e := range entries {
			if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil &&
				strings.HasPrefix(to, dir+"/") {
				names = append(names, to)
			}
		}
		return names
	}
	_, address := serve(t, runtime.Dir(dir))
	for _, how := range []string{"read", "site", "dropped", "fails", "wrapped", "closed", "file"} {
		for _, request := range []string{"GET", "HEAD", "GET Range: bytes=1-2", "GET Range: bytes=99-"} {
			method, field, _ := strings.Cut(request, " ")
			ask(t, address, method, "/a.txt?"+how, append([]string{"X: y"}, field)[:1+min(len(field), 1)]...)
		}
	}
	// A handler ends after its client has the answer.
	for deadline := time.Now().Add(10 * time.Second); ; {
		left := open()
		if len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(fmt.Sprint("still open: ", left))
		}
	}
}
