package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// A drawer is a host.Store of a process: it ends with it. What lasts longer is a bucket of @kv, or asks a
// database in the same four methods.
type drawer struct {
	host.Object
	mu   sync.Mutex
	last uint64
	rows map[string]drawn
}

type drawn struct {
	text    string
	version uint64
	ends    time.Time
}

func (d *drawer) row(key string) drawn {
	if r := d.rows[key]; time.Now().Before(r.ends) {
		return r
	}
	return drawn{}
}

func (d *drawer) Fetch(_ context.Context, key string) (text string, version uint64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.row(key)
	return r.text, r.version, nil
}

func (d *drawer) Store(
	_ context.Context, key, text string, version uint64, ttl time.Duration,
) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.row(key).version != version {
		return 0, nil
	}
	d.last++
	d.rows[key] = drawn{text, d.last, time.Now().Add(ttl)}
	return d.last, nil
}

func (d *drawer) Remove(_ context.Context, key string, version uint64) (done bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.row(key).version != version {
		return false, nil
	}
	delete(d.rows, key)
	return true, nil
}

func (d *drawer) RemoveAll(_ context.Context, prefix string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range d.rows {
		if strings.HasPrefix(key, prefix) {
			delete(d.rows, key)
		}
	}
	return nil
}

// An embedder keeps sessions where it likes: the script is passed a store of the embedder's own.
func ExampleModule_store() {
	app, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@session", "session", "sessions")

def answer(environ, start_response):
    visitor = session(environ)
    if environ["PATH_INFO"] == "/login":
        visitor.regenerate(owner = "ada")
    elif environ["PATH_INFO"] == "/everywhere":
        visitor.end_all()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["you are %s" % visitor.owner]

app = sessions(answer, store = drawer)
`)}},
		Modules:     []*host.Module{session.Module()},
		Predeclared: starlark.StringDict{"drawer": &drawer{Object: "drawer", rows: make(map[string]drawn)}},
	}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	s := httptest.NewServer(&server.Handler{App: app})
	defer s.Close()
	home, phone := browser(), browser()
	for _, step := range []struct {
		browser *http.Client
		path    string
	}{{home, "/login"}, {phone, "/login"}, {home, "/"}, {home, "/everywhere"}, {phone, "/"}} {
		res, err := step.browser.Get(s.URL + step.path)
		if err != nil {
			fmt.Println(err)
			return
		}
		var who string
		fmt.Fscanf(res.Body, "you are %s", &who)
		res.Body.Close()
		u, _ := url.Parse(s.URL)
		fmt.Println(step.path, who, len(step.browser.Jar.Cookies(u)))
	}
	// Output:
	// /login ada 1
	// /login ada 1
	// / ada 1
	// /everywhere None 0
	// / None 1
}

func browser() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar}
}
