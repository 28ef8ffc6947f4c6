package server_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/server"
)

// TestErrorPageIsWhatTheClientAccepts has an error for a browser, for programs and for who does not
// say.
func TestErrorPageIsWhatTheClientAccepts(t *testing.T) {
	h := &server.Handler{
		App: program(t, `
def app(environ, start_response):
    fail("<secret>")
`, nil),
		Logger: slog.New(slog.DiscardHandler),
	}
	const (
		text    = "text/plain; charset=utf-8"
		page    = "text/html; charset=utf-8"
		problem = "application/problem+json"
	)
	for _, test := range []struct {
		accept, media string
	}{
		{"", text},
		{"*/*", text},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", page},
		{"TEXT/HTML", page},
		{"application/json", problem},
		{"application/problem+json, text/html;q=0.5", problem},
		{"text/html;q=0.1, application/json;q=0.2", problem},
		{"text/html;q=0, application/json;q=x", text},
		{"image/png", text},
		{";;;,/,text/html;q", text},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept", test.accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		body := w.Body.String()
		if got := w.Header().Get("Content-Type"); got != test.media || w.Code != 500 {
			t.Errorf("%s: got %d %s, want 500 %s", test.accept, w.Code, got, test.media)
		}
		if !strings.Contains(body, "Internal Server Error") || strings.Contains(body, "secret") {
			t.Errorf("%s: got %s", test.accept, body)
		}
		if w.Header().Get("Vary") != "Accept" {
			t.Errorf("%s: Vary is %q", test.accept, w.Header().Get("Vary"))
		}
	}
}
