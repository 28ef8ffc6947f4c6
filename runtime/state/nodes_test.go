package state_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/state"
)

// long reports whether the tests of clusters are to be as large as they can.
func long() bool { return os.Getenv("LARKSPUR_LONG") != "" }

// often is how often something is done, in the usual run and in the long one.
func often(usual, most int) string {
	if long() {
		usual = most
	}
	return strconv.Itoa(usual)
}

// TestElectionTimes sees that the variables of nats-server are those that this package shortens.
func TestElectionTimes(t *testing.T) {
	want := []time.Duration{4 * time.Second, 9 * time.Second, time.Second, 10 * time.Second, 10 * time.Second,
		time.Second}
	if !slices.Equal(state.Election, want) {
		t.Errorf("got %v, want %v", state.Election, want)
	}
}

const counting = `def inc(v):
    return (v or 0) + 1

def count(n):
    for _ in range(n):
        b.update("n", inc)
    return b.get("n")
`

// together has each node evaluate an expression, all at once.
func together(nodes []*node, source func(i int) string) []string {
	results := make([]string, len(nodes))
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() { results[i] = n.eval(source(i)) })
	}
	all.Wait()
	return results
}

// TestNodes has three processes count together, have sessions and limits together, kills one of them with
// kill -9 while the others go on, and has it come back.
func TestNodes(t *testing.T) {
	t.Parallel()
	began := time.Now()
	nodes := newNodes(t, nil)
	for _, n := range nodes {
		n.start()
	}
	for _, n := range nodes {
		n.ready()
		n.eval(counting)
	}
	nodes[0].want(`b.put("k", 1) > 0`, "True")
	t.Logf("from the start to the first put: %v", time.Since(began))

	// What one has put another one sees.
	var worst time.Duration
	for i := range 20 {
		v := strconv.Itoa(i)
		nodes[i%3].want(`b.put("k", `+v+`) > 0`, "True")
		put := time.Now()
		nodes[(i+1)%3].want(`b.get("k")`, v)
		worst = max(worst, time.Since(put))
	}
	t.Logf("a put was seen by another node within %v", worst)

	// All count.
	n := often(50, 10_000)
	total, _ := strconv.Atoi(n)
	began = time.Now()
	together(nodes, func(int) string { return "count(" + n + ")" })
	t.Logf("%d increments took %v", 3*total, time.Since(began))
	for _, node := range nodes {
		node.want(`b.get("n")`, strconv.Itoa(3*total))
	}

	visitNodes(t, nodes)

	// One is killed while the others write.
	leader := slices.IndexFunc(nodes, func(n *node) bool { return n.eval(`leads("KV_b")`) == "(True, 3)" })
	if leader < 0 {
		t.Fatal("nobody leads the stream of the bucket, with 3 replicas")
	}
	nodes[2], nodes[leader] = nodes[leader], nodes[2]
	nodes[0].eval(writing)
	nodes[1].eval(writing)
	var all sync.WaitGroup
	var results [2]string
	for i := range results {
		all.Go(func() { results[i] = nodes[i].eval("write(" + strconv.Itoa(i) + ", 4.0)") })
	}
	time.Sleep(500 * time.Millisecond)
	nodes[2].kill()
	all.Wait()
	for i, got := range results {
		t.Logf("node %d: puts, and the longest: %s", i, got)
	}
	nodes[2].start()
	nodes[2].ready()
	nodes[2].eval(writing)
	for i, got := range results {
		nodes[2].want("lost("+strconv.Itoa(i)+", "+got+")", "0")
	}
}

// writing has a node put numbers one after the other for some time, and return how many it was, and how
// long the longest took.
const writing = `def write(who, time):
    begin, n, longest = seconds(), 0, 0.0
    while seconds() < begin + time:
        at = seconds()
        b.put("w.%d.%d" % (who, n), n)
        b.update("last.%d" % who, lambda v: n)
        n, longest = n + 1, max(longest, seconds() - at)
        rest()
    return n, longest

def lost(who, got):
    n = got[0]
    return len([i for i in range(n) if b.get("w.%d.%d" % (who, i)) != i]) + (n - 1 - b.get("last.%d" % who))
`

// TestCode has what cannot be reached be told from all else.
func TestCode(t *testing.T) {
	g := grant(t, t.TempDir())
	g.Close()
	if err := g.Open(t.Context()); host.CodeOf(err) != "LARK0604" {
		t.Errorf("a closed grant: %v has the code %q", err, host.CodeOf(err))
	}
}

