package state_test

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/state"
	"go.starlark.net/starlark"
)

// A tree is scripts that can be changed.
type tree struct{ fstest.MapFS }

func (t tree) save(source string) { t.MapFS["app.star"] = &fstest.MapFile{Data: []byte(source)} }

// config is that of programs with the modules, whose function told(x) sends to a channel.
func config(g *state.Grant, files tree, told chan<- string) *runtime.Config {
	grants := make(map[string]any)
	for _, m := range state.Modules() {
		grants[m.Name] = g
	}
	return &runtime.Config{
		FS: files, Modules: state.Modules(), Grants: grants,
		Predeclared: starlark.StringDict{
			"told": host.Func("told", func(v starlark.Value) { told <- v.String() }),
		},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// TestQueue verifies that jobs are done in their order, tried again when they fail, and kept with their
// error when they go on failing; that those with a key are done once, and those with a delay later.
func TestQueue(t *testing.T) {
	g := grant(t, t.TempDir())
	told := make(chan string, 100)
	files := tree{fstest.MapFS{}}
	files.save(`
load("@kv", "counter")
load("@queue", "queue")

def work(job):
    n = counter("tries." + job["to"]).add()
    told((job["to"], n))
    if n <= job.get("fails", 0):
        fail("no %s" % job["to"])

mails = queue("mails", work, retries = 1, backoff = 0.01)
other = queue("other")

def app(to, fails, delay, key):
    return mails.put({"to": to, "fails": fails}, delay = delay, key = key) != None

def size(_a, _b, _c, _d):
    return mails.size()

def another():
    return other.put(1) != None, other.size()
`)
	p, err := runtime.Load(config(g, files, told), "app.star")
	if err != nil {
		t.Fatal(err)
	}
	put := func(to string, fails int, delay float64, key any, want bool) {
		t.Helper()
		v, err := p.Do(t.Context(), to, fails, delay, key)
		if err != nil || v != starlark.Bool(want) {
			t.Fatalf("%s: %v, %v", to, v, err)
		}
	}
	hear := func(want ...string) {
		t.Helper()
		for _, w := range want {
			if got := <-told; got != w {
				t.Fatalf("got %s, want %s", got, w)
			}
		}
	}
	put("late", 0, 0.3, nil, true)
	put("ann", 0, 0, nil, true)
	put("bob", 0, 0, nil, true)
	hear(`("ann", 1)`, `("bob", 1)`)
	put("once", 0, 0, "k/ü", true)
	put("once", 0, 0, "k/ü", false)
	put("twice", 1, 0, nil, true)
	hear(`("once", 1)`, `("twice", 1)`, `("twice", 2)`)
	put("never", 2, 0, nil, true)
	hear(`("never", 1)`, `("never", 2)`)
	put("last", 0, 0, nil, true)
	for _, heard := range []string{<-told, <-told} {
		if heard != `("last", 1)` && heard != `("late", 1)` {
			t.Errorf("heard %s", heard)
		}
	}
	dead, err := g.Dead(t.Context(), "mails")
	if err != nil || len(dead) != 1 {
		t.Fatalf("the dead are %v, %v", dead, err)
	}
	d := dead[0]
	if string(d.Value) != `{"fails":2,"to":"never"}` || d.Error != "no never" || d.Attempts != 2 ||
		!strings.Contains(d.Backtrace, "app.star:9:13") || d.Queue != "mails" {
		t.Errorf("the dead job is %+v", d)
	}
	if err := g.Retry(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	hear(`("never", 3)`)
	if dead, err := g.Dead(t.Context(), ""); len(dead) != 0 || err != nil {
		t.Errorf("after that there are %v, %v", dead, err)
	}
	p.Close()
	sized, err := runtime.Load(config(g, files, told), "app.star:size")
	if err != nil {
		t.Fatal(err)
	}
	defer sized.Close()
	for v := ""; v != "0"; { // the last job may be about to be acknowledged
		got, err := sized.Do(t.Context(), 0, 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		v = got.String()
	}
	other, err := runtime.Load(config(g, files, told), "app.star:another")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if v, err := other.Do(t.Context()); fmt.Sprint(v) != "(True, 1)" {
		t.Errorf("the other queue says %v, %v", v, err)
	}
	if all, err := g.Queues(t.Context()); fmt.Sprint(all) != "[{other 1 0}]" {
		t.Errorf("the queues are %v, %v", all, err)
	}
}

// TestQueueDead verifies that work is told which try it is, and that a program sees its dead jobs, and has them
// done again or drops them.
func TestQueueDead(t *testing.T) {
	told := make(chan string, 10)
	files := tree{fstest.MapFS{}}
	files.save(`
load("@queue", "queue")

def work(value, job):
    told((value, job.tries, job.last, job.key, job.id != ""))
    fail("no")

q = queue("q", work, retries = 1, backoff = 0.01)

def app(do):
    if do == "put":
        return q.put(1, key = "k") != None
    return [(d.value, d.key, d.tries, d.error, "app.star:6:9" in d.backtrace, getattr(d, do)()) for d in q.dead()]
`)
	p, err := runtime.Load(config(grant(t, t.TempDir()), files, told), "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const dead = `[(1, "k", 2, "no", True, None)]`
	do := func(what, want string) { // what is heard comes before the job is with the dead
		t.Helper()
		for {
			v, err := p.Do(t.Context(), what)
			if err != nil {
				t.Fatal(err)
			}
			if got := v.String(); got == want {
				return
			} else if want != dead || got != "[]" {
				t.Fatalf("%s: got %s, want %s", what, got, want)
			}
		}
	}
	hear := func() {
		t.Helper()
		for _, want := range []string{`(1, 1, False, "k", True)`, `(1, 2, True, "k", True)`} {
			if got := <-told; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	}
	do("put", "True")
	hear()
	do("retry", dead)
	hear()
	do("drop", dead)
	do("drop", "[]")
}

// TestQueueReload verifies that a job runs with the version that serves when it is begun, and that one
// that was begun goes on with its own.
func TestQueueReload(t *testing.T) {
	g := grant(t, t.TempDir())
	told := make(chan string) // a job ends when it is heard
	version := func(n int) string {
		return fmt.Sprintf(`
load("@queue", "queue")
def work(job):
    told("begun %d")
    told("ended %[1]d")
mails = queue("mails", work)
def app():
    return mails.put(1)
`, n)
	}
	files := tree{fstest.MapFS{}}
	files.save(version(1))
	live, err := runtime.NewLive(config(g, files, told), "app.star")
	if err != nil {
		t.Fatal(err)
	}
	put := func() {
		t.Helper()
		if _, err := live.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(want string) {
		t.Helper()
		if got := <-told; got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	put()
	hear(`"begun 1"`)
	files.save(version(2))
	if err := live.Reload(); err != nil {
		t.Fatal(err)
	}
	put()
	put()
	hear(`"ended 1"`)
	for range 2 {
		hear(`"begun 2"`)
		hear(`"ended 2"`)
	}
	files.save("load(\"@queue\", \"queue\")\nmails = queue(\"mails\")\ndef app():\n    return mails.put(1)\n")
	if err := live.Reload(); err != nil {
		t.Fatal(err)
	}
	put() // nobody works on it now
	files.save(version(4))
	if err := live.Reload(); err != nil {
		t.Fatal(err)
	}
	hear(`"begun 4"`)
	hear(`"ended 4"`)
	live.Close()
}

// TestQueueRefused compares the errors of what is none.
func TestQueueRefused(t *testing.T) {
	d := newDesk(t, grant(t, t.TempDir()))
	d.run("def three(a, b, c):\n    pass\nq = queue(\"q\")")
	d.want(
		`q`, `<queue q>`,
		`q.name`, `"q"`,
		`q.size()`, `0`,
		`queue("Q")`, `usage: queue: "Q" is no name of a queue`,
		`queue("q", three)`, `usage: queue: work has to take 1 values, and three takes 3`,
		`queue("q", 1)`, `usage: queue: work is int, not a function`,
		`queue("q", len, backoff = "2h")`, `usage: queue: backoff is 2h0m0s, not from 0s to 1h0m0s`,
		`queue("q", len, concurrency = 0)`, `usage: queue: concurrency is 0`,
		`queue("q", len, timeout = "25h")`, `usage: queue: timeout is 25h0m0s`,
		`q.put(len)`, `value: put: the value is none`,
		`q.put(1, key = 1)`, `usage: put: key is int, not a string`,
		`q.put(1, key = "")`, `key: put: a key is not empty`,
		`q.put(1, delay = -1)`, `usage: put: delay is -1 seconds`,
		`q.put(1, key = "a.b") == None`, `False`,
		`q.put(1, key = "a.b") == None`, `True`,
		`q.size()`, `1`,
	)
}
