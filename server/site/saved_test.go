package site_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/fetch"
	"github.com/larkspur-web/larkspur/runtime/lib/mail"
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
	"github.com/larkspur-web/larkspur/runtime/suite"
	"github.com/larkspur-web/larkspur/server/site"
)

// errands is an application that needs a session, and asks and sends what is outside.
const errands = `load("@fetch", "fetch", "fetch_all")
load("@mail", "send")
load("@session", "sessions")
load("@sql", "database")

_db = database("notes")
_FEED = "FEED"

def _app(environ, start_response):
    session = environ["larkspur.session"]
    path = environ["PATH_INFO"]
    if path == "/login":
        session["user"], session["api_token"] = "ada", "hush-session"
        start_response("204 No Content", [])
        return []
    if not session.get("user"):
        start_response("403 Forbidden", [])
        return []
    _db.value("SELECT 1 + ?", 1)
    titles = [fetch(_FEED + "/feed?api_key=hush-query&page=%d" % page).json()["title"] for page in [1, 1]]
    pages = [fetch(_FEED + "/page?n=%d" % n).text() for n in [1, 2, 2]]
    moved = fetch(_FEED + "/old").text()
    streamed = fetch(_FEED + "/chunked").text()
    gone = catch(fetch, "http://127.0.0.1:1/")[1].kind
    send(["bob@example.com"], "News: " + titles[0], text = moved, sender = "me@example.com")
    send("carol@example.com", "More \"news\"", text = moved, sender = "me@example.com")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [" ".join([session["user"]] + titles + pages + [moved, streamed, gone])]

app = sessions(_app)
`

// TestSavedOutside saves a request that came with a session, asked other servers, sent mails and used a database, and
// runs the test: it passes where nothing of that is there, and no secret is in it.
func TestSavedOutside(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/feed":
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"title": "Tea", "author": "Ann", "access_token": "hush-answer", "n": 1}`)
		case "/page":
			io.WriteString(w, "p"+r.FormValue("n"))
		case "/old":
			http.Redirect(w, r, "/new?token=hush-location", http.StatusFound)
		case "/new":
			io.WriteString(w, "moved")
		case "/chunked":
			io.WriteString(w, "in ")
			w.(http.Flusher).Flush()
			io.WriteString(w, "blocks")
		}
	}))
	dir := t.TempDir()
	script := strings.ReplaceAll(errands, "FEED\"\n", upstream.URL+"\"\n")
	if err := os.WriteFile(filepath.Join(dir, "app.star"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	databases := &sql.Grant{Dir: filepath.Join(dir, "kept"), Prepare: func() error { return os.MkdirAll(filepath.Join(dir, "kept"), 0o700) }}
	defer databases.Close()
	app := site.Dir(dir, "app.star")
	app.Modules = []*host.Module{mail.Module(), sql.Module()}
	app.Grants = map[string]any{
		"sql":        databases,
		"fetch":      &fetch.Grant{Hosts: []string{strings.TrimPrefix(upstream.URL, "http://"), "127.0.0.1:1"}},
		session.Name: session.Random(),
		"mail":       &mail.Grant{Outbox: new(mail.Outbox)},
	}
	url := serve(t, &site.Server{Develop: true}, &site.Site{Listen: []string{anywhere}, Mounts: []site.Mount{{App: app}}})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	ask := func(method, path string) string {
		t.Helper()
		q, err := http.NewRequest(method, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode >= 400 {
			t.Fatal(res.Status, string(body), err)
		}
		return string(body)
	}
	ask("GET", "/login")
	if got := ask("GET", "/news"); got != "ada Tea Tea p1 p2 p2 moved in blocks connect" {
		t.Fatal(got)
	}
	ask("POST", "/_larkspur/requests/2/save")
	upstream.Close()
	text, err := os.ReadFile(filepath.Join(dir, "get_news_test.star"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", text)
	if strings.Contains(string(text), "hush") {
		t.Error("a secret is in it")
	}
	for _, want := range []string{`session = {"api_token": "•••••• (12 bytes, masked)", "user": "ada"}`, "Masked", "/feed\": {\"headers\"", `\"title\": \"Tea\", \"author\": \"Ann\"`,
		"/page?n=2\"", "SELECT 1 + ?", `(["bob@example.com"], "News: Tea"),`, `(["carol@example.com"], "More \"news\""),`,
		`"GET http://127.0.0.1:1/": {"error": "connect"},`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("it lacks %s", want)
		}
	}
	tests, err := app.Tests(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	if err := tests.Run(t.Context(), []string{"get_news_test.star"}, func(r *suite.Result) {
		if ran++; r.Failed() {
			t.Errorf("%s: %v", r.Name, r.Err)
		}
	}); err != nil || ran != 1 {
		t.Error(ran, err)
	}
}
