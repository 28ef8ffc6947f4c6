package h2_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
)

// upload writes a file of 8 MB, which is many windows, and returns its path and what /upload says of it.
func upload(t *testing.T) (path, verdict string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "upload")
	body := make([]byte, 8<<20)
	for i := range body {
		body[i] = byte(i * 7 >> 3)
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, fmt.Sprintf("%d %x", len(body), sha256.Sum256(body))
}

// TestPeerCurl: curl, over TLS and with prior knowledge. Its settings are its own.
func TestPeerCurl(t *testing.T) {
	racetest.Skip(t)
	t.Parallel()
	curl := need(t, "curl", true)
	file, verdict := upload(t)
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			h := newHost(t)
			said := strings.Repeat("what curl says ", 100_000)
			get := func(path string, args ...string) string {
				t.Helper()
				how := "--http2"
				if scheme == "http" {
					how = "--http2-prior-knowledge"
				}
				args = append([]string{"-sS", "-k", how, "-w", "\n%{http_version} %{http_code}", "--max-time", "60"}, args...)
				out, errs, err := pipe(t, said, curl, append(args, h.url(scheme)+path)...)
				if err != nil {
					t.Errorf("curl %s: %v\n%s", path, err, errs)
				}
				body, status := out[:strings.LastIndexByte(out, '\n')], out[strings.LastIndexByte(out, '\n')+1:]
				if status != "2 200" {
					t.Errorf("curl %s: HTTP version and status %q", path, status)
				}
				return body
			}
			if got := get("/"); got != "hello, world\n" {
				t.Errorf("GET: %q", got)
			}
			if got := get("/", "-I"); !strings.Contains(got, "content-length: 13\r\n") {
				t.Errorf("HEAD: %q", got)
			}
			if got := get("/upload", "-T", file); got != verdict {
				t.Errorf("8 MB: %q, want %q", got, verdict)
			}
			if got := get("/upload", "--data-binary", "@"+file, "-H", "Expect: 100-continue"); got != verdict {
				t.Errorf("8 MB with Expect: %q, want %q", got, verdict)
			}
			if got := get("/trailers"); got != "body" {
				t.Errorf("an answer with trailers: %q", got)
			}
			if got := fmt.Sprintf("%x", sha256.Sum256([]byte(get("/download")))); got != h.sum {
				t.Error("4 MB came otherwise than they were sent")
			}
			// curl ends the transfer after a second, in the midst of the answer.
			_, _, err := run(t, curl, "-sS", "-k", "--http2-prior-knowledge", "--max-time", "1", h.url(scheme)+"/wait")
			if exit, ok := err.(*exec.ExitError); scheme == "http" && (!ok || exit.ExitCode() != 28) {
				t.Errorf("curl --max-time: %v, want its exit code 28", err)
			}
			if scheme == "http" && get("/cancelled") != "yes" {
				t.Error("the handler was not cancelled")
			}
			// Both ways at once: curl reads what it sends, of a length it does not know, from a pipe.
			if got := get("/echo", "-T", "-"); got != said {
				t.Errorf("of %d bytes said %d were heard", len(said), len(got))
			}
		})
	}
	t.Run("1000 at once", func(t *testing.T) {
		h := newHost(t)
		out, errs, err := run(t, curl, "-sS", "-k", "-Z", "--parallel-max", "300", "--http2", h.url("https")+"/?[1-1000]")
		if got, want := strings.Count(out, "hello, world\n"), 1000; err != nil || got != want {
			t.Errorf("%d answers, %v\n%.2000s", got, err, errs)
		}
	})
}

// TestPeerNghttp: nghttp2's own client. Its windows are of 2^N-1 bytes.
func TestPeerNghttp(t *testing.T) {
	t.Parallel()
	nghttp := need(t, "nghttp", true)
	file, verdict := upload(t)
	settings := map[string][]string{
		"plain":         nil,
		"window 1":      {"-w", "1", "--header-table-size", "0"},
		"window 2^30":   {"-w", "30", "-W", "30", "--header-table-size", "65536", "--encoder-header-table-size", "65536"},
		"table shrinks": {"--header-table-size", "65536", "--header-table-size", "0"},
	}
	for name := range settings {
		for _, scheme := range []string{"http", "https"} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				h := newHost(t)
				ask := func(args ...string) string {
					t.Helper()
					out, errs, err := run(t, nghttp, append(append([]string{"-t", "60"}, args...), settings[name]...)...)
					if err != nil || strings.Contains(errs, "Some requests were not processed") {
						t.Errorf("nghttp %q: %v\n%s", args, err, errs)
					}
					return out
				}
				url := h.url(scheme)
				if got := ask(url + "/"); got != "hello, world\n" {
					t.Errorf("GET: %q", got)
				}
				if got := ask("-nv", "-H", ":method: HEAD", url+"/"); !strings.Contains(got, "content-length: 13") || strings.Contains(got, "recv DATA") {
					t.Errorf("HEAD:\n%s", got)
				}
				if got := ask("-d", file, url+"/upload"); got != verdict {
					t.Errorf("8 MB: %q, want %q", got, verdict)
				}
				if got := strings.Count(ask("-m", "1000", "-n", "-s", url+"/"), " 200 "); got != 1000 {
					t.Errorf("1000 at once: %d answers of status 200", got)
				}
				if got := ask("-v", "--trailer", "x-t: v", "-d", file, url+"/trailers"); !strings.Contains(got, "x-trailer: value") {
					t.Errorf("trailers:\n%s", got)
				}
				pushes := ask("-nv", url+"/page")
				for _, target := range []string{"/promised/a", "/promised/b"} {
					if !strings.Contains(pushes, "; Promised response header") && !strings.Contains(pushes, ":path: "+target) {
						t.Errorf("%s was not promised:\n%s", target, pushes)
					}
				}
				if got := ask("-nv", "--no-push", url+"/page"); strings.Contains(got, "PUSH_PROMISE") {
					t.Errorf("a promise was made to a client that takes none:\n%s", got)
				}
			})
		}
	}
}

