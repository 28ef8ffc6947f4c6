package http_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// uploading is an application that reads what is uploaded, by blocks and by lines, and says what it
// was. hash keeps the blocks; during is called while the files are open.
const uploading = `
load("@http", "files", "form", "query")
def app(environ, start_response):
    limit = int(query(environ).get("max", "-1"))
    all = files(environ) if limit < 0 else files(environ, max_size = limit)
    during()
    said = []
    for f in all.getall("f"):
        sum = hash()
        for _ in range(1000000):
            block = f.read(50000)
            if not block:
                break
            sum.add(block)
        f.seek(0)
        first = f.readline(10)
        said.append("%s %d %s %s" % (f.filename, f.size, sum.hex(), repr(first)))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["\n".join(said), "\n", str(form(environ).items())]
`

// A sum is a hash as a script sees it.
type sum struct{ all bytes.Buffer }

// Add adds a block.
func (s *sum) Add(block []byte) { s.all.Write(block) }

// Hex returns the sum.
func (s *sum) Hex() string { return fmt.Sprintf("%x", sha256.Sum256(s.all.Bytes()))[:8] }

// uploadTo serves the application; during is called while it has the files.
func uploadTo(t *testing.T, during func()) *httptest.Server {
	t.Helper()
	p, err := runtime.Load(&runtime.Config{
		FS:      fstest.MapFS{"app.star": {Data: []byte(uploading)}},
		Modules: []*host.Module{libhttp.Module()},
		Predeclared: starlark.StringDict{
			"hash":   host.Func("hash", func() *sum { return new(sum) }),
			"during": host.Func("during", during),
		},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&server.Handler{
		App: p, MaxBody: 64 << 20, Logger: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(s.Close)
	return s
}

// post posts files of these sizes as f, between two fields, and returns status and body.
func post(t *testing.T, url string, sizes ...int) (status int, text string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	m.WriteField("a", "1")
	for i, n := range sizes {
		w, err := m.CreateFormFile("f", fmt.Sprintf("%d.bin", i))
		if err != nil {
			t.Fatal(err)
		}
		w.Write(content(i, n))
	}
	m.WriteField("z", "2")
	m.Close()
	res, err := http.Post(url, m.FormDataContentType(), &b)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(got)
}

// content is that of the file i, of n bytes.
func content(i, n int) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("%d\r\n--x", i)), n/6+1)[:n]
}

// TestUploads uploads files that stay in memory, that go to disk, and that are too large, and finds
// nothing left of them.
func TestUploads(t *testing.T) {
	racetest.Skip(t)
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s := uploadTo(t, func() {})
	const mega = 1 << 20
	for _, c := range []struct {
		query  string
		status int
		sizes  []int
	}{
		{"", 200, []int{0}},
		{"", 200, []int{1, 2, 3}},
		{"", 200, []int{mega}},
		{"", 200, []int{mega + 1}},
		{"", 200, []int{mega / 2, mega/2 + 1, 5, 0, 2 * mega, 3}},
		{"", 413, []int{31 * mega, mega + 1}},
		{"?max=50000000", 200, []int{mega, 31*mega + 1}},
		{"?max=10", 200, []int{4, 6}},
		{"?max=10", 413, []int{4, 7}},
		{"?max=0", 200, []int{0, 0}},
		{"?max=0", 413, []int{1}},
	} {
		var want []string
		for i, n := range c.sizes {
			data := content(i, n)
			want = append(want, fmt.Sprintf("%d.bin %d %s b%q", i, n,
				(&sum{*bytes.NewBuffer(data)}).Hex(), data[:min(n, 3)]))
		}
		status, text := post(t, s.URL+"/"+c.query, c.sizes...)
		wanted := strings.Join(want, "\n") + "\n" + `[("a", "1"), ("z", "2")]`
		if status != c.status || status == 200 && text != wanted {
			t.Errorf("%s of %v: got %d %s, want %d %s", c.query, c.sizes, status, text, c.status, wanted)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("there is left %v, %v", left, err)
	}
}

// TestUploadWithoutDisk verifies that an upload for which there is no room is the server's fault, and
// that a small one needs none.
func TestUploadWithoutDisk(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/nowhere")
	s := uploadTo(t, func() {})
	if status, text := post(t, s.URL, 2<<20); status != 503 {
		t.Errorf("got %d %s", status, text)
	}
	if status, text := post(t, s.URL, 1000); status != 200 {
		t.Errorf("got %d %s", status, text)
	}
}

// TestUploadsGo verifies that the temporary file goes with the request, however it ends, and that
// the process has no descriptor left of it.
func TestUploadsGo(t *testing.T) {
	opened := func() (n int) {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("there is no /proc: ", err)
		}
		for _, d := range all {
			if name, err := os.Readlink("/proc/self/fd/" + d.Name()); err == nil && strings.Contains(name, "larkspur-upload-") {
				n++
			}
		}
		return n
	}
	most := 0
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := uploadTo(t, func() { most = max(most, opened()) })
	for range 3 {
		post(t, s.URL, 2<<20, 3<<20)
	}
	post(t, s.URL+"/?max=2000000", 2<<20) // too large: it ends before the application has it
	s.Config.Handler.ServeHTTP(           // broken off
		httptest.NewRecorder(), cutOff(ctx, 5<<20),
	)
	if most != 1 {
		t.Errorf("a request had %d temporary files, want 1", most)
	}
	s.Close() // waits for all
	if n := opened(); n != 0 {
		t.Errorf("%d are open", n)
	}
}

