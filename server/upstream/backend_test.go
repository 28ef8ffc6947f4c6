package upstream

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestUnwell has a server that fails a check left out until the next one has had its time, and back as
// soon as it passes one.
func TestUnwell(t *testing.T) {
	status := http.StatusServiceUnavailable
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, "health")
	}))
	defer s.Close()
	p, err := New(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Logger = slog.New(slog.DiscardHandler)
	b := p.servers[0]
	began := time.Now()
	b.ask("/health")
	if rest := time.Unix(0, b.until.Load()).Sub(began); rest < 2*checkEvery {
		t.Errorf("it is left out for %v, and the next check may be over only after %v", rest, 2*checkEvery)
	}
	status = http.StatusOK
	if b.ask("/health"); b.out() {
		t.Error("it is left out, and has passed a check")
	}
}

// TestURLs has what is said of URLs that name no server, which is never a password.
func TestURLs(t *testing.T) {
	const none = "is no server: write http://HOST:PORT"
	const port = "a port is a number from 1 to 65535"
	for _, c := range []struct{ url, want string }{
		{"http://127.0.0.1:8000", ""},
		{"https://a.test", ""},
		{"h2c://[::1]:65535/", ""},
		{"unix:/run/a.sock", ""},
		{"http://a.test:99999", port},
		{"http://a.test:0", port},
		{"http://ada:secret@a.test/", `"http://...@a.test/" ` + none},
		{"ada:secret@a.test", `"...@a.test" ` + none},
		{"http://ada:secret@a.test:x", `"http://...@a.test:x" ` + none},
		{"http://ada:se@cret@a.test", `"http://...@a.test" ` + none},
		{"http://a.test/path", none},
		{"ftp://a.test", "the scheme is http, https, h2c or unix"},
		{"unix:", none},
	} {
		p, err := New(c.url)
		if err == nil {
			p.Close()
		}
		got := fmt.Sprint(err)
		if (c.want == "") != (err == nil) || !strings.Contains(got, c.want) && c.want != "" || strings.Contains(got, "cret") {
			t.Errorf("%s: %v, want %s", c.url, err, c.want)
		}
	}
}

// TestStart has a server asked at once, before there is a request.
func TestStart(t *testing.T) {
	asked := make(chan string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	defer s.Close()
	p, err := New(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Check = "/health"
	p.Start()
	if path := <-asked; path != "/health" {
		t.Errorf("it is asked for %s", path)
	}
}
