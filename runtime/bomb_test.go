package runtime_test

import (
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
)

// bombs are bodies of functions that would hold a processor for long, or for ever, in few steps.
var bombs = []struct{ name, body string }{
	{"square", "x = 3\nfor _ in range(40): x = x * x"},
	{"square in place", "x = 3\nfor _ in range(40): x *= x"},
	{"square of two names", "x, y = 3, 5\nfor _ in range(40): x, y = x * y, y * x"},
	{"factorial", "x = 1\nfor i in range(1 << 24): x = x * (i + 1 << 500)"},
	{"power by halves", "def f(x, n): return x if n == 0 else f(x * x, n - 1)\nf(3, 60)"},
	{"hash by subscript", "{}[tuples()]"},
	{"hash by assignment", "d = {}\nd[tuples()] = 1"},
	{"hash in a dict", "{tuples(): 1}"},
	{"hash in a comprehension", "{t: 1 for t in [tuples()]}"},
	{"hash by in", "tuples() in {1: 2}"},
	{"hash by get", "{}.get(tuples())"},
	{"hash by a method, later", "get = {}.get\nget(tuples())"},
	{"hash by getattr", "getattr({}, 'get')(tuples())"},
	{"hash by a method in a list", "[set().add][0](tuples())"},
	{"write by a method, later", "f = '{}'.format\nf(lists())"},
	{"in a long list", "x = [0] * 10000\nx in [[0] * 9999 + [1]] * 1000000"},
	{"index of a long list", "x = [0] * 10000\n([[0] * 9999 + [1]] * 1000000).index(x)"},
	{"index of a long list, later",
		"x = [0] * 10000\nf = ([[0] * 9999 + [1]] * 1000000).index\nf(x)"},
	{"hash by setdefault", "{}.setdefault(tuples(), 1)"},
	{"hash by update", "{}.update([(tuples(), 1)])"},
	{"hash by *args", "set().union(*[[tuples()]])"},
	{"hash by dict()", "dict([(tuples(), 1)])"},
	{"hash by set()", "set([tuples()])"},
	{"hash of pairs", "t = (1,)\nfor _ in range(60): t = (t,) * 2\n{t: 1}"},
	{"hash of sums", "t = (1,)\nfor _ in range(60): t = (t,) + (t,)\n{t: 1}"},
	{"hash of arguments", "def f(*a): return a\nt = (1,)\nfor _ in range(60): t = f(t, t)\n{t: 1}"},
	{"hash of a struct", "s = struct(a = 1)\nfor _ in range(60): s = struct(a = s, b = s)\n{s: 1}"},
	{"==", "wide() == wide()"},
	{"in a list", "wide() in [wide()]"},
	{"index", "[wide()].index(wide())"},
	{"== of dicts", "{1: wide()} == {1: wide()}"},
	{"sorted", "sorted([wide(), wide()])"},
	{"min", "min(wide(), wide())"},
	{"sorted by keys", "sorted(range(1000), key = lambda i: list(range(1 << 20)))"},
	{"str", "str(lists())"},
	{"print", "print(lists())"},
	{"fail", "fail(lists())"},
	{"%", `"%s" % lists()`},
	{"format by name", `"{x}".format(x = lists())`},
	{"str of a tuple", "str(tuples())"},
	{"min by sorted", "x = list(range(1 << 16))\nmin([x] * 10000, key = sorted)"},
	{"sorted by sorted", "x = list(range(1 << 19, 0, -1))\nsorted([x] * 7, key = sorted)\nspin()"},
	{"slices", "x = list(range(1 << 20)) * 2\nfor _ in range(1 << 24): x[1:]"},
	{"sums of lists", "x = list(range(1 << 20)) * 2\nfor _ in range(1 << 24): x + [1]"},
	{"sets compared", "a, b = set(range(1 << 18)), set(range(1 << 18))\nfor _ in range(1 << 24): a == b"},
	{"long first steps", "a = set(range(1 << 18))\nb = a | a\nfor _ in range(1 << 24): a == b"},
	{"union of sets", "a = set(range(1 << 17))\nfor _ in range(1 << 24): a | a"},
	{"upper", "s = 'a' * (1 << 22)\nfor _ in range(1 << 24): s.upper()"},
	{"count", "s = 'a' * (1 << 22)\nfor _ in range(1 << 24): s.count('ab')"},
	{"int to str", "x = 3\nfor _ in range(20): x = x * x\nfor _ in range(1 << 24): str(x)"},
	{"few long steps", "x = list(range(1 << 20))\nfor _ in range(200): x = x[:] if len(x) > 1 << 21 else x + x"},
	{"caught", "catch(lambda: [list(range(1 << 20))[i:] for i in range(1 << 24)])\nspin()"},
}

// source is a program whose application is a bomb.
func source(body string) string {
	return `load("@struct", "struct")
def tuples():
    t = (1,)
    for _ in range(60):
        t = (t, t)
    return t
def lists():
    x = [1]
    for _ in range(60):
        x = [x, x]
    return x
def wide():
    x = [1]
    for _ in range(8):
        x = [x] * 1000
    return x
def spin():
    while True: pass
def app():
    ` + strings.ReplaceAll(body, "\n", "\n    ") + "\n"
}

// TestBombs verifies that each of them ends after the time limit, with an error. The bound, on the
// time of a processor, is far off, for a machine whose memory is slow: a bomb takes years.
func TestBombs(t *testing.T) {
	racetest.Skip(t)
	const limit, bound = 100 * time.Millisecond, 20 * time.Second
	for _, bomb := range bombs {
		t.Run(bomb.name, func(t *testing.T) {
			p := program(t, runtime.Limits{Time: limit}, source(bomb.body), nil)
			var err error
			done := make(chan time.Duration, 1)
			go func() { done <- hosttest.CPU(func() { err = call(t.Context(), p) }) }()
			select {
			case took := <-done:
				if err == nil || took > bound {
					t.Errorf("it ended after %v with %v", took, err)
				}
			case <-time.After(15 * bound):
				t.Fatal("it does not end")
			}
		})
	}
}
