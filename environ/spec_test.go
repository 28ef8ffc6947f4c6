package environ_test

import (
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
)

var update = flag.Bool("update", false, "rewrite the generated parts of SPEC.md")

// TestSpec checks that the tables of SPEC.md are those of the code; go test -update writes them.
func TestSpec(t *testing.T) {
	var keys, faults, rules strings.Builder
	keys.WriteString("| key | type | present | meaning |\n|---|---|---|---|\n")
	for _, k := range environ.Keys() {
		fmt.Fprintf(&keys, "| `%s` | %s | %s | %s |\n", k.Name, k.Type, k.Present, k.Meaning)
	}
	faults.WriteString("| code | fault | cause | cure |\n|---|---|---|---|\n")
	for _, f := range environ.Codes() {
		fmt.Fprintf(&faults, "| %s | %s | %s | %s |\n", f.Code, f.Title, f.Cause, f.Cure)
	}
	rules.WriteString("| | item | what holds | from |\n|---|---|---|---|\n")
	for i, r := range items {
		fmt.Fprintf(&rules, "| %d | %s | %s | %s |\n", i+1, r.Name, r.Must, r.From)
	}
	have, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	want := string(have)
	tables := map[string]string{"keys": keys.String(), "faults": faults.String(), "items": rules.String()}
	for name, table := range tables {
		open, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
		before, rest, ok := strings.Cut(want, open)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("SPEC.md has no place for the %s", name)
		}
		want = before + open + table + end + after
	}
	if *update {
		if err := os.WriteFile("SPEC.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(have) {
		t.Error("SPEC.md does not have the tables of the code: go test ./environ -run TestSpec -update")
	}
}

// TestKeysAreListed checks that each key of an environ is in the table, and that each that the
// table says is always there is, but those of the server.
//
// Items: documented-keys.
func TestKeysAreListed(t *testing.T) {
	r := httptest.NewRequest("POST", "https://localhost/?a=1", strings.NewReader("x"))
	r.Header.Set("Content-Type", "text/plain")
	d := new(environ.Config).New(environ.FromHTTP(r))
	listed := map[string]bool{}
	for _, k := range environ.Keys() {
		listed[k.Name] = true
		name := starlark.String(k.Name)
		if _, ok, _ := d.Get(name); !ok && k.Present == "always" && k.Owner != "server" {
			t.Errorf("%s is not there", k.Name)
		}
	}
	for _, k := range d.Dict().Keys() {
		name := string(k.(starlark.String))
		if !listed[name] && !strings.HasPrefix(name, "HTTP_") {
			t.Errorf("%s is not in the table", name)
		}
	}
}

// TestHeaders checks which header fields become keys.
//
// Items: no-http-content, header-variables, repeated-fields, underscores, proxy-field,
// connection-fields.
func TestHeaders(t *testing.T) {
	r := httptest.NewRequest("GET", "http://h.test/", nil)
	for _, f := range [][2]string{{"X-A", "1"}, {"X-A", "2"}, {"Cookie", "a=1"}, {"Cookie", "b=2"}, {"Proxy", "x"}, {"Te", "trailers"},
		{"Connection", "close"}, {"Transfer-Encoding", "chunked"}, {"Content-Type", "a/b"}, {"Content-Length", "0"}} {
		r.Header.Add(f[0], f[1])
	}
	r.Header["X_a"] = []string{"smuggled"}
	got := map[string]string{}
	for _, kv := range new(environ.Config).New(environ.FromHTTP(r)).Items() {
		if name, _ := starlark.AsString(kv[0]); strings.HasPrefix(name, "HTTP_") {
			got[name], _ = starlark.AsString(kv[1])
		}
	}
	want := map[string]string{"HTTP_HOST": "h.test", "HTTP_X_A": "1, 2", "HTTP_COOKIE": "a=1; b=2"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