var h2loadLine = regexp.MustCompile(`requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed`)

// TestPeerH2load: nghttp2's load generator: thousands of requests on a few connections.
func TestPeerH2load(t *testing.T) {
	racetest.Skip(t)
	t.Parallel()
	h2load := need(t, "h2load", true)
	body := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(body, []byte(strings.Repeat("x", 100_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"many":        {"-n", "4000", "-c", "10", "-m", "100"},
		"1000":        {"-n", "1000", "-c", "1", "-m", "1000"},
		"window 1":    {"-n", "1000", "-c", "4", "-m", "20", "-w", "1"},
		"window 2^30": {"-n", "1000", "-c", "4", "-m", "20", "-w", "30", "-W", "30"},
		"no table":    {"-n", "1000", "-c", "4", "-m", "20", "--header-table-size=0", "--encoder-header-table-size=0"},
		"large table": {"-n", "1000", "-c", "4", "-m", "20", "--header-table-size=65536", "--encoder-header-table-size=65536"},
		"uploads":     {"-n", "100", "-c", "4", "-m", "20", "-d", body},
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				h := newHost(t)
				path := "/"
				if name == "uploads" {
					path = "/upload"
				}
				out, errs, err := run(t, h2load, append(args, h.url(scheme)+path)...)
				m := h2loadLine.FindStringSubmatch(out)
				if err != nil || m == nil {
					t.Fatalf("h2load: %v\n%s%s", err, out, errs)
				}
				total, _ := strconv.Atoi(m[1])
				succeeded, _ := strconv.Atoi(m[4])
				if total == 0 || total != succeeded {
					t.Errorf("h2load: %s", m[0])
				}
			})
		}
	}
}

// TestPeerGo: Go's own client.
func TestPeerGo(t *testing.T) {
	t.Parallel()
	for _, p := range tried() {
		t.Run(p.name, func(t *testing.T) {
			h := newHost(t)
			c := goClient(t, p.scheme)
			c.Transport.(*http.Transport).HTTP2 = &http.HTTP2Config{
				MaxReceiveBufferPerStream:     int(min(p.window, 4<<20-1)), // the largest that it has
				MaxReceiveBufferPerConnection: 4<<20 - 1,
				MaxDecoderHeaderTableSize:     int(p.table),
				MaxEncoderHeaderTableSize:     int(p.table),
				MaxReadFrameSize:              int(p.frame),
			}
			url := h.url(p.scheme)
			ask := func(method, path string, body io.Reader) (*http.Response, string) {
				t.Helper()
				req, err := http.NewRequest(method, url+path, body)
				if err != nil {
					t.Fatal(err)
				}
				res, err := c.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				got, err := io.ReadAll(res.Body)
				if err != nil || res.ProtoMajor != 2 || res.StatusCode != 200 {
					t.Errorf("%s %s: %s %s, %v", method, path, res.Proto, res.Status, err)
				}
				return res, string(got)
			}
			if _, got := ask("GET", "/", nil); got != "hello, world\n" {
				t.Errorf("GET: %q", got)
			}
			if res, got := ask("HEAD", "/", nil); got != "" || res.ContentLength != 13 {
				t.Errorf("HEAD: %q, Content-Length %d", got, res.ContentLength)
			}
			if _, got := ask("POST", "/upload", io.LimitReader(endless{}, 8<<20)); !strings.HasPrefix(got, "8388608 ") {
				t.Errorf("8 MB: %q", got)
			}
			if res, _ := ask("GET", "/trailers", nil); res.Trailer.Get("X-Trailer") != "value" {
				t.Errorf("trailers: %v", res.Trailer)
			}
			if p.window > 1 {
				if res, got := ask("GET", "/download", nil); fmt.Sprintf("%x", sha256.Sum256([]byte(got))) != res.Header.Get("X-Sha256") {
					t.Error("4 MB came otherwise than they were sent")
				}
			}
			// Both ways at once.
			in, out := io.Pipe()
			req, _ := http.NewRequest("POST", url+"/echo", in)
			res, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 10 {
				word := fmt.Sprint("word ", i)
				io.WriteString(out, word)
				got := make([]byte, len(word))
				if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != word {
					t.Fatalf("said %q and heard %q, %v", word, got, err)
				}
			}
			out.Close()
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			// 1000, as many at once as a connection has streams: for more this client makes a connection each. And a
			// cancelled one.
			var wg sync.WaitGroup
			room := make(chan struct{}, 250)
			for range 1000 {
				wg.Go(func() {
					room <- struct{}{}
					defer func() { <-room }()
					res, err := c.Get(url + "/")
					if err != nil {
						t.Error(err)
						return
					}
					defer res.Body.Close()
					if got, err := io.ReadAll(res.Body); string(got) != "hello, world\n" || err != nil {
						t.Errorf("GET: %q, %v", got, err)
					}
				})
			}
			wg.Wait()
			res, err = c.Get(url + "/wait")
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if _, got := ask("GET", "/cancelled", nil); got != "yes" {
				t.Error("the handler was not cancelled")
			}
		})
	}
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
