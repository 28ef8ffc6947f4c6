package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/push"
)

// TestLearnKeeps verifies that what was learned is in the file long before the end, and that the
// file is left alone while nothing is.
func TestLearnKeeps(t *testing.T) {
	file := filepath.Join(t.TempDir(), "site.push")
	synctest.Test(t, func(t *testing.T) {
		recorder := new(push.Recorder)
		h := &push.Handler{
			Next:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}),
			Policy: &push.Policy{Recorder: recorder},
		}
		visit := func() {
			r := httptest.NewRequest(http.MethodGet, "/page", nil)
			r.Header.Set("Sec-Fetch-Dest", "document")
			h.ServeHTTP(httptest.NewRecorder(), r)
			r = httptest.NewRequest(http.MethodGet, "/a.css", nil)
			r.Header.Set("Sec-Fetch-Dest", "style")
			r.Header.Set("Referer", "http://example.com/page")
			for range 3 {
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		}
		visit()
		l := &learned{recorder: recorder, file: file}
		stop := l.keep(10*time.Second, slog.New(slog.DiscardHandler))
		time.Sleep(11 * time.Second)
		if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "/a.css") {
			t.Errorf("after 11 s: got %q, %v", text, err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if _, err := os.Stat(file); err == nil {
			t.Error("it was written again, and nothing was learned")
		}
		stop()
	})
}
