package random_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/random"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

func values(t testing.TB) starlark.StringDict {
	t.Helper()
	v, err := random.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// run runs a script that fails if something is wrong.
func run(t *testing.T, script string) {
	t.Helper()
	options := &syntax.FileOptions{Set: true, TopLevelControl: true, GlobalReassign: true}
	if _, err := starlark.ExecFileOptions(options, new(starlark.Thread), "test.star", script, values(t)); err != nil {
		t.Error(err)
	}
}

// What is drawn is within its bounds, and all that can come does. That a number of 20 is missing in
// 2,000 draws happens once in 10^43 runs.
func TestDrawn(t *testing.T) {
	run(t, `
def all(draw, n = 2000): return set([draw() for i in range(n)])
def check(got, want):
    if got != want: fail("got %s, want %s" % (got, want))

r = Random(1)
for m in [random, r]:
    check(all(lambda: m.randint(-2, 2)), set(range(-2, 3)))
    check(all(lambda: m.randrange(5)), set(range(5)))
    check(all(lambda: m.randrange(2, 5)), set(range(2, 5)))
    check(all(lambda: m.randrange(0, 20, 7)), set([0, 7, 14]))
    check(all(lambda: m.randrange(5, -5, -3)), set([5, 2, -1, -4]))
    check(all(lambda: m.randrange(-9223372036854775808, 9223372036854775807, 9223372036854775807)),
        set([-9223372036854775808, -1, 9223372036854775806]))
    check(all(lambda: m.choice("abc")), set(["a", "b", "c"]))
    check(all(lambda: m.choice(range(3))), set([0, 1, 2]))
    check(set(m.choices(["a", "b", "c"], [1, 0, 2], k = 500)), set(["a", "c"]))
    check(set(m.choices(["a", "b", "c"], cum_weights = [0, 1, 1.5], k = 500)), set(["b", "c"]))
    check(set(m.choices(["a", "b"], k = 500)), set(["a", "b"]))
    check(m.choices(["a"], k = -1), [])
    check(len(all(lambda: tuple(m.sample(range(4), 4)))), 24)
    check(all(lambda: len(set(m.sample(range(1000), 30)))), set([30]))
    check(m.sample([], 0), [])
    x = [1, 2, 3]
    seen = {}
    for i in range(2000):
        m.shuffle(x)
        seen[tuple(x)] = True
    check(len(seen), 6)
    check(len(m.randbytes(1000)), 1000)
    for i in range(1000):
        if not (0.0 <= m.random() and m.random() < 1.0): fail("random")
        if not (-1 <= m.uniform(-1, 3.5) and m.uniform(-1, 3.5) <= 3.5): fail("uniform")
    m.randint(-9223372036854775808, 9223372036854775807)

check(random() < 1, True)
check([Random("a").random() for i in range(3)], [Random("a").random()] * 3)
if Random("a").random() == Random(b"a").random(): fail("text and bytes are the same seed")
if Random().random() == Random().random(): fail("without a seed two are the same")
`)
}

func TestRefused(t *testing.T) {
	v := values(t)
	frozen, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "expr", "Random(1)", v)
	if err != nil {
		t.Fatal(err)
	}
	frozen.Freeze()
	v["frozen"] = frozen
	list := starlark.NewList([]starlark.Value{starlark.MakeInt(1), starlark.MakeInt(2)})
	list.Freeze()
	v["list"] = list
	for expr, want := range map[string]string{
		`choice([])`:                           "choice: there is nothing to choose from",
		`choice({"a": 1})`:                     "choice: for parameter seq: got dict, want a sequence; list(x) makes one",
		`choices([], k = 0)`:                   "choices: there is nothing to choose from",
		`choices([1], [1, 2])`:                 "choices: for parameter weights: there are 2, and 1 to choose from",
		`choices([1], [0])`:                    "choices: for parameter weights: together they are 0",
		`choices([1, 2], [1, -1])`:             "choices: for parameter weights: one is negative, or no number",
		`choices([1], [1], cum_weights = [1])`: "choices: pass weights or cum_weights, not both",
		`choices([1], [float("inf")])`:         "choices: for parameter weights: together they are +Inf",
		`choices([1], [float("nan")])`:         "choices: for parameter weights: one is negative, or no number",
		`choices([1], k = 1 << 30)`:            "choices: k is 1073741824, more than 1048576",
		`sample([1], 2)`:                       "sample: k is 2, and there are 1 to choose from",
		`sample(range(1 << 30), 1 << 29)`:      "sample: k is 536870912, more than 1048576",
		`randint(2, 1)`:                        "randint: there is no int from 2 to 1",
		`randint(0, 1 << 64)`:                  "randint: for parameter b: 18446744073709551616 out of range",
		`randrange(0)`:                         "randrange: there is no int in range(0, 0, 1)",
		`randrange(0, 5, 0)`:                   "randrange: there is no int in range(0, 5, 0)",
		`randrange(1.5)`:                       "randrange: for parameter start: got float, want int",
		`uniform(0, "a")`:                      "uniform: got int and string, want two numbers",
		`uniform(0, float("inf"))`:             "uniform: between 0 and +Inf there is no number to choose",
		`shuffle((1, 2))`:                      "shuffle: for parameter x: got tuple, want list",
		`shuffle(list)`:                        "shuffle: cannot assign to element of frozen list; sample(x, len(x)) returns another list",
		`randbytes(-1)`:                        "randbytes: n is -1, not from 0 to 16777216",
		`Random([1])`:                          "Random: for parameter seed: got list, want int, string, bytes or None",
		`frozen.random()`:                      "random: this generator was made while the script loaded",
	} {
		got, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "expr", expr, v)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %.100v, %v\nwant %s", expr, got, err, want)
		}
	}
}

// The functions of the module are for all requests at once.
func TestConcurrent(t *testing.T) {
	v := values(t)
	v.Freeze()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if _, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "expr", `random.sample(range(9), 3)`, v); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