// cutOff is a request whose body breaks off after n bytes of a file.
func cutOff(ctx context.Context, n int) *http.Request {
	body := io.MultiReader(
		strings.NewReader("--B\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\n"),
		bytes.NewReader(content(0, n)),
	)
	r := httptest.NewRequestWithContext(ctx, "POST", "/", body)
	r.Header.Set("Content-Type", "multipart/form-data; boundary=B")
	return r
}

// TestMultipartBombs verifies that what is cheap to send does not cost much to refuse.
func TestMultipartBombs(t *testing.T) {
	s := uploadTo(t, func() {})
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"10,000 parts": {strings.Repeat(part("a", "", ""), 10_000) + "--B--", 413},
		"10,000 files": {strings.Repeat(part("f", "a", ""), 10_000) + "--B--", 413},
		"100 files":    {strings.Repeat(part("f", "a", ""), 100) + "--B--", 200},
		"a long name":  {part(strings.Repeat("a", 2<<20), "", "") + "--B--", 413},
		"a long header": {"--B\r\nX: " + strings.Repeat("a", 11<<20) +
			"\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--B--", 413},
		"many headers": {"--B\r\nContent-Disposition: form-data; name=a\r\n" +
			strings.Repeat("X: a\r\n", 20_000) + "\r\n\r\n--B--", 400},
		"many parameters": {"--B\r\nContent-Disposition: form-data; name=a" +
			strings.Repeat("; f*0=b", 700_000) + "\r\n\r\n\r\n--B--", 413},
		"long headers": {strings.Repeat("--B\r\nContent-Disposition: form-data; name=a\r\nX: "+
			strings.Repeat("a", 30_000)+"\r\n\r\n\r\n", 50) + "--B--", 413},
		"a header of 60 KB": {"--B\r\nX: " + strings.Repeat("a", 60_000) +
			"\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--B--", 200},
		"900 parts of 1 KB":   {strings.Repeat(part("a", "", strings.Repeat("b", 1000)), 900) + "--B--", 200},
		"an endless preamble": {strings.Repeat("hello\r\n", 200_000) + "--B--", 413},
		"no end":              {strings.Repeat("--B\r\n", 100_000), 400},
		"a nested boundary":   {part("a", "", "--B-\r\n-B--\r\n") + "--B--", 200},
		"a preamble":          {"hello\r\n" + part("a", "", "1") + "--B--\r\nbye", 200},
		"no disposition":      {"--B\r\n\r\n1\r\n--B--", 400},
		"line feeds only":     {strings.ReplaceAll(part("a", "", "1")+"--B--", "\r\n", "\n"), 400},
		"a form of nothing":   {"", 400},
		"a bad disposition":   {"--B\r\nContent-Disposition: ;;;\r\n\r\n1\r\n--B--", 400},
		"a NUL in the name":   {part("a\x00b", "", "1") + "--B--", 400},
	} {
		r, err := http.NewRequest("POST", s.URL, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "multipart/form-data; boundary=B")
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("%s: got %d, want %d", name, res.StatusCode, c.status)
		}
	}
}
