package apps_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/apps"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	libsite "github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
)

// TestLinkTitles makes links to a server that is granted, and to one that is not, which nothing then asks.
func TestLinkTitles(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a server that is not granted was asked for %s", r.URL)
	}))
	t.Cleanup(other.Close)
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		switch r.URL.Path {
		case "/tea":
			fmt.Fprint(w, "<title>Tea &amp; biscuits</title>")
		case "/long":
			fmt.Fprint(w, "<title>Long</title>", strings.Repeat("all of a long page ", 100_000))
		case "/moved":
			http.Redirect(w, r, "/tea", http.StatusFound)
		case "/away":
			http.Redirect(w, r, other.URL, http.StatusFound)
		case "/broken":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "<title>Broken</title>")
		}
	}))
	t.Cleanup(pages.Close)

	set, err := grant.Parse([]string{"fetch=" + strings.TrimPrefix(pages.URL, "http://")})
	if err != nil {
		t.Fatal(err)
	}
	set.Keep(t.TempDir(), nil)
	t.Cleanup(func() { set.Close() })
	app := &libsite.Application{FS: apps.FS}
	set.To(app)
	log := new(logBuffer)
	logger := slog.New(slog.NewTextHandler(log, nil))
	program, err := runtime.Load(app.Config(logger), "links/app.star")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{Server: httptest.NewServer(&server.Handler{App: program, Logger: logger}), log: log}
	t.Cleanup(s.Close)
	for i, want := range []struct{ url, title string }{
		{pages.URL + "/tea", "<b>Tea &amp; biscuits</b>"},
		{pages.URL + "/moved", "<b>Tea &amp; biscuits</b>"},
		{pages.URL + "/away", ""},
		{pages.URL + "/long", ""},
		{pages.URL + "/broken", ""},
		{pages.URL + "/nothing", ""},
		{other.URL, ""},
	} {
		form := url.Values{"url": {want.url}, "code": {fmt.Sprintf("link%d", i)}}
		s.check(t, request{path: "/", method: "POST", header: urlencoded, body: form.Encode(), status: 201, kind: text})
		r := request{path: fmt.Sprintf("/link%d+", i), status: 200, kind: page, want: []string{want.url, want.title}}
		if want.title == "" {
			r.lacks = "<br>"
		}
		s.check(t, r)
	}
}
