//go:build !race

package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/re"
	"go.starlark.net/starlark"
)

// hoards are bodies of functions that would take all the memory there is: in one step, or in many.
var hoards = []struct{ name, body string }{
	// Many steps.
	{"append strings", "l = []\nwhile True: l.append('x' * 10000)"},
	{"append lists", "l = []\nwhile True: l.append([0] * 1000)"},
	{"append ints", "l = []\nwhile True: l.append(len(l) + (1 << 40))"},
	{"append empty dicts", "l = []\nwhile True: l.append({})"},
	{"dict of ints", "d = {}\nwhile True: d[len(d)] = 1"},
	{"nested list", "l = []\nwhile True: l = [l, 1.5]"},
	{"closures", "f = None\nwhile True: f = [lambda: f, f]"},
	{"structs", "s = None\nwhile True: s = struct(a = s, b = 'x' * 1000)"},
	{"comprehension", "[['x' * 1000] for _ in range(1 << 20)]"},
	{"comprehension of a dict", "{i: ['x' * 1000] for i in range(1 << 20)}"},
	{"recursion", "def f(n):\n    s = 'x' * (1 << 18)\n    return f(n + 1) + s\nf(0)"},
	{"recursion of arguments", "def f(s): return len(f(s[:1] * 300000)) + 1\nf('x')"},
	{"captured", "x = []\ndef f(): x.append('x' * 1000)\nwhile True: f()"},
	{"held by a key", "sorted(range(1 << 20), key = lambda i: 'x' * 100000)"},
	{"held by the operands", "def f(n): return ['x' * (1 << 20), f(n + 1)]\nf(0)"},
	{"held by loops", "def f(n):\n    for x in ['x' * (1 << 20) + str(n)]:\n        x = None\n        f(n + 1)\nf(0)"},
	{"held by loops of lists", "def f(n):\n    for x in [0] * (1 << 18): f(n + 1)\nf(0)"},
	{"held by comprehensions", "def f(n): return [f(n + 1) for x in [0] * (1 << 18)]\nf(0)"},
	{"ints", "l = []\nx = 3\nfor _ in range(18): x = x * x\nwhile True: l.append(x + len(l))"},
	{"shift", "x = 1\nl = []\nwhile True: x = x << 511; l.append(x)"},
	{"slices", "s = list(range(1 << 16))\nl = []\nwhile True: l.append(s[:-1])"},
	{"sums of strings", "s = 'x' * (1 << 20)\nl = []\nwhile True: l.append(s + str(len(l)))"},
	{"large in few steps", "l = [('x' * (1 << 25)) + str(i) for i in range(1000)]"},
	{"double a string", "s = 'x'\nwhile True: s = s + s"},
	{"double a string in place", "s = 'x'\nwhile True: s += s"},
	{"double a list", "l = [1]\nwhile True: l = l + l"},
	{"double a list in place", "l = [1]\nwhile True: l += l"},
	{"extend itself", "l = [1]\nwhile True: l.extend(l)"},
	{"double a tuple", "t = (1,)\nwhile True: t += t"},
	{"double bytes", "b = b'x'\nwhile True: b = b + b"},
	{"cycles", "l = []\nwhile True: l = [l, 'x' * 1000]; l.append(l)"},
	{"caught", "def f():\n    l = []\n    while True: l.append('x' * 10000)\nwhile True: catch(f)"},
	// Forever, or for years.
	{"loop", "while True: pass"},
	{"loop over a range", "for i in range(1 << 60): pass"},
	{"recursion without memory", "def f(): return f()\nf()"},
	{"all of a range", "all(range(1, 1 << 60))"},
	{"max of a range", "max(range(1 << 24))"},
	{"sorted range", "sorted(range(10000000), reverse = True)"},
	{"int of digits", "int('9' * 10000000)"},
	{"square", "x = 3\nfor _ in range(60): x = x * x"},
	{"square in place", "x = 3\nfor _ in range(60): x *= x"},
	{"shift by much", "1 << 512"},
	{"hash of a shared tuple", "{tuples(): 1}"},
	{"compare shared lists", "wide() == wide()"},
	{"source of parentheses", strings.Repeat("(", 500000)},
	{"source of nots", strings.Repeat("not ", 250000)},
	{"source of lambdas", strings.Repeat("lambda: ", 100000)},
	{"source of sums", "x = 1" + strings.Repeat("+1", 5000000) + "\ndef app(): pass"},
	// One step.
	{"string times", "'x' * ((1 << 30) - 1)"},
	{"times string", "n = (1 << 30) - 1\nn * 'x'"},
	{"string times in place", "s = 'x' * 1000\ns *= 1000000"},
	{"bytes times", "b'x' * ((1 << 30) - 1)"},
	{"list times", "[0] * ((1 << 30) - 1)"},
	{"list times in place", "l = [0]\nl *= (1 << 30) - 1"},
	{"tuple times", "(0,) * ((1 << 30) - 1)"},
	{"times by name", "l, n = [0], (1 << 30) - 1\nl * n"},
	{"replace", "s = 'a' * 100000\ns.replace('a', s)"},
	{"replace nothing", "s = 'a' * 100000\ns.replace('', s)"},
	{"replace, later", "s = 'a' * 100000\nf = s.replace\nf('a', s)"},
	{"replace by getattr", "s = 'a' * 100000\ngetattr(s, 'replace')('a', s)"},
	{"replace by a literal", "s = 'a' * (1 << 24)\ns.replace('a', '0123456789012345678901234567890123456789')"},
	{"join", "s = 'a' * 1000000\ns.join([''] * 20000)"},
	{"join the same", "s = 'a' * 1000000\n''.join([s] * 20000)"},
	{"join, later", "s = 'a' * 1000000\nf = ''.join\nf([s] * 20000)"},
	{"% of the same", "s = 'a' * (1 << 24)\n('%s' * 60) % ((s,) * 60)"},
	{"% by name", "s = 'a' * (1 << 20)\n('%(s)s' * 10000) % {'s': s}"},
	{"% of few", "s = 'a' * (1 << 24)\n'%s %s %s %s %s %s %s %s' % (s, s, s, s, s, s, s, s)"},
	{"% in place", "s = 'a' * (1 << 20)\nf = '%(s)s' * 10000\nf %= {'s': s}"},
	{"format of the same", "s = 'a' * (1 << 20)\n('{0}' * 10000).format(s)"},
	{"format by name", "s = 'a' * (1 << 20)\n('{s}' * 10000).format(s = s)"},
	{"format, later", "s = 'a' * (1 << 20)\nf = ('{0}' * 10000).format\nf(s)"},
	{"split", "s = 'a,' * (1 << 23)\ns.split(',')"},
	{"split white space", "s = 'a ' * (1 << 23)\ns.split()"},
	{"rsplit", "s = 'a,' * (1 << 23)\ns.rsplit(',', 1 << 30)"},
	{"splitlines", "s = '\\n' * (1 << 24)\ns.splitlines()"},
	{"elems", "s = 'a' * (1 << 24)\nl = []\nl.extend(s.elems())"},
	{"elems in place", "s = 'a' * (1 << 24)\nl = []\nl += s.codepoints()"},
	{"elems as arguments", "s = 'a' * (1 << 24)\ndef f(*a): return len(a)\nf(*s.elems())"},
	{"repr", "s = '\\0' * (1 << 24)\nrepr(s)"},
	{"str in a list", "s = '\\0' * (1 << 24)\nstr([s])"},
	{"bytes of a string", "l = []\nwhile True: l.append(bytes('x' * 1000000))"},
	{"zip", "zip(*[range(1 << 20)] * 100)"},
	{"enumerate", "l = []\nwhile True: l.append(enumerate(range(1 << 16)))"},
	{"set", "l = []\nwhile True: l.append(set(range(1 << 16)))"},
	{"extend by ranges", "l = []\nwhile True: l.extend(range(1 << 20))"},
	{"extend by ranges in place", "l = []\nwhile True: l += range(1 << 20)"},
	{"update by a range", "set().update(range(1 << 21))"},
	{"arguments of ranges", "def f(*a): return f(*range(1 << 20))\nf()"},
	{"upper", "s = 'ɐ' * (1 << 24)\nl = []\nwhile True: l.append(s.upper())"},
	{"str of a shared list", "str(lists())"},
	{"json of a shared list", "json.encode(lists())"},
	{"json of dicts", "json.decode('[' + '{},' * 900000 + '{}]')"},
	{"json indented", "json.indent('[' * 900 + ']' * 900, indent = ' ' * 100000)"},
	{"deep json", "json.decode('[' * 1000000)"},
	{"re.sub", "s = 'a' * (1 << 20)\nre.sub('a', s, s)"},
	{"re.sub by a function", "s = 'a' * (1 << 20)\nre.sub('a', lambda m: s, s)"},
	{"re.findall", "l = []\nwhile True: l.append(re.findall('a', 'a' * 100000))"},
}

