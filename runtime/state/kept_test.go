package state_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// TestKept verifies that whoever develops an application sees what it keeps.
func TestKept(t *testing.T) {
	g := grant(t, t.TempDir())
	if all, err := g.Kept(t.Context()); len(all) != 0 || err != nil {
		t.Errorf("before anything was used there are %v, %v", all, err)
	}
	d := newDesk(t, g)
	d.run(`
b.put("tea.ü", {"cups": 2})
b.put("gone", 1)
b.delete("gone")
topic("room.7").publish("one")
topic("room.7").publish("two")
q = queue("mails")
q.put("now", key = "k.ü")
q.put("then", delay = 60)
counter("c").add()
`)
	all, err := g.Kept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	look := func(c host.Collection, from, n int) string {
		s, err := g.Look(t.Context(), c, from, n)
		if err != nil {
			t.Fatal(err)
		}
		var rows []string
		for _, row := range s.Rows {
			rows = append(rows, row[0].Text[:min(len(row[0].Text), 6)]+"="+row[1].Text+"/"+row[2].Text)
		}
		return fmt.Sprint(rows, s.More)
	}
	var got []string
	for _, c := range all {
		got = append(got, fmt.Sprint(c.In, " ", c.Kind, " ", c.Name, " ", c.Count))
	}
	want := "buckets bucket b 1, topics topic room.7 2, queues queue mails 1, jobs with a delay queue mails 1"
	if s := strings.Join(got, ", "); s != want {
		t.Fatalf("got %s\nwant %s", s, want)
	}
	for i, want := range []string{`[tea.ü={"cups":2}/1] false`, `[1="one"/`, `"now"/k.ü] false`, `"then"/] false`} {
		if got := look(all[i], 0, 50); !strings.Contains(got, want) {
			t.Errorf("%v has %s, want %s", all[i], got, want)
		}
	}
	if got := look(all[1], 1, 1); !strings.HasPrefix(got, `[2="two"`) || !strings.HasSuffix(got, "false") {
		t.Errorf("the second message is %s", got)
	}
	if got := look(all[1], 0, 1); !strings.HasSuffix(got, "true") {
		t.Errorf("the first message is %s", got)
	}
}
