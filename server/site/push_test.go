package site_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/site"
)

// TestMapFile verifies that the map of pushes is read again by Reload, and by itself where the site
// is watched, and that what is no map leaves the last one.
func TestMapFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "site.push")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// hinted returns what a client that takes no promises is told to fetch with the page.
	hinted := func(url string) string {
		t.Helper()
		early, _ := hints(t, url)
		return strings.Join(early.Values("Link"), ", ")
	}
	for _, watched := range []bool{false, true} {
		write("/\n    /a.css as=style\n")
		s := &site.Server{Watch: watched, Logger: slog.New(slog.DiscardHandler)}
		url := serve(t, s, &site.Site{
			Listen: []string{anywhere}, Mounts: []site.Mount{{App: says("page")}},
			Push: site.Push{HintHTTP1: true, MapFile: file},
		})
		if got := hinted(url); !strings.Contains(got, "/a.css") {
			t.Errorf("watched %v: got %q, want /a.css", watched, got)
		}
		write("a map that is none\n")
		if err := s.Reload(); err == nil || !strings.Contains(err.Error(), "site.push:1") {
			t.Errorf("watched %v: got %v", watched, err)
		}
		write("/\n    /b.css as=style\n")
		if !watched {
			if err := s.Reload(); err != nil {
				t.Error(err)
			}
		}
		got := hinted(url)
		for end := time.Now().Add(20 * time.Second); watched && !strings.Contains(got, "/b.css") && time.Now().Before(end); got = hinted(url) {
			time.Sleep(50 * time.Millisecond) // no event says when
		}
		if !strings.Contains(got, "/b.css") {
			t.Errorf("watched %v: got %q, want /b.css", watched, got)
		}
	}
}

// TestServeBeforeSet verifies that a site may be set once the server serves, which watches it then.
func TestServeBeforeSet(t *testing.T) {
	s := &site.Server{Watch: true, Logger: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	defer func() { stop(); <-served }()
	time.Sleep(50 * time.Millisecond) // no event says that it serves nothing
	file := filepath.Join(t.TempDir(), "site.push")
	if err := os.WriteFile(file, []byte("/\n    /a.css as=style\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Set(&site.Site{
		Listen: []string{anywhere}, Mounts: []site.Mount{{App: says("page")}},
		Push: site.Push{HintHTTP1: true, MapFile: file},
	}); err != nil {
		t.Fatal(err)
	}
	if early, status := hints(t, s.Listeners()[0].URL); status != 200 || early.Get("Link") == "" {
		t.Errorf("got %d, hints %v", status, early)
	}
}

// TestReadMemory verifies that a file of keys is made if there is none, and says where it is wrong.
func TestReadMemory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys", "push")
	made, err := site.ReadMemory(file)
	if err != nil || len(made.Keys) != 1 || len(made.Keys[0]) != 32 {
		t.Fatalf("got %v, %v", made, err)
	}
	again, err := site.ReadMemory(file)
	if err != nil || string(again.Keys[0]) != string(made.Keys[0]) {
		t.Errorf("read again: got %v, %v", again, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v: the key is for its owner only", info.Mode(), err)
	}
	for content, want := range map[string]string{
		"":                     "there is no key",
		"# mine\n\nc2hvcnQ=\n": "push:3: it is not a key: write 32 random bytes in base64",
		"?\n":                  "push:1: it is not a key",
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := site.ReadMemory(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", content, err, want)
		}
	}
}

// hints asks for a page over HTTP/1.1, and returns the 103 that came before it.
func hints(t *testing.T, url string) (early http.Header, status int) {
	t.Helper()
	early = make(http.Header)
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error { early = http.Header(h); return nil },
	}), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Dest", "document")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return early, resp.StatusCode
}
