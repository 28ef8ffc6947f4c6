package deploy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/deploy"
)

// three has three nodes serve the version one.
func three(t *testing.T) (*room, []*member) {
	t.Helper()
	r := newRoom(t)
	r.deploy(script("one"))
	nodes := []*member{r.join("a", nil), r.join("b", nil), r.join("c", nil)}
	r.here(3)
	return r, nodes
}

// split returns the nodes that say a word, and the others, which have to say another one.
func (r *room) split(word, other string, nodes []*member) (these, others []*member) {
	r.t.Helper()
	for _, m := range nodes {
		if got, err := m.says(); got == word && err == nil {
			these = append(these, m)
		} else {
			others = append(others, m)
		}
	}
	r.all(other, others...)
	return these, others
}

// answer has a node count requests of what it serves.
func (m *member) answer(count, status int, code, place string) {
	for range count {
		m.node.Answered(m.live.Generation(), status, code, place)
	}
}

// TestCanary has one of three nodes try a version until that is to go on, and one that joins meanwhile serve what
// the others do.
func TestCanary(t *testing.T) {
	r, nodes := three(t)
	how := deploy.Rollout{Canary: deploy.Canary{Percent: 10}}
	o := r.roll(script("two"), how, true)
	tries, others := r.split("two", "one", nodes)
	if o.State != deploy.Trying || len(o.Tries) != 1 || len(tries) != 1 || o.Since.IsZero() {
		t.Fatalf("tried by %d nodes: %+v", len(tries), o.Deployment)
	}
	d := r.join("d", nil)
	r.here(4)
	r.all("one", append(others, d)...)
	if back, err := r.store.Rollback(r.ctx, "shop", 0, nil); err != nil || back.Number != 1 {
		t.Errorf("rolled back to %+v (%v)", back, err)
	}
	if o := r.wait(2, false); o.State != deploy.Back || o.Node != "" {
		t.Errorf("after the rollback it is %+v", o.Deployment)
	}
	nodes = append(nodes, d)
	r.all("one", nodes...)
	if _, err := r.store.Continue(r.ctx, "shop"); err == nil || !strings.Contains(err.Error(), "is tried now") {
		t.Errorf("what was rolled back goes on: %v", err)
	}

	for _, word := range []string{"left", "three"} { // the second comes while the first is tried
		r.roll(script(word), deploy.Rollout{Canary: deploy.Canary{Count: 3}}, true)
	}
	if o := r.wait(3, false); o.State != deploy.Left {
		t.Errorf("what another one came after is %+v", o.Deployment)
	}
	if tries, _ = r.split("three", "one", nodes); len(tries) != 3 {
		t.Errorf("tried by %d nodes, want 3", len(tries))
	}
	if _, err := r.store.Continue(r.ctx, "shop"); err != nil {
		t.Fatal(err)
	}
	if o := r.wait(4, false); o.State != deploy.Serving {
		t.Errorf("what goes on is %s", o.State)
	}
	r.all("three", nodes...)
}

// TestCanaryIsWell has all nodes serve a version that was well for long enough on one, though some of its requests
// failed, and a version whose requests fail be taken back, with the node and the faults.
func TestCanaryIsWell(t *testing.T) {
	r, nodes := three(t)
	how := deploy.Rollout{Canary: deploy.Canary{Count: 1, Watch: 200 * time.Millisecond, Allowed: 0.01}}
	r.roll(script("two"), how, true)
	tries, others := r.split("two", "one", nodes)
	tries[0].answer(100, 200, "", "")
	tries[0].answer(1, 500, "", "")
	others[0].answer(9, 500, "", "") // which are of what served before
	if o := r.wait(2, false); o.State != deploy.Serving {
		t.Errorf("what was well is %+v", o.Deployment)
	}
	r.all("two", nodes...)

	how.Canary.Watch = time.Hour
	r.roll(script("three"), how, true)
	tries, _ = r.split("three", "two", nodes)
	tries[0].answer(4, 200, "", "")
	tries[0].answer(2, 500, "LARK0501", "app.star:3:12")
	tries[0].answer(1, 504, "LARK0502", "")
	o := r.wait(3, false)
	want := []deploy.Fault{{Status: 500, Code: "LARK0501", Place: "app.star:3:12", Count: 2},
		{Status: 504, Code: "LARK0502", Count: 1}}
	if o.State != deploy.Back || o.Node != tries[0].name || o.Error != "requests that failed: 3 of 7" ||
		!slices.Equal(o.Faults, want) {
		t.Errorf("what failed is %+v", o.Deployment)
	}
	r.all("two", nodes...)
}

// TestCanaryEnds has a version be taken back whose node ends while it is watched.
func TestCanaryEnds(t *testing.T) {
	r, nodes := three(t)
	how := deploy.Rollout{Canary: deploy.Canary{Count: 1, Watch: time.Hour}}
	r.roll(script("two"), how, true)
	tries, others := r.split("two", "one", nodes)
	tries[0].stop()
	o := r.wait(2, false)
	if o.State != deploy.Back || o.Node != tries[0].name || !strings.Contains(o.Error, "has ended") {
		t.Errorf("it is %+v", o.Deployment)
	}
	r.all("one", others...)
}

// TestRollbackThatDoesNotLoad has a rollback to what has never been loaded, as no node ran, change nothing; a version
// that is tried later still has something to go back to.
func TestRollbackThatDoesNotLoad(t *testing.T) {
	r := newRoom(t)
	r.deploy(broken)
	r.deploy(script("two"))
	m := r.join("a", nil)
	r.here(1)
	back, err := r.store.Rollback(r.ctx, "shop", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o := r.wait(back.Number, false); o.State != deploy.Stopped || o.Node != "a" {
		t.Errorf("the rollback is %+v", o.Deployment)
	}
	r.roll(script("four"), deploy.Rollout{Canary: deploy.Canary{Count: 1}}, true)
	m.answer(3, 500, "", "")
	r.wait(4, false)
	r.all("two", m)
}

// How many nodes try a version is a number, or a part of them.
func TestParseCanary(t *testing.T) {
	for s, want := range map[string]deploy.Canary{"1": {Count: 1}, "12": {Count: 12}, "10%": {Percent: 10},
		"100%": {Percent: 100}} {
		if got, err := deploy.ParseCanary(s); got != want || err != nil {
			t.Errorf("%s: %+v (%v), want %+v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "0", "0%", "101%", "-1", "a", "1.5", "%"} {
		if got, err := deploy.ParseCanary(s); err == nil {
			t.Errorf("%q is %+v", s, got)
		}
	}
}
