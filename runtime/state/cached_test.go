package state_test

import (
	"sync"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
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

// TestCachedKeys verifies that the shorter way to a key, where it is one, leads to the same key, and that it
// stays within its room.
func TestCachedKeys(t *testing.T) {
	d := newDesk(t, grant(t, t.TempDir()))
	d.run(`f = cached(60, lambda: 1, name = "f")`)
	for source, short := range map[string]bool{
		`()`: true, `("tea",)`: true, `("", 0, -1, True, None)`: true, `(1 << 62, -1 << 63)`: true,
		`("a b/<>&'",)`: true, `(1 << 63,)`: false, `(1.0,)`: false, `("ü",)`: false, `("\"",)`: false,
		`("\\",)`: false, `("\n",)`: false, `("\x7f",)`: false, `([],)`: false, `({},)`: false, `((1,),)`: false,
		`("x" * 200,)`: true, `("x" * 240,)`: false, `tuple(range(60))`: true, `tuple(range(1000))`: false,
		`tuple(["x" * 50] * 5)`: false, `(-1 << 63,) * 11`: false,
	} {
		v, err := starlark.EvalOptions(dialect, new(starlark.Thread), "test", source, nil)
		if err != nil {
			t.Fatal(err)
		}
		key, plain, err := state.Keys(d.env["f"], v.(starlark.Tuple))
		if err != nil || (plain != "") != short || short && plain != key {
			t.Errorf("%s: the key is %q, the shorter way makes %q, %v", source, key, plain, err)
		}
	}
}

// TestCachedCost bounds what a result costs that is kept: the value itself is returned, not a copy.
func TestCachedCost(t *testing.T) {
	racetest.Skip(t)
	d := newDesk(t, grant(t, t.TempDir()))
	d.run(`f = cached(60, lambda drink, cups: {drink: cups}, name = "f")`)
	thread, args := new(starlark.Thread), starlark.Tuple{starlark.String("tea"), starlark.MakeInt(2)}
	allocated := testing.AllocsPerRun(100, func() {
		if _, err := starlark.Call(thread, d.env["f"], args, nil); err != nil {
			t.Fatal(err)
		}
	})
	if allocated > 1 {
		t.Errorf("a call makes %v allocations, want 1 at most", allocated)
	}
}
