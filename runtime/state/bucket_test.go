package state_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/state"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A desk is the modules of one process, with which expressions are evaluated.
type desk struct {
	t   testing.TB
	env starlark.StringDict
}

// newDesk returns one of a grant, with a bucket b.
func newDesk(t testing.TB, g *state.Grant) *desk {
	t.Helper()
	d := &desk{t, make(starlark.StringDict)}
	builtins := new(runtime.Config).Builtins()
	d.env["catch"] = builtins["catch"]
	for _, m := range state.Modules() {
		values, err := m.Values(&host.Load{Grant: g})
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range values {
			d.env[name] = v
		}
	}
	d.run(`b = bucket("b")`)
	return d
}

var dialect = &syntax.FileOptions{TopLevelControl: true, GlobalReassign: true, While: true}

// run runs statements, which may bind names.
func (d *desk) run(source string) {
	d.t.Helper()
	f, err := dialect.Parse("test", source, 0)
	if err == nil {
		err = starlark.ExecREPLChunk(f, &starlark.Thread{Name: "test"}, d.env)
	}
	if err != nil {
		d.t.Fatalf("%s: %v", source, err)
	}
}

// eval returns what an expression is, or kind and message of its error.
func (d *desk) eval(source string) string {
	v, err := starlark.EvalOptions(dialect, &starlark.Thread{Name: "test"}, "test", source, d.env)
	if err != nil {
		return host.KindOf(err) + ": " + err.Error()
	}
	return v.String()
}

// want compares what expressions are, or how their errors begin.
func (d *desk) want(pairs ...string) {
	d.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		got := d.eval(pairs[i])
		if got != pairs[i+1] && !(strings.Contains(pairs[i+1], ": ") && strings.HasPrefix(got, pairs[i+1])) {
			d.t.Errorf("%s\n got %s\nwant %s", pairs[i], got, pairs[i+1])
		}
	}
}

