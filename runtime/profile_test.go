package runtime_test

import (
	"context"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"go.starlark.net/starlark"
)

// TestProfile verifies that a profile names the lines that take the time: of a loop without calls, of
// a builtin that the line calls, and of calls too short to be looked at by themselves; that it has no
// waits; and that there is one at a time.
func TestProfile(t *testing.T) {
	scripts := fstest.MapFS{"app.star": {Data: []byte(`load("time.star", "loop")
def slow(n):
    return sorted([n * 31 % 977 for n in range(n)])

def app():
    x = 1
    loop(2000)
    return slow(9000)

def short():
    return "a" + "b"
`)}, "time.star": {Data: []byte("def loop(n):\n    y = 0\n    for i in range(n):\n        y += i * i\n    return y\n")}}
	ctx, stop := context.WithCancel(t.Context())
	type result struct {
		samples []runtime.Sample
		err     error
	}
	done := make(chan result, 1)
	go func() {
		s, err := runtime.Profile(ctx)
		done <- result{s, err}
	}()
	over, giveUp := context.WithTimeout(t.Context(), 0)
	defer giveUp()
	for { // until the other one is made
		if _, err := runtime.Profile(over); err == runtime.ErrProfiled {
			break
		}
	}
	call := func(entry string, n int) {
		t.Helper()
		p, err := runtime.Load(&runtime.Config{FS: scripts}, entry)
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			if err := p.Call(t.Context(), func(_ context.Context, t *starlark.Thread, f starlark.Callable) error {
				_, err := starlark.Call(t, f, nil, nil)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	call("app.star", 8)
	call("app.star:short", 300)
	stop()
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	lines := map[string]time.Duration{}
	var all time.Duration
	for _, s := range got.samples {
		last := s.Stack[len(s.Stack)-1]
		lines[fmt.Sprintf("%s %s:%d", last.Name, last.Pos.Filename(), last.Pos.Line)] += s.Time
		all += s.Time
	}
	if lines["slow app.star:3"] < all/4 || lines["loop time.star:4"] == 0 || lines["short app.star:11"]+
		lines["short app.star:10"] == 0 {
		t.Errorf("of %v: %v", all, lines)
	}
}
