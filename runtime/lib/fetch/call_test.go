package fetch_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/fetch"
	"go.starlark.net/starlark"
)

// load loads a program, which has the members of the module.
func load(t testing.TB, g *fetch.Grant, script string) *runtime.Program {
	t.Helper()
	p, err := runtime.Load(&runtime.Config{
		FS:          fstest.MapFS{"app.star": {Data: []byte("load('@fetch', 'fetch', 'fetch_all', 'request')\n" + script)}},
		Modules:     []*host.Module{fetch.Module()},
		Grants:      map[string]any{"fetch": g},
		Limits:      runtime.Limits{Time: time.Minute},
		Predeclared: starlark.StringDict{"release": starlark.None},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	t.Cleanup(g.Close)
	return p
}

// call calls a program's app with strings, and returns what it returns, or its error.
func call(ctx context.Context, p *runtime.Program, args ...string) (string, error) {
	var got string
	err := p.Call(ctx, func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
		var values starlark.Tuple
		for _, a := range args {
			values = append(values, starlark.String(a))
		}
		v, err := starlark.Call(t, app, values, nil)
		if err == nil {
			got = v.String()
		}
		return err
	})
	return got, err
}

// run loads a script and calls its app.
func run(t testing.TB, g *fetch.Grant, script string, args ...string) string {
	t.Helper()
	got, err := call(t.Context(), load(t, g, script), args...)
	if err != nil {
		return "error: " + err.Error()
	}
	return got
}

// caught is an app that returns what fetch says, or the kind of its error.
const caught = `
def app(url, method = ""):
    r, err = catch(fetch, url, method = method, timeout = 20)
    return (err.kind, err.message) if err else (r.status, r.text())
`

// serve serves on the loopback, and returns the address.
func serve(t testing.TB, handler http.HandlerFunc) (address string) {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// A resolver is one of a test: each look-up of a name gives the next of its addresses.
type resolver struct {
	mu    sync.Mutex
	names map[string][]string
	asked map[string]int
}

func (r *resolver) lookup(_ context.Context, name string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.names[name]
	if len(all) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	if r.asked == nil {
		r.asked = make(map[string]int)
	}
	now := all[min(r.asked[name], len(all)-1)]
	r.asked[name]++
	var found []netip.Addr
	for text := range strings.FieldsSeq(now) {
		found = append(found, netip.MustParseAddr(text))
	}
	return found, nil
}

// await waits until a condition holds, which it soon must.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for range 3000 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}
