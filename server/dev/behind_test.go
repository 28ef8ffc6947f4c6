package dev_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/tee"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev"
)

// TestBehind verifies that what a worker tells of a request is shown by the server of the front as if
// it had been there: failures before the response and after, what was said and done, where a call was.
func TestBehind(t *testing.T) {
	logger := slog.New(tee.New(slog.DiscardHandler))
	_, dir := develop(t, slog.New(slog.DiscardHandler))
	app, err := runtime.Load(&runtime.Config{FS: runtime.Dir(dir), Logger: logger}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	worker, front := dev.New(""), dev.New("")
	var asked *http.Request // as the front has it
	places := 0
	worker.Tell = func(*http.Request) (func(host.Place), func(json.RawMessage)) {
		return func(host.Place) { places++ }, func(account json.RawMessage) { dev.Told(asked, account) }
	}
	answers := &server.Handler{ErrorPage: worker.ErrorPage, Logger: logger,
		App: worker.Develop(dev.Config{Tree: runtime.Dir(dir), Dir: dir}).Wrap(app, "", environ.Config{})}
	inside := worker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &host.Exchange{Method: "GET", URL: &url.URL{Scheme: "http", Host: "a.example", Path: "/b"}, Status: 200}
		seen.Read("what it answered")
		dev.NoteWork(r, host.Work{Kind: "fetch", Text: "GET http://a.example/b", Began: time.Now(), Seen: seen})
		dev.NoteWork(r, host.Work{Kind: "mail", Text: "mail", Began: time.Now(), Err: errors.New("it was not taken"),
			Seen: &host.Letter{To: []string{"ann@example.com"}, Failure: "connect"}})
		answers.ServeHTTP(w, r)
	}))
	shown := front.Develop(dev.Config{Tree: runtime.Dir(dir), Dir: dir})
	s := front.Handler(&server.Front{ErrorPage: front.ErrorPage, Logger: logger, Handler: shown.Behind(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r
			inside.ServeHTTP(w, r.WithContext(context.Background())) // as it comes to another process
		}), "", environ.Config{})})

	for accept, wants := range map[string][]string{
		"text/html":  {"floored division by zero", "<td>n</td><td>5</td>", `class="here"><i>7</i>`, "Traceback"},
		"text/plain": {"500 Internal Server Error", "LARK0501", ">    7          return n // 0", "n = 5"},
	} {
		w := ask(s, "POST", "/fail", "12345", "Accept: "+accept)
		for _, want := range wants {
			if text := w.Body.String(); w.Code != 500 || !strings.Contains(text, want) || w.Header().Get("Larkspur-Failure") != "" {
				t.Errorf("%s: %d, lacks %q:\n%s", accept, w.Code, want, text)
			}
		}
	}
	if text := ask(s, "POST", "/fail", "12345", "Origin: http://evil.example").Body.String(); strings.Contains(text, "//") {
		t.Errorf("somebody else is told %s", text)
	}
	if w := ask(s, "HEAD", "/fail", ""); w.Code != 500 || w.Body.Len() > 0 {
		t.Errorf("HEAD: %d %s", w.Code, w.Body)
	}
	func() {
		defer func() { _ = recover() }() // the response is broken off
		ask(s, "GET", "/late", "")
	}()
	for id, wants := range map[string][]string{
		"1": {"asked for /fail", "to the log", "GET http://a.example/b", "it was not taken", "12345"},
		"4": {"floored division by zero"},
		"5": {"broken off", "floored division by zero"},
	} {
		page := ask(s, "GET", "/_larkspur/requests/"+id, "").Body.String()
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("of request %s there is no %q:\n%s", id, want, page)
			}
		}
	}
	ask(s, "POST", "/_larkspur/requests/1/save", "")
	saved, err := os.ReadFile(filepath.Join(dir, "post_fail_test.star"))
	for _, want := range []string{`"GET http://a.example/b": {`, `"body": "what it answered"`, `mails(error = "connect")`} {
		if err != nil || !strings.Contains(string(saved), want) {
			t.Errorf("the test lacks %q: %v\n%s", want, err, saved)
		}
	}
	if places == 0 {
		t.Error("no call was followed")
	}
}
