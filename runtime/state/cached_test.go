package state_test

import (
	"sync"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/state"
	"go.starlark.net/starlark"
)

// TestCached verifies what a cached function returns, and when it calls the one inside.
func TestCached(t *testing.T) {
	d := newDesk(t, grant(t, t.TempDir()))
	d.run(`
asked = []
def ask(x, y = 0):
    asked.append((x, y))
    if x == "again":
        return slow(x)
    return (x, y, None) if x != "bad" else [][0]

slow = cached(60, ask)
brief = cached(0.001, ask, "brief")
`)
	d.want(
		`slow`, `<kv.cached test/ask>`,
		`slow("a", y = 1)`, `["a", 1, None]`,
		`slow("a", y = 1)`, `["a", 1, None]`,
		`slow("a", 1)`, `["a", 1, None]`,
		`asked`, `[("a", 1), ("a", 1)]`,
		`slow("a", 1).append(0)`, `error: append: cannot append to frozen list`,
		`slow("bad")`, `error: index 0 out of range: empty list`,
		`slow("bad")`, `error: index 0 out of range: empty list`,
		`len(asked)`, `4`,
		`slow("again")`, `usage: test/ask calls itself with the same arguments`,
		`slow(len)`, `value: test/ask: an argument is none that JSON can say: `,
		`slow(1)[0] + slow(1)[0]`, `2`,
		`len(asked)`, `6`,
		`cached(60, lambda: b"x", "bytes")()`, `value: the value is none that can be kept: cannot encode bytes`,
		`cached(60, lambda: 1)`, `usage: cached: the function has no name: pass name`,
		`cached(0, ask)`, `usage: cached: seconds is 0s, not from 1ms`,
		`cached(None, ask)`, `usage: cached: seconds is None: say`,
		`cached("40000h", ask)`, `usage: cached: seconds is 40000h0m0s, not from 1ms to 720h`,
		`cached(1, ask, "..")`, `usage: cached: the name of a cached function`,
	)
	d.run("while len(asked) < 8:\n    brief(0)\n")
	d.want(`asked[6:]`, `[(0, 0), (0, 0)]`) // it has ended in between
}

// TestCachedOnce verifies that of many who ask for the same at once, in two processes, one makes it for
// all; and that one who fails leaves it to another.
func TestCachedOnce(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 2 {
		d := newDesk(t, grant(t, dir))
		d.run("def make():\n    return counter(\"made\").add()\n" +
			"def fail_once():\n    n = counter(\"tried\").add()\n    return n if n > 1 else [][0]\n" +
			"once, again = cached(60, make), cached(60, fail_once)\n")
		for range 3 {
			all.Go(func() {
				d.want(`once()`, `1`)
				if got := d.eval(`again()`); got != "2" {
					d.want(`again()`, `2`)
				}
			})
		}
	}
	all.Wait()
}

// TestCachedAway verifies that what is cached goes on while nothing can be kept.
func TestCachedAway(t *testing.T) {
	g := &state.Grant{Dir: t.TempDir(), Guest: true} // and nobody has the server
	defer g.Close()
	values, err := state.KV().Values(&host.Load{Grant: g})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t, values}
	d.run("asked = []\ndef ask():\n    asked.append(1)\n    return len(asked)\nslow = cached(60, ask)\nb = bucket(\"b\")")
	d.want(`slow()`, `1`, `slow()`, `1`, `b.get("k")`, `unavailable: get: cannot keep anything in `)
}

// BenchmarkCached measures what a script pays for a result that is in memory.
func BenchmarkCached(b *testing.B) {
	values, err := state.KV().Values(&host.Load{Grant: grant(b, b.TempDir())})
	if err != nil {
		b.Fatal(err)
	}
	d := &desk{b, values}
	d.run("def ask(page, user):\n    return [page, user]\nslow = cached(60, ask)\n")
	thread, args := new(starlark.Thread), starlark.Tuple{starlark.String("/about"), starlark.MakeInt(17)}
	for b.Loop() {
		if _, err := starlark.Call(thread, d.env["slow"], args, nil); err != nil {
			b.Fatal(err)
		}
	}
}