const (
	bombEnv   = "LARKSPUR_TEST_HOARD"
	hoardTime = 20 * time.Second // of a call
)

// refused are errors that say why a step was not taken, or a file not compiled.
var refused = regexp.MustCompile("(larger|longer|deeper|more) than|too (large|deep|long)|nesting")

// hoard is what became of a bomb.
type hoard struct {
	Outcome string
	Limit   bool // it ended at a limit
	CPU     time.Duration
	Beyond  time.Duration // its time, on the clock
	Peak    int64         // bytes, over what the process had
}

// TestHoards verifies that none of them takes much more than the limit of memory, and prints what
// each does. Each runs in a process of its own, which would die where this one is to live.
func TestHoards(t *testing.T) {
	racetest.Skip(t)
	const limit = 32 << 20
	if name := os.Getenv(bombEnv); name != "" {
		for _, b := range hoards {
			if b.name == name {
				json.NewEncoder(os.Stdout).Encode(explode(t, b.name, b.body, limit))
				os.Exit(0)
			}
		}
	}
	if testing.Short() {
		t.Skip("each is a process of its own")
	}
	fmt.Printf("%-30s %8s %8s %10s  %s\n", "", "CPU", "beyond", "peak", "outcome")
	for _, b := range hoards {
		t.Run(b.name, func(t *testing.T) {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHoards$")
			child.Env = append(os.Environ(), bombEnv+"="+b.name, "GOMEMLIMIT=off", "GOGC=100")
			out, err := child.Output()
			var h hoard
			if json.Unmarshal(out, &h) != nil {
				var stderr []byte
				if exit, ok := err.(*exec.ExitError); ok {
					stderr = exit.Stderr
				}
				t.Fatalf("the process ended: %v\n%.300s%.300s", err, out, stderr)
			}
			fmt.Printf("%-30s %8v %8v %6d MiB  %s\n", b.name, h.CPU.Round(time.Millisecond),
				h.Beyond.Round(time.Millisecond), h.Peak>>20, h.Outcome)
			if !h.Limit {
				t.Errorf("it ended with %s", h.Outcome)
			}
			// What it may hold, and what a processor can fill until that is seen.
			if h.Peak > 4*limit+256<<20 {
				t.Errorf("it had %d MiB", h.Peak>>20)
			}
			if h.CPU > 30*time.Second {
				t.Errorf("it took %v of the processor", h.CPU)
			}
		})
	}
}

