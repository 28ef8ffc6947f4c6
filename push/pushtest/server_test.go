package pushtest_test

//lint:file-ignore SA1019 The server of x/net, that of net/http with its settings within reach, is deprecated for it.

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/push/pushtest"
	"golang.org/x/net/http2"
)

// serve serves a handler with x/net's server, in cleartext or over TLS.
func serve(t testing.TB, secure bool, h http.Handler) (url string, config *tls.Config) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetHTTP2(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	if err := http2.ConfigureServer(s.Config, &http2.Server{MaxReadFrameSize: 16 << 10}); err != nil {
		t.Fatal(err)
	}
	s.TLS = s.Config.TLSConfig
	t.Cleanup(s.Close)
	if !secure {
		s.Start()
		return s.URL, nil
	}
	s.StartTLS()
	return s.URL, s.Client().Transport.(*http.Transport).TLSClientConfig
}

// dial connects, with the test's patience, and closes at the end of the test.
func dial(t testing.TB, url string, s *pushtest.Settings) *pushtest.Client {
	t.Helper()
	if s == nil {
		s = new(pushtest.Settings)
	}
	if s.Timeout == 0 {
		s.Timeout = 10 * time.Second
	}
	c, err := pushtest.Dial(t.Context(), url, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// site is a page that pushes what it links to, and answers that show what a client gets.
func site(t testing.TB) http.Handler {
	mux := http.NewServeMux()
	push := func(w http.ResponseWriter, target string) {
		if err := w.(http.Pusher).Push(target, &http.PushOptions{Header: http.Header{"Accept": {"text/css"}}}); err != nil && err != http.ErrNotSupported {
			t.Errorf("push %s: %v", target, err)
		}
	}
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		push(w, "/a.css")
		push(w, "/b.css?v=2")
		w.Header().Set("Link", "</a.css>; rel=preload; as=style")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte("<title>page</title>"))
	})
	css := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		_, _ = w.Write([]byte("/* " + r.URL.String() + " */"))
	}
	mux.HandleFunc("/a.css", css)
	mux.HandleFunc("/b.css", css)
	return mux
}
