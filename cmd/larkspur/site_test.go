package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/sitefile"
	"github.com/spf13/cobra"
)

// TestSiteEdits verifies that a client keeps its connection, and gets an answer to each request, while a site
// file is edited 20 times: applications come, change and go, as do hosts, files and listeners, and
// some of what is written is wrong.
func TestSiteEdits(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("app.star", "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [environ['word']]\n")
	put("broken.star", "app = 1 // 0\n")
	file := filepath.Join(dir, "site.star")
	edit := func(n int) string {
		text := fmt.Sprintf("site('*', mount('/', 'app.star', env = {'word': 'v%d'}), redirect('/r%d', '/'),\n"+
			"     static('/s', '.', max_age = %d))\n", n, n, n)
		text += fmt.Sprintf("limits(max_body = %d)\nsite('h%d.example.com', mount('/', 'app.star', env = {'word': 'x'}))\n", n+1, n)
		text += "listen('http://127.0.0.1:0')\n"
		if n%2 == 1 {
			text += "listen('unix:" + filepath.Join(dir, "other.sock") + "')\n"
		}
		switch n % 5 {
		case 3:
			return text + "lissen()\n"
		case 4:
			return text + "site('b.example.com', mount('/', 'broken.star'))\n"
		}
		return text
	}
	put("site.star", edit(0))
	quiet := slog.New(slog.DiscardHandler)
	d := &sited{path: file, logger: quiet}
	defer d.keeper.Close()
	d.build = func(ctx context.Context, f *sitefile.File) (*site.Site, error) {
		s, c, err := together(nil, f)
		if err != nil {
			return nil, err
		}
		return s.mounted(ctx, d, c, f)
	}
	v, err := d.first(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := &site.Server{Logger: quiet}
	if err := s.Set(v); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	defer func() { stop(); <-served }()
	url := s.Listeners()[0].URL

	var dials atomic.Int32
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	defer transport.CloseIdleConnections()
	ask := func() (string, error) {
		resp, err := (&http.Client{Transport: transport}).Get(url)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err == nil && (resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), "v")) {
			err = fmt.Errorf("%s: %s", resp.Status, body)
		}
		return string(body), err
	}
	last := "v0"
	for n := 1; n <= 20; n++ {
		put("site.star", edit(n))
		taken := make(chan struct{})
		go func() { d.take(ctx, s); close(taken) }()
		for asking := true; asking; { // while it is taken up
			select {
			case <-taken:
				asking = false
			default:
			}
			if _, err := ask(); err != nil {
				t.Fatalf("edit %d: %v", n, err)
			}
		}
		if n%5 < 3 {
			last = fmt.Sprintf("v%d", n)
		}
		if got, err := ask(); err != nil || got != last {
			t.Fatalf("after edit %d: got %s (%v), want %s", n, got, err, last)
		}
		if got := len(s.Listeners()); n%5 < 3 && got != 1+n%2 {
			t.Errorf("after edit %d there are %d listeners", n, got)
		}
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("the client made %d connections, want one", n)
	}
}

// TestWordsAreFlags verifies that each setting of a site file is a flag of serve.
func TestWordsAreFlags(t *testing.T) {
	c := new(cobra.Command)
	new(serving).flags(c)
	for _, w := range siteTable().Members {
		for _, p := range w.Params {
			_, flag, ok := strings.Cut(p.Doc, "(--")
			if flag = strings.TrimSuffix(flag, ")"); ok && c.Flags().Lookup(flag) == nil {
				t.Errorf("%s says --%s, which serve does not have", w.Name, flag)
			}
		}
	}
}
