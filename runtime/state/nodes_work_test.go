package state_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"
)

// working is a program with a queue and a schedule.
const working = `
load("@cron", "every")
load("@kv", "bucket", "counter")
load("@queue", "queue")

done = bucket("done")

def work(n):
    counter("begun").add()
    done.put("at." + place(), n)
    rest()
    if done.create("job.%d" % n, True) == None:
        counter("twice").add()

jobs = queue("jobs", work)

def tick():
    pass

every(1, tick)

def app(environ, start_response):
    pass
`

// TestNodesWork kills a node that works on jobs, with kill -9: others do what it had begun, and each
// time that is due has one of them call the function.
func TestNodesWork(t *testing.T) {
	t.Parallel()
	nodes := newNodes(t, nil)
	for _, n := range nodes {
		n.place.Program = working
		n.start()
	}
	for _, n := range nodes {
		n.ready()
		n.eval("jobs = queue(\"jobs\")\ndone = bucket(\"done\")")
	}
	total, _ := strconv.Atoi(often(20, 600))
	nodes[0].want(`len([jobs.put(i) for i in range(`+strconv.Itoa(total)+`)])`, strconv.Itoa(total))
	at := "at." + nodes[2].place.Cluster.Listen
	for nodes[0].eval(`done.get("`+at+`") != None and not done.get("job.%d" % done.get("`+at+`"))`) != "True" {
		time.Sleep(5 * time.Millisecond)
	}
	nodes[2].kill()
	for nodes[0].eval(`len(done.keys("job."))`) != strconv.Itoa(total) {
		time.Sleep(500 * time.Millisecond)
	}
	t.Logf("of %d jobs, begun: %s, done twice: %s", total, nodes[0].eval(`counter("begun").value()`),
		nodes[0].eval(`counter("twice").value()`))
	nodes[0].want(`counter("twice").value()`, "0", `counter("begun").value()`, strconv.Itoa(total+1))
	before := len(dues(t, nodes))
	for len(dues(t, nodes)) < before+2 { // it goes on
		time.Sleep(100 * time.Millisecond)
	}
	all := dues(t, nodes)
	slices.SortFunc(all, time.Time.Compare)
	for i := range all[1:] {
		if gap := all[i+1].Sub(all[i]); gap < 900*time.Millisecond {
			t.Errorf("two were due within %v", gap)
		}
	}
}

var due = regexp.MustCompile(`was called that was due.* due=(\S+)`)

// dues are the times that were due, as the logs have them.
func dues(t testing.TB, nodes []*node) (all []time.Time) {
	for _, n := range nodes {
		log, err := os.ReadFile(n.log)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range due.FindAllSubmatch(log, -1) {
			at, err := time.Parse(time.RFC3339Nano, string(m[1]))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, at)
		}
	}
	return all
}