// TestBucket compares what the methods return, one after the other in one bucket.
func TestBucket(t *testing.T) {
	d := newDesk(t, grant(t, t.TempDir()))
	d.run("h = bucket(\"h\", history = 3)\nlong = 999 * \"x\"")
	d.want(
		`b`, `<kv.bucket b>`,
		`b.name`, `"b"`,
		`b.get("k")`, `None`,
		`b.get("k", 7)`, `7`,
		`b.put("k", None)`, `1`,
		`b.get("k", 7)`, `None`,
		`b.put("k", [1, 2.5, "ü", True, {"a": (1, 2)}])`, `2`,
		`b.get("k")`, `[1, 2.5, "ü", True, {"a": [1, 2]}]`,
		`b.put("k", 1 << 70)`, `3`,
		`b.get("k") == 1 << 70`, `True`,
		`b.entry("k").version`, `3`,
		`(b.entry("k").key, b.entry("k").deleted, b.entry("k").time.year > 2000)`, `("k", False, True)`,
		`b.entry("none")`, `None`,
		`b.create("k", 1)`, `None`,
		`b.delete("k")`, `None`,
		`b.delete("none")`, `None`,
		`b.get("k")`, `None`,
		`b.entry("k")`, `None`,
		`b.keys()`, `[]`,
		`b.create("k", 1)`, `6`,
		`b.put("k", 2, version = 5)`, `conflict: put: another one changed it meanwhile`,
		`b.put("k", 2, version = 6)`, `7`,
		`b.put("new", 2, version = 1)`, `conflict: put: another`,
		`b.put("new", 2, version = 0)`, `8`,
		`b.put("new", 2, version = "8")`, `usage: put: version is "8", not one that`,
		`b.delete("new", version = 1)`, `conflict: delete: another`,
		`b.delete("new", version = 8)`, `None`,
		`b.update("n", lambda v: 1 if v == None else v + 1)`, `1`,
		`b.update("n", lambda v: 1 if v == None else v + 1)`, `2`,
		`b.update("n", lambda v: None)`, `2`,
		`b.update("none", lambda v: None)`, `None`,
		`b.update("n", lambda v: 1 // 0)`, `error: floored division by zero`,
		`b.get("n")`, `2`,

		// Keys are any text; dots separate their parts.
		`b.put("ü/*> =.x", 1) > 0`, `True`,
		`b.get("ü/*> =.x")`, `1`,
		`b.put("ü.a", 1) > 0`, `True`,
		`b.put("üa", 1) > 0`, `True`,
		`b.put("\x00", 0) > 0`, `True`,
		`b.keys()`, `["\x00", "k", "n", "ü.a", "ü/*> =.x", "üa"]`,
		`b.keys("ü")`, `["ü.a", "ü/*> =.x", "üa"]`,
		`b.keys("ü.")`, `["ü.a"]`,
		`b.keys("ü.a")`, `["ü.a"]`,
		`b.keys("ü.b")`, `[]`,
		`b.keys("x.y.z")`, `[]`,
		`b.items("ü")`, `[("ü.a", 1), ("ü/*> =.x", 1), ("üa", 1)]`,
		`b.get("")`, `key: get: a key is not empty`,
		`b.put(".a", 1)`, `key: put: a dot in a key stands between`,
		`b.create("a.", 1)`, `key: create: a dot in a key`,
		`b.update("a..b", lambda v: v)`, `key: update: a dot in a key`,
		`b.delete(256 * "a" + "b")`, `key: delete: a key has 257 bytes, and 256 at most`,
		`b.put(256 * "=", 1) > 0`, `True`,
		`b.get(256 * "=")`, `1`,
		`b.keys("..")`, `key: keys: a dot in a prefix`,
		`b.keys(257 * "a")`, `key: keys: a prefix has 257 bytes`,

		// Values are what JSON can say.
		`b.put("k", b"x")`, `value: put: the value is none that can be kept: cannot encode bytes`,
		`b.put("k", [float("nan")])`, `value: put: the value is none`,
		`b.put("k", {1: 2})`, `value: put: the value is none that can be kept: dict has int key, want string`,
		`b.put("k", [len])`, `value: put: the value is none`,
		`b.put("k", 1001 * [long])`, `size: put: the value is too large: `,
		`b.put("k", 990 * [long]) > 0`, `True`,
		`len(b.get("k"))`, `990`,

		// Histories.
		`[h.put("k", i) for i in range(5)]`, `[1, 2, 3, 4, 5]`,
		`[(e.value, e.version) for e in h.history("k")]`, `[(2, 3), (3, 4), (4, 5)]`,
		`h.history("none")`, `[]`,
		`h.put("k", 1, ttl = 5)`, `usage: put: a key has no ttl of its own in a bucket with a history`,
		`[h.delete("k"), [(e.value, e.deleted) for e in h.history("k")]]`, `[None, [(None, True)]]`,
		`b.put("k", 1, ttl = 0.5)`, `usage: put: ttl is 500ms, not from 1s`,
		`b.put("k", 1, ttl = "1 h")`, `usage: put: ttl is "1 h", which is no time: write "90s"`,
		`b.put("k", 1, ttl = [])`, `usage: put: ttl is list, neither seconds`,
		`bucket("larkspur_x")`, `usage: bucket: buckets whose names begin with larkspur are larkspur's own`,
		`bucket("b.c")`, `usage: bucket: "b.c" is no name of a bucket`,
		`bucket("b", ttl = -1)`, `usage: bucket: ttl is -1 seconds, not from 1s`,

		// Counters.
		`counter("x y").add()`, `1`,
		`counter("x y").add(-3)`, `-2`,
		`counter("x y").value()`, `-2`,
		`counter("x y").add(0)`, `-2`,
		`counter("x y").add((1 << 63) - 1)`, `9223372036854775805`,
		`counter("x y").add(10)`, `value: add: the counter is 9223372036854775805: with 10 more it has over 64 bits`,
		`counter("x y").value()`, `9223372036854775805`,
		`counter("none").value()`, `0`,
		`counter("")`, `key: counter: a key is not empty`,
		`counter("x", ttl = 0.5)`, `usage: counter: ttl is 500ms, not from 1s`,
		`counter("d").add(7)`, `7`,
		`counter("d").delete()`, `None`,
		`counter("d").value()`, `0`,
		`counter("d").add()`, `1`,
	)
}

