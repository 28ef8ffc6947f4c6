package static_test

import (
	"bufio"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/static"
)

// written is when the files of the corpus were.
var written = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// makeTree makes the tree of the corpus.
func makeTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	for name, text := range map[string]string{
		"secret": "secret", "outer/secret": "secret",
		"root/a.txt": "0123456789", "root/sub/b.txt": "b", "root/sub/index.html": "index", "root/sub/index.html.gz": "igz",
		"root/.hidden": "x", "root/.git/config": "x", "root/sub/.hidden": "x", "root/.well-known/security.txt": "contact",
		"root/empty/x": "x", "root/€.txt": "euro", "root/sp ace.txt": "space", "root/zero.txt": "",
		"root/pre.txt": "plain", "root/pre.txt.gz": "gz", "root/pre.txt.br": "brotli", "root/pre.txt.zst": "zst",
		"root/old.txt": "fresh", "root/old.txt.gz": "stale",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		at := written
		if text == "stale" {
			at = at.Add(-time.Minute)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"out": "../secret", "outdir": "../outer", "inside": "a.txt", "up": "..",
		"abs": filepath.Join(dir, "secret"), "loop": "loop", "dangling": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Skipf("no symlinks here: %v", err)
		}
	}
	makePipe(t, filepath.Join(root, "fifo"))
	return root
}

// TestCorpus asks what testdata/corpus.txt says, and counts.
func TestCorpus(t *testing.T) {
	front := &server.Front{Logger: slog.New(slog.DiscardHandler), Mounts: []server.Mount{
		{Path: "/s", Handler: &static.Handler{Dir: makeTree(t), Path: "/s"}}}}
	do := func(method, target string, fields []string) *httptest.ResponseRecorder {
		text := method + " " + target + " HTTP/1.1\r\nHost: example.com\r\n"
		for _, f := range fields {
			text += f + "\r\n"
		}
		w := httptest.NewRecorder()
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + "\r\n")))
		if err != nil {
			w.Code = http.StatusBadRequest
			return w
		}
		front.ServeHTTP(w, r)
		return w
	}
	text, err := os.ReadFile("testdata/corpus.txt")
	if err != nil {
		t.Fatal(err)
	}
	counts, part := map[string]int{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if name, ok := strings.CutPrefix(line, "== "); ok {
			part = name
		}
		request, want, ok := strings.Cut(line, " => ")
		if !ok || line[0] == '#' {
			continue
		}
		counts[part]++
		t.Run(part+"/"+request, func(t *testing.T) {
			fields := strings.Split(request, " | ")
			method, target, ok := strings.Cut(fields[0], " ")
			if !ok {
				method, target = http.MethodGet, fields[0]
			}
			known := strings.NewReplacer("{etag}", do(http.MethodHead, target, nil).Header().Get("Etag"),
				"{time}", written.Format(http.TimeFormat), "{before}", written.Add(-time.Second).Format(http.TimeFormat),
				"{after}", written.Add(time.Second).Format(http.TimeFormat))
			for i := range fields {
				fields[i] = known.Replace(fields[i])
			}
			w := do(method, target, fields[1:])
			check(t, w, strings.Split(known.Replace(want), " | "))
		})
	}
	t.Logf("asked: %v", counts)
}

// check compares a response with what the corpus wants.
func check(t *testing.T, w *httptest.ResponseRecorder, want []string) {
	t.Helper()
	if want[0] != strconv.Itoa(w.Code) {
		t.Errorf("status %d, want %s\n%s", w.Code, want[0], w.Body)
	}
	for _, c := range want[1:] {
		name, value, field := strings.Cut(c, ": ")
		prefix, begins, partly := strings.Cut(c, "~ ")
		switch body, is := strings.CutPrefix(c+" ", "body "); {
		case is:
			if got := w.Body.String(); got != strings.TrimSpace(body) {
				t.Errorf("body %q, want %q", got, strings.TrimSpace(body))
			}
		case c[0] == '-':
			if got := w.Header()[c[1:]]; got != nil {
				t.Errorf("%s is %q", c[1:], got)
			}
		case partly:
			if got := w.Header().Get(prefix); !strings.HasPrefix(got, begins) {
				t.Errorf("%s is %q", prefix, got)
			}
		case field:
			if got := strings.Join(w.Header()[name], ", "); got != value {
				t.Errorf("%s is %q, want %q", name, got, value)
			}
		}
	}
}
