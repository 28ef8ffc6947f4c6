package site_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/site"
)

// A jar keeps sweets that can be eaten, one or all, and be shaken.
type jar struct {
	mu   sync.Mutex
	left []string
	done []string
}

var eat = host.Action{Name: "eat", Text: "Eat", Loses: "A sweet is gone."}

func (j *jar) Kept(context.Context) ([]host.Collection, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.left) == 0 {
		return nil, nil
	}
	return []host.Collection{{
		In: "jars", Name: "sweets", Kind: "jar", Count: int64(len(j.left)), Actions: []host.Action{
			{Name: "shake", Text: "Shake"}, {Name: "eat all", Text: "Eat all", Loses: "All of them are gone."},
		},
	}}, nil
}

func (j *jar) Look(context.Context, host.Collection, int, int) (*host.Sheet, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := &host.Sheet{Columns: []string{"sweet"}, Actions: []host.Action{eat}}
	for _, text := range j.left {
		s.Rows, s.Keys = append(s.Rows, []host.Cell{{Text: text}}), append(s.Keys, text)
	}
	return s, nil
}

func (j *jar) Change(_ context.Context, c host.Collection, action, row string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if row == "stone" {
		return fmt.Errorf("that is none")
	}
	j.done = append(j.done, strings.TrimSpace(action+" "+row))
	if action == "eat all" {
		j.left = nil
	}
	return nil
}

// TestChange verifies that the inspector does with what is kept what its buttons say, after a confirmation
// if something is lost; and for nobody but its own pages.
func TestChange(t *testing.T) {
	j := &jar{left: []string{"toffee", "stone"}}
	app := &site.Application{Grants: map[string]any{"jar": j}, FS: fstest.MapFS{
		"app.star": {Data: []byte("def app(environ, start_response):\n    start_response(\"204 No Content\", [])\n    return []\n")},
	}}
	at := serve(t, &site.Server{Develop: true}, &site.Site{Listen: []string{anywhere}, Mounts: []site.Mount{{App: app}}})
	path := "/_larkspur/kept/0/jar/jars/sweets"
	page := get(t, at+path)
	token := regexp.MustCompile(`name="token" value="([^"]{16,})"`).FindStringSubmatch(page)
	if token == nil || !strings.Contains(page, `name="row" value="toffee"`) {
		t.Fatalf("the page is\n%s", page)
	}
	if kept := get(t, at+"/_larkspur/kept"); strings.Contains(kept, token[1]) {
		t.Error("the list has the token")
	}
	for _, c := range []struct {
		what   string
		form   string
		header [2]string
		status int
		says   string // of the page
		done   string // by then
	}{
		{"without a token", "action=shake", [2]string{}, 403, "not asked for by a page of the inspector", ""},
		{"with another token", "action=shake&token=" + strings.Repeat("A", len(token[1])), [2]string{}, 403, "", ""},
		{"of another site", "action=shake&token=*", [2]string{"Origin", "https://evil.example"}, 403, "", ""},
		{"of a sandbox", "action=shake&token=*", [2]string{"Origin", "null"}, 403, "", ""},
		{"of another port", "action=shake&token=*", [2]string{"Origin", "http://127.0.0.1:1"}, 403, "", ""},
		{"of another site without Origin", "action=shake&token=*", [2]string{"Sec-Fetch-Site", "cross-site"}, 403, "", ""},
		{"of a proxy", "action=shake&token=*", [2]string{"X-Forwarded-For", "192.0.2.1"}, 403, "", ""},
		{"in the query", "", [2]string{"", "?action=shake&token=*"}, 403, "", ""},
		{"unknown", "action=burn&token=*", [2]string{}, 404, "There is no such action", ""},
		{"of a row", "action=eat&token=*", [2]string{}, 404, "", ""},
		{"of all", "action=shake&row=toffee&token=*", [2]string{}, 404, "", ""},
		{"that loses nothing", "action=shake&token=*", [2]string{}, 303, path, "shake"},
		{"that is not confirmed", "action=eat&row=toffee&token=*", [2]string{}, 200, "A sweet is gone.", "shake"},
		{"that is confirmed", "action=eat&row=toffee&sure=yes&token=*", [2]string{}, 303, path, "shake,eat toffee"},
		{"that fails", "action=eat&row=stone&sure=yes&token=*", [2]string{}, 409, "that is none", "shake,eat toffee"},
		{"of all, not confirmed", "action=eat+all&token=*&sure=no", [2]string{}, 200, "All of them are gone.", "shake,eat toffee"},
		{"of all", "action=eat+all&token=*&sure=yes", [2]string{}, 303, "/_larkspur/kept", "shake,eat toffee,eat all"},
		{"of nothing", "action=shake&token=*", [2]string{}, 404, "not kept any more", "shake,eat toffee,eat all"},
	} {
		fill := strings.NewReplacer("*", url.QueryEscape(token[1]))
		target := at + path
		if c.header[0] == "" {
			target += fill.Replace(c.header[1])
		}
		r, err := http.NewRequest("POST", target, strings.NewReader(fill.Replace(c.form)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if c.header[0] != "" {
			r.Header.Set(c.header[0], c.header[1])
		}
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		j.mu.Lock()
		done := strings.Join(j.done, ",")
		j.mu.Unlock()
		if res.StatusCode != c.status || !strings.Contains(string(body)+res.Header.Get("Location"), c.says) || done != c.done {
			t.Errorf("an action %s: %s, done is %q, want %d, %q:\n%s", c.what, res.Status, done, c.status, c.done, body)
		}
	}
	res, err := http.Get(at + path + "?action=shake&token=" + token[1])
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if len(j.done) != 3 {
		t.Errorf("a GET has done something: %v", j.done)
	}
}
