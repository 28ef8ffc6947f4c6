package state_test

import (
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

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

// TestCluster has three processes count together, kills one of them with kill -9 while the others go
// on, and has it come back.
func TestCluster(t *testing.T) {
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
	var all sync.WaitGroup
	for _, node := range nodes {
		all.Go(func() { node.eval("count(" + n + ")") })
	}
	all.Wait()
	t.Logf("%d increments took %v", 3*total, time.Since(began))
	for _, node := range nodes {
		node.want(`b.get("n")`, strconv.Itoa(3*total))
	}

	// One is killed while the others write.
	leader := slices.IndexFunc(nodes, func(n *node) bool { return n.eval(`leads("KV_b")`) == "(True, 3)" })
	if leader < 0 {
		t.Fatal("nobody leads the stream of the bucket, with 3 replicas")
	}
	nodes[2], nodes[leader] = nodes[leader], nodes[2]
	nodes[0].eval(writing)
	nodes[1].eval(writing)
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
    return n, longest

def lost(who, got):
    n = got[0]
    return len([i for i in range(n) if b.get("w.%d.%d" % (who, i)) != i]) + (n - 1 - b.get("last.%d" % who))
`