// TestNodesGrow says what a node alone does, and has a bucket that two of three nodes have made have three
// replicas once the third comes. Each is told of the others only, so that two may begin.
func TestNodesGrow(t *testing.T) {
	t.Parallel()
	nodes := newNodes(t, nil)
	for i, n := range nodes {
		n.place.Cluster.Peers = slices.Delete(slices.Clone(n.place.Cluster.Peers), i, i+1)
	}
	nodes[0].start()
	nodes[0].ready()
	if got := nodes[0].eval(`b.put("k", 1)`); !strings.HasPrefix(got, "unavailable: ") ||
		!strings.Contains(got, "too few nodes of the cluster") {
		t.Errorf("a node alone: %s", got)
	}
	if log, _ := os.ReadFile(nodes[0].log); !strings.Contains(string(log), "waiting for other nodes") {
		t.Error("the log of a node alone does not say that it waits")
	}
	nodes[1].start()
	nodes[1].ready()
	nodes[1].want(`b.put("k", 1)`, "1", `leads("KV_b")[1]`, "1")
	nodes[2].start()
	nodes[2].ready()
	for nodes[1].eval(`leads("KV_b")[1]`) != "3" {
		time.Sleep(50 * time.Millisecond)
	}
	nodes[2].want(`b.get("k")`, "1")
}

// TestPartition has one node be apart from two. What these acknowledge it has when it is back, and
// meanwhile it acknowledges nothing.
func TestPartition(t *testing.T) {
	t.Parallel()
	w := new(ways)
	nodes := newNodes(t, w)
	for _, n := range nodes {
		n.start()
	}
	for _, n := range nodes {
		n.ready()
		n.eval(counting)
		n.eval(writing)
	}
	nodes[0].want(`b.put("k", 1) > 0`, "True")
	apart := slices.IndexFunc(nodes, func(n *node) bool { return n.eval(`leads("KV_b")`) == "(True, 3)" })
	if apart < 0 {
		t.Fatal("nobody leads the stream of the bucket, with 3 replicas")
	}
	w.part(apart)
	lone, others := nodes[apart], slices.Concat(nodes[:apart], nodes[apart+1:])
	var wrote string
	var all sync.WaitGroup
	all.Go(func() { wrote = others[0].eval("write(0, 4.0)") })
	all.Go(func() { others[1].want("count(50)", "50") })
	if got := lone.eval(`b.put("k", 2)`); !strings.HasPrefix(got, "unavailable: ") && !strings.HasPrefix(got, "timeout: ") {
		t.Errorf("the node that is apart: %s", got)
	}
	all.Wait()
	t.Logf("puts while one node was apart, and the longest: %s", wrote)
	w.part()
	for lone.eval(`b.get("n")`) != "50" {
		time.Sleep(50 * time.Millisecond)
	}
	lone.want("lost(0, "+wrote+")", "0")
	for _, n := range nodes {
		n.want("inc(b.get(\"n\"))", "51")
	}
	lone.want("count(1)", "51")
}

// TestNodeKilled kills a single server again and again while it writes.
func TestNodeKilled(t *testing.T) {
	t.Parallel()
	n := newNode(t, place{Dir: t.TempDir()})
	times, _ := strconv.Atoi(often(2, 50))
	puts := 0
	for i := range times {
		n.start()
		n.ready()
		n.eval(acknowledging)
		for who := range i {
			n.want(`missing("`+strconv.Itoa(who)+`")`, "0")
		}
		fmt.Fprintln(n.in, strconv.Quote(`acknowledge("`+strconv.Itoa(i)+`")`))
		last := -1
		for n.lines.Scan() {
			k, err := strconv.Atoi(n.lines.Text())
			if err != nil {
				continue
			}
			if last < 0 { // however slow the machine is, something was acknowledged
				time.AfterFunc(time.Duration(rand.IntN(40))*time.Millisecond, func() { _ = n.cmd.Process.Kill() })
			}
			last = k
		}
		_ = n.cmd.Wait()
		puts += last + 1
		n.start()
		n.ready()
		n.eval(acknowledging)
		if last < 0 {
			t.Fatal("nothing was acknowledged before it died")
		}
		n.want(`missing("`+strconv.Itoa(i)+`", `+strconv.Itoa(last+1)+`)`, "0")
		n.kill()
	}
	t.Logf("killed %d times, %d puts were acknowledged", 2*times, puts)
}

// acknowledging has a process put numbers, and say each when it was acknowledged.
const acknowledging = `def acknowledge(who):
    for i in range(1 << 30):
        b.put("a.%s.%d" % (who, i), i)
        b.update("last." + who, lambda v: i)
        say(i)

def missing(who, n = None):
    if n == None:
        n = b.get("last." + who, -1) + 1
    return len([i for i in range(n) if b.get("a.%s.%d" % (who, i)) != i]) + (0 if b.get("last." + who, -1) >= n - 1 else 1)
`
