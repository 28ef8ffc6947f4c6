package state_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/state"
)

// TestTopic compares what the methods return, one after the other, with messages of other topics in
// between.
func TestTopic(t *testing.T) {
	d := newDesk(t, grant(t, t.TempDir()))
	d.run(`
t = topic("room.ü")
other = topic("room")

def take(n, last = None, recent = 0):
    seen = []
    for m in t.subscribe(last, recent):
        seen.append(m.value)
        if len(seen) == n:
            return seen
`)
	d.want(
		`t`, `<topic "room.ü">`,
		`t.recent()`, `[]`,
		`t.publish({"n": (1, 2)})`, `"1"`,
		`[other.publish(i) for i in range(40)][-1]`, `"41"`,
		`t.publish(2)`, `"42"`,
		`[other.publish(i) for i in range(3)][-1]`, `"45"`,
		`t.publish(3)`, `"46"`,
		`[(m.id, m.value, m.time.year > 2000) for m in t.recent(2)]`, `[("42", 2, True), ("46", 3, True)]`,
		`[m.value for m in t.recent()]`, `[{"n": [1, 2]}, 2, 3]`,
		`[m.value for m in t.recent(0)]`, `[]`,
		`[m.value for m in other.recent(2)]`, `[1, 2]`,
		`t.recent(1)[0].value`, `3`,
		`t.recent()[0].value["n"].append(1)`, `error: append: cannot append to frozen list`,
		`take(3, 0)`, `[{"n": [1, 2]}, 2, 3]`,
		`take(2, "1")`, `[2, 3]`,
		`take(1, 44)`, `[3]`,
		`take(2, None, 2)`, `[2, 3]`,
		`t.recent(1001)`, `usage: recent: n is 1001, not from 0 to 1000`,
		`t.subscribe(recent = -1)`, `usage: subscribe: recent is -1`,
		`t.publish(b"x")`, `value: publish: the value is none`,
		`topic("a..b")`, `key: topic: a dot in a key`,
	)
	// What is no id, or one of a topic that was deleted, is as none: what comes from now on.
	begun := make(chan struct{}, 1)
	d.env["begun"] = host.Func("begun", func() { begun <- struct{}{} })
	d.run(`
def later(last):
    seen = []
    for m in t.subscribe(last, recent = 1):
        seen.append(m.value)
        if len(seen) == 2:
            return seen
        begun()
`)
	for _, last := range []string{`None`, `"99999"`, `"x"`, `1 << 70`, `-1`, `[]`, `""`} {
		got := make(chan string)
		go func() { got <- d.eval(`later(` + last + `)`) }()
		<-begun
		d.want(`int(t.publish("new")) > 46`, `True`)
		if v := <-got; v != `[3, "new"]` && v != `["new", "new"]` {
			t.Errorf("after %s: %s", last, v)
		}
	}
}

// TestBegins verifies that what comes after subscribe and watch were called is not missed, though the loop
// begins later, that a second loop goes on behind the first, and that what was begun ends with the loop or the
// request.
func TestBegins(t *testing.T) {
	g := grant(t, t.TempDir())
	d := newDesk(t, g)
	d.run(`
def one(all):
    for v in all:
        return v.value

def some():
    messages, changes = topic("t").subscribe(), b.watch("x", initial = False)
    found = []
    for i in range(3):
        topic("t").publish(i)
        b.put("y", i)
        b.put("x%d" % i, i)
        found += [one(messages), one(changes)]
    return found
`)
	d.want(
		`some()`, `[0, 0, 1, 1, 2, 2]`,
		`some()`, `[0, 0, 1, 1, 2, 2]`,
	)
	if n := g.Followers(); n != 0 {
		t.Errorf("%d follow when their loops are over", n)
	}
	p, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@topic", "topic")

def app():
    topic("t").subscribe()
    return list(topic("t").subscribe(recent = 1000))
`)}},
		Modules: state.Modules(), Grants: map[string]any{"topic": g},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := p.Do(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a loop without end returned %v", err)
	}
	if n := g.Followers(); n != 0 {
		t.Errorf("%d follow when their request is over", n)
	}
}

// TestManyTopics verifies that a request which follows more topics than it may is told so, and that the server
// has forgotten all of them once it has ended: clients may have a request follow what they name.
func TestManyTopics(t *testing.T) {
	g := grant(t, t.TempDir())
	p, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@topic", "topic")

def app():
    all = [topic("t%d" % (i % 20)).subscribe() for i in range(256)]
    return str(catch(topic("t0").subscribe))
`)}},
		Modules: state.Modules(), Grants: map[string]any{"topic": g},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 2 {
		v, err := p.Do(t.Context())
		const want = "256 watches and subscriptions already"
		if err != nil || !strings.Contains(fmt.Sprint(v), want) {
			t.Errorf("got %v, %v, want %s", v, err, want)
		}
	}
	for began := time.Now(); g.Consumers() != 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > 30*time.Second {
			t.Fatalf("the server has %d consumers for nobody", g.Consumers())
		}
	}
}

// TestSubscribers verifies that all who subscribe get all messages in their order, in two processes,
// and that one that reads slowly and one that comes back miss nothing and get nothing twice.
func TestSubscribers(t *testing.T) {
	dir := t.TempDir()
	const users, messages = 8, 1100 // more than a feed has at hand
	desks := []*desk{newDesk(t, grant(t, dir)), newDesk(t, grant(t, dir))}
	var begun, all sync.WaitGroup
	first := make(chan struct{})
	for _, d := range desks {
		d.env["begun"] = host.Func("begun", begun.Done)
		d.env["wait"] = host.Func("wait", func() { <-first })
		d.run(fmt.Sprintf(`
def follow(slow, again):
    seen, last = [], "0"
    for m in topic("t").subscribe("0"):
        if not seen:
            begun()
        if len(seen) == 1 and slow == 0:
            wait()
        seen.append(m.value)
        last = m.id
        if len(seen) == 700 and again == 0:
            break
        if m.value == %d:
            return seen == list(range(%[1]d + 1))
    for m in topic("t").subscribe(last):
        seen.append(m.value)
        if m.value == %[1]d:
            return seen == list(range(%[1]d + 1))
`, messages))
	}
	desks[0].want(`topic("t").publish(0) != ""`, `True`)
	for i := range users {
		begun.Add(1)
		all.Go(func() { desks[i%2].want(fmt.Sprintf("follow(%d, %d)", i%5, i%3), "True") })
	}
	begun.Wait()
	desks[0].run(fmt.Sprintf("p = topic(\"t\")\nfor i in range(1, %d):\n    p.publish(i)\n", messages))
	close(first)
	desks[1].want(fmt.Sprintf(`topic("t").publish(%d) != ""`, messages), `True`)
	all.Wait()
}