// TestRelief verifies that the call which holds most ends first when the process comes near its
// limit, while one that holds little goes on.
func TestRelief(t *testing.T) {
	if os.Getenv(bombEnv) == "" {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRelief$")
		child.Env = append(os.Environ(), bombEnv+"=relief", "GOMEMLIMIT=192MiB")
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	confine(2 << 30)
	p, err := runtime.Load(&runtime.Config{Limits: runtime.Limits{Memory: 1 << 30, Time: time.Minute},
		FS: tree("app.star", `
def app(): pass
def hold(n):
    l = ["x" * 100000 + str(i) for i in range(n)]
    while True: len(l)
def small(): hold(10)
def half(): hold(500)
def most(): hold(100000)
`)}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(map[string]chan error)
	for _, name := range []string{"small", "half", "most"} {
		done := make(chan error, 1)
		ended[name] = done
		go func() {
			done <- p.Call(ctx, func(_ context.Context, t *starlark.Thread, _ starlark.Callable) error {
				_, err := starlark.Call(t, p.Globals()[name], nil, nil)
				return err
			})
		}()
	}
	var limit *runtime.LimitError
	if err := <-ended["most"]; !errors.As(err, &limit) || limit.Kind != "memory" ||
		limit.Limit != 192<<20 || host.PlaceOf(err) == "" || !strings.Contains(err.Error(), "held most") {
		t.Errorf("most: got %v", err)
	}
	stop()
	for _, name := range []string{"small", "half"} {
		if err := <-ended[name]; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want it to go on", name, err)
		}
	}
}

// explode calls a bomb.
func explode(t *testing.T, name, body string, limit int64) (h hoard) {
	confine(2 << 30)
	text := strings.Replace(source(body), "\n", "\nload('@json', 'json')\nload('@re', 're')\n", 1)
	if strings.HasPrefix(name, "source of ") {
		text = body
	}
	before, began, start := peak(), cpu(), time.Now()
	p, err := runtime.Load(&runtime.Config{
		FS: tree("app.star", text), Modules: []*host.Module{re.Module()},
		Limits: runtime.Limits{Memory: limit, Time: hoardTime, Steps: 50_000_000},
	}, "app.star")
	if err == nil {
		err = call(t.Context(), p)
	}
	h.CPU, h.Peak = cpu()-began, peak()-before
	h.Beyond = max(time.Since(start)-hoardTime, 0)
	h.Outcome = "no error"
	if err != nil {
		h.Outcome, _, _ = strings.Cut(err.Error(), "\n")
		h.Limit = host.TimedOut(err) || refused.MatchString(h.Outcome)
		h.Outcome = h.Outcome[:min(len(h.Outcome), 120)]
	}
	return h
}

// peak returns how many bytes of memory the process has had at once.
func peak() int64 {
	text, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	n, _ := strconv.ParseInt(strings.Fields(rest + " 0")[0], 10, 64)
	return n << 10
}

// cpu returns what the process has had of the processor.
func cpu() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// confine has the process die if it takes more than so many bytes.
func confine(n uint64) {
	syscall.Setrlimit(2 /* RLIMIT_DATA */, &syscall.Rlimit{Cur: n, Max: n})
}
