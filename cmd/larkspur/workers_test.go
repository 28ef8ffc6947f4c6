package main

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/lib/sql/sqltest"
)

// TestWorkersReach has an application in a worker, which has no network, reach what is granted by the
// server: another server over TLS, one of PostgreSQL, state, one of mail; and nothing else.
func TestWorkersReach(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no other system confines a worker")
	}
	cluster := new(sqltest.Cluster)
	t.Cleanup(cluster.Stop)
	database := cluster.Database(t)
	backend := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "from the backend")
	}))
	defer backend.Close()
	dir, host := t.TempDir(), strings.TrimPrefix(backend.URL, "https://")
	root := filepath.Join(t.TempDir(), "root.pem")
	write(t, root, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: backend.Certificate().Raw})))
	write(t, filepath.Join(dir, "app.star"), `load("@fetch", "fetch")
load("@kv", "counter")
load("@mail", "send")
load("@sql", "database")

_db = database("notes")

def app(environ, start_response):
    start_response("200 OK", [])
    url = environ["QUERY_STRING"]
    if url:
        got, err = catch(fetch, url)
        return ["%s: %s" % (err.kind, err.message) if err else got.text()]
    _, err = catch(send, "ada@example.com", subject = "s", text = "t")
    return ["%s, %d, %s" % (_db.one("SELECT 1 + 1 AS n").n, counter("n").add(), err.kind)]
`)
	c := exec.Command("larkspur", "serve", "--workers", "1", "--listen", "http://127.0.0.1:0", "--data", filepath.Join(dir, "data"),
		"--grant", "sql:notes="+database, "--grant", "fetch="+host, "--grant", "mail=smtp://127.0.0.1:1?tls=none&from=a@example.com",
		filepath.Join(dir, "app.star"))
	c.Env = append(os.Environ(), "SSL_CERT_FILE="+root, "SSL_CERT_DIR="+t.TempDir())
	d, err := startDaemon(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.signal("TERM"); <-d.ended }()
	for _, test := range []struct{ query, want string }{
		{"", "2, 1, connect"},
		{"https://" + host + "/", "from the backend"},
		{"https://127.0.0.1:1/", "refused: fetch: GET https://127.0.0.1:1/: 127.0.0.1:1 is not granted; start it with --grant fetch=127.0.0.1:1"},
		{"", "2, 2, connect"},
	} {
		res, err := http.Get(d.urls[0] + "/?" + test.query)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(text) != test.want {
			t.Errorf("?%s: %s %q, want %q\n%s", test.query, res.Status, text, test.want, d.log)
		}
	}
}