// TestUpdates verifies that of what many change at once nothing is lost, whether they are in one
// process or in several.
func TestUpdates(t *testing.T) {
	dir := t.TempDir()
	desks := []*desk{newDesk(t, grant(t, dir)), newDesk(t, grant(t, dir))}
	const users, times = 3, 20
	var all sync.WaitGroup
	for _, d := range desks {
		d.run("def work():\n    for _ in range(20):\n        b.update(\"n\", lambda n: (n or 0) + 1)\n        counter(\"n\").add()\n")
		for range users {
			all.Go(func() {
				if _, err := starlark.Call(&starlark.Thread{}, d.env["work"], nil, nil); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	want := fmt.Sprint(len(desks) * users * times)
	for _, d := range desks {
		d.want(`b.get("n")`, want, `counter("n").value()`, want)
	}
}

// TestCreate verifies that of many who create the same key one does.
func TestCreate(t *testing.T) {
	d := newDesk(t, grant(t, t.TempDir()))
	var all sync.WaitGroup
	made := make(chan string, 8)
	for range cap(made) {
		all.Go(func() { made <- d.eval(`b.create("k", 1)`) })
	}
	all.Wait()
	close(made)
	n := 0
	for v := range made {
		if v != "None" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d have created it", n)
	}
}

// TestExpiry verifies that a key goes when its time has passed, a counter, too, and that who watches is told.
func TestExpiry(t *testing.T) {
	t.Parallel()
	d := newDesk(t, grant(t, t.TempDir()))
	d.run(`
short = bucket("short", ttl = 1)
b.put("kept", 1)

def gone(bucket, ttl):
    bucket.put("start", 0)
    for e in bucket.watch():
        if e.key == "start" and not e.deleted:
            bucket.put("k", 1, ttl)
        elif e.key == "k" and e.deleted:
            return e.value, bucket.get("k"), bucket.create("k", 2) != None
`)
	d.want(`gone(b, 1)`, `(None, None, True)`, `gone(short, None)`, `(None, None, True)`,
		`b.keys()`, `["k", "kept", "start"]`,
		`counter("c", ttl = 1).add(5)`, `5`)
	for d.eval(`counter("c").value()`) == `5` {
		time.Sleep(10 * time.Millisecond)
	}
	d.want(`counter("c").value()`, `0`, `counter("c", ttl = 1).add()`, `1`)
}

// TestWatch verifies that a watch gives what is there, and then each change, to many at once, and that
// it begins where it is told to.
func TestWatch(t *testing.T) {
	d := newDesk(t, grant(t, t.TempDir()))
	d.run(`
b.put("room.1", "a")
b.put("room.2", "b")
b.put("hall", "c")

def follow(prefix, until, initial = True):
    seen = []
    for e in b.watch(prefix, initial):
        if e.key == until:
            return seen
        if e.key == "start":
            b.put("room.1", "d")
            b.delete("room.2")
            b.put("hall", "e")
            b.put("room.end", 0)
        else:
            seen.append((e.key, e.value, e.deleted))
`)
	d.want(`follow("room.1", "room.1")`, `[]`,
		`len([e for e in [b.watch()]])`, `1`) // nothing is asked before it is iterated
	d.run(`b.put("start", 0)`)
	d.want(`follow("", "room.end")`,
		`[("hall", "c", False), ("room.1", "a", False), ("room.2", "b", False), ("room.1", "d", False), `+
			`("room.2", None, True), ("hall", "e", False)]`)
	d.run(`
b.put("many.1", 0)

def many():
    seen = []
    for e in b.watch("many."):
        seen.append(e.key)
        if e.key == "many.1" and counter("watching").add() == 3:
            b.put("many.2", 0)
        elif e.key == "many.2":
            return seen

def later(begun):
    for e in b.watch(initial = False):
        return e.key
`)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { d.want(`many()`, `["many.1", "many.2"]`) })
	}
	all.Wait()
	done := make(chan struct{})
	all.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			default:
				d.want(`b.put("tick", 0) > 0`, `True`)
			}
		}
	})
	d.want(`later(0)`, `"tick"`)
	close(done)
	all.Wait()
}

// TestFallenBehind verifies that who is slower than others miss nothing: what a feed has no longer is
// read from the stream.
func TestFallenBehind(t *testing.T) {
	d := newDesk(t, grant(t, t.TempDir()))
	d.run(`
h = bucket("h", history = 64)
h.put("begin", 0)
big = 700 * ["x" * 999]

def slow():
    seen = []
    for e in h.watch():
        if e.key == "begin":
            for i in range(7):
                h.put("k", [i, big])
        else:
            seen.append(e.value[0])
        if len(seen) == 7:
            return seen
`)
	d.want(`slow()`, `[0, 1, 2, 3, 4, 5, 6]`)
}

// TestDeclared verifies that a bucket is said while a program loads, and used afterwards.
func TestDeclared(t *testing.T) {
	g := grant(t, t.TempDir())
	load := func(source string) (*runtime.Program, error) {
		return runtime.Load(&runtime.Config{
			FS:      fstest.MapFS{"app.star": {Data: []byte("load(\"@kv\", \"bucket\", \"counter\")\n" + source)}},
			Modules: state.Modules(), Grants: map[string]any{"kv": g},
		}, "app.star")
	}
	for source, want := range map[string]string{
		`b = bucket("b")` + "\nx = b.get(\"k\")\ndef app(): pass":                     "usage: app.star:3:10: get: what is kept is not to be used while the program loads",
		`b = bucket("b"), bucket("b", ttl = 60)` + "\ndef app(): pass":                "usage: app.star:2:24: bucket: the bucket b is said twice",
		`b = bucket("b"), bucket("b")` + "\ndef app(): return b[1].put(\"k\", 1) > 0": "True",
		`def app(): return bucket("b")`:                                               "usage: app.star:2:25: bucket: bucket is called at the top level",
		`def app(): return counter("c").add()`:                                        "1",
	} {
		p, err := load(source)
		var v starlark.Value
		if err == nil {
			v, err = p.Do(t.Context())
			p.Close()
		}
		got := fmt.Sprint(v)
		if err != nil {
			got = host.KindOf(err) + ": " + err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
}
