package state_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// TestChange verifies that whoever develops an application can delete what it keeps, have jobs that have
// failed be done again or forgotten, and have a function of a schedule be called at once.
func TestChange(t *testing.T) {
	g := grant(t, t.TempDir())
	told, files := make(chan string, 100), tree{fstest.MapFS{}}
	files.save(`
load("@cron", "every")
load("@kv", "bucket")
load("@queue", "queue")
load("@topic", "topic")

notes, room, idle = bucket("notes"), topic("room.7"), queue("idle")

def work(job):
    told(job)
    fail("no")

jobs = queue("jobs", work, retries = 0)

def sweep():
    told("swept")

every("1h", sweep)

def app():
    for key in ["a", "b.ü", "c*>"]:
        notes.put(key, 1)
    for _ in range(3):
        room.publish("m")
        idle.put(1)
        idle.put(2, delay = 3600)
    for i in range(3):
        jobs.put(i)

def keys():
    return notes.keys()
`)
	p, err := runtime.Load(config(g, files, told), "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		<-told
	}
	find := func(in, name string) (c host.Collection, found bool) {
		t.Helper()
		all, err := g.Kept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(c host.Collection) bool { return c.In == in && c.Name == name })
		if i < 0 {
			return host.Collection{In: in, Name: name}, false
		}
		return all[i], true
	}
	await := func(in, name string, n int64) host.Collection {
		t.Helper()
		for {
			if c, _ := find(in, name); c.Count == n {
				return c
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	look := func(c host.Collection) *host.Sheet {
		t.Helper()
		s, err := g.Look(t.Context(), c, 0, 50)
		if err != nil || len(s.Keys) > 0 && len(s.Keys) != len(s.Rows) {
			t.Fatal(s, err)
		}
		return s
	}
	change := func(c host.Collection, action, row, failure string) {
		t.Helper()
		err := g.Change(t.Context(), c, action, row)
		if (err == nil) != (failure == "") || err != nil && !strings.Contains(err.Error(), failure) {
			t.Errorf("%s %s %q: %v, want %q", action, c.Name, row, err, failure)
		}
	}
	notes := await("buckets", "notes", 3)
	s := look(notes)
	if s.Actions[0].Name != "delete" || !slices.Equal(s.Keys, []string{"a", "b.=C3=BC", "c=2A=3E"}) {
		t.Errorf("the rows are %v, %v", s.Actions, s.Keys)
	}
	change(notes, "delete", "b.=C3=BC", "")
	change(notes, "delete", ">", "that is no key")
	change(notes, "delete", "*", "that is no key")
	change(notes, "drop", "a", "no such action")
	change(notes, "empty", "a", "no such action")
	if s := look(notes); !slices.Equal(s.Keys, []string{"a", "c=2A=3E"}) {
		t.Errorf("after one was deleted there are %v", s.Keys)
	}
	change(notes, "empty", "", "")
	if s := look(notes); len(s.Rows) != 0 {
		t.Errorf("the bucket has %v", s.Rows)
	}
	for _, in := range [][2]string{{"topics", "room.7"}, {"queues", "idle"}, {"jobs with a delay", "idle"}} {
		c := await(in[0], in[1], 3)
		if c.Actions[0].Name != "empty" || c.Actions[0].Loses == "" {
			t.Errorf("%s: the actions are %v", c.In, c.Actions)
		}
		change(c, "empty", "", "")
		if c, found := find(in[0], in[1]); found {
			t.Errorf("%s: there are still %d", c.In, c.Count)
		}
	}
	dead := await("failed jobs", "jobs", 3)
	first := look(dead).Keys[0]
	change(dead, "drop", first, "")
	change(dead, "drop", first, "has no such job any more")
	await("failed jobs", "jobs", 2)
	change(dead, "retry", look(dead).Keys[0], "")
	<-told // it fails again
	await("failed jobs", "jobs", 2)
	change(dead, "retry", "", "")
	<-told
	<-told
	dead = await("failed jobs", "jobs", 2)
	change(dead, "drop", "", "")
	if c, found := find("failed jobs", "jobs"); found {
		t.Errorf("there are still %d", c.Count)
	}
	sweep := await("schedules", "sweep", -1)
	change(sweep, "run", "", "")
	if got := <-told; got != `"swept"` {
		t.Errorf("told %s", got)
	}
	rows := look(sweep).Rows
	if len(rows) != 1 || rows[0][0].Text >= rows[0][1].Text || rows[0][2].Text == "" {
		t.Errorf("the runs are %v, want one that began after it was due last", rows)
	}
	p.Close()
	for g.Change(t.Context(), sweep, "run", "") == nil { // until it is told that the program has ended
		time.Sleep(5 * time.Millisecond)
	}
	change(sweep, "run", "", "no program that serves in this process has the schedule sweep")
}
