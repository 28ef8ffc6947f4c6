package h2

import (
	"slices"
	"testing"
	"time"
)

// turns has the scheduler serve streams of some pieces of DATA each, and returns the ids in turn.
func turns(c *conn, streams ...*stream) (ids []uint32) {
	for _, st := range streams {
		st.window = 1
		c.ready.push(st)
	}
	for {
		st := c.ready.next(c)
		if st == nil {
			return ids
		}
		ids = append(ids, st.id)
		if st.pending = st.pending[1:]; len(st.pending) == 0 {
			c.ready.remove(st)
			st.dead = true
		} else {
			c.ready.sent(st)
		}
	}
}

func waiting(id uint32, pieces int, p priority) *stream {
	return &stream{id: id, pending: make([]byte, pieces), priority: p}
}

func TestScheduler(t *testing.T) {
	usual := priority{incremental: true}
	urgent := func(u uint8, incremental bool) priority {
		return priority{explicit: true, urgency: u, incremental: incremental}
	}
	page := waiting(1, 3, usual)
	page.promises = 1
	for _, tc := range []struct {
		name    string
		streams []*stream
		want    []uint32
	}{
		{"equals take turns", []*stream{waiting(1, 3, usual), waiting(3, 3, usual)}, []uint32{1, 3, 1, 3, 1, 3}},
		{"urgency goes first", []*stream{waiting(1, 2, urgent(5, true)), waiting(3, 2, urgent(1, true))}, []uint32{3, 3, 1, 1}},
		{"what is not incremental goes one after another", []*stream{waiting(3, 2, urgent(3, false)), waiting(1, 2, urgent(3, false))}, []uint32{1, 1, 3, 3}},
		{"a page goes before its promise", []*stream{{id: 2, parent: page, pending: make([]byte, 2)}, page}, []uint32{1, 1, 1, 2, 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &conn{epoch: time.Now()}
			if got := turns(c, tc.streams...); !slices.Equal(got, tc.want) {
				t.Errorf("the turns were %v, want %v", got, tc.want)
			}
		})
	}
}

// A critical promise goes before its page.
func TestSchedulerCritical(t *testing.T) {
	c := &conn{epoch: time.Now()}
	page := waiting(1, 2, priority{})
	critical := &stream{id: 2, parent: page, critical: true, pending: make([]byte, 2)}
	if got, want := turns(c, page, critical), []uint32{2, 2, 1, 1}; !slices.Equal(got, want) {
		t.Errorf("the turns were %v, want %v", got, want)
	}
}

// Nothing starves: the last level has some turns beside a first one that never ends.
func TestSchedulerStarvesNothing(t *testing.T) {
	c := &conn{epoch: time.Now()}
	got := turns(c, waiting(1, 1000, priority{explicit: true, urgency: 0}), waiting(3, 3, priority{explicit: true, urgency: 7}))
	if last := slices.Index(got, 3); last < 0 || last > 300 {
		t.Errorf("the stream of urgency 7 had its first turn after %d", last)
	}
}

func TestParsePriority(t *testing.T) {
	for _, tc := range []struct {
		in          string
		urgency     uint8
		incremental bool
	}{
		{"", 3, false},
		{"u=0", 0, false},
		{"u=7, i", 7, true},
		{"i=?0,u=2", 2, false},
		{`x="a,u=1", u=5;q=1.5, i`, 5, true},
		{"x=(a b;c 1), u=6", 6, false},
		{"u=8", 3, false},
		{"u=1, u=2", 2, false},
		{"u=1,", 3, false},
		{"u=1;", 3, false},
		{"U=1", 3, false},
		{`u="1`, 3, false},
	} {
		p := parsePriority(tc.in)
		if p.urgency != tc.urgency || p.incremental != tc.incremental {
			t.Errorf("%q: urgency %d, incremental %v, want %d, %v", tc.in, p.urgency, p.incremental, tc.urgency, tc.incremental)
		}
	}
}

func FuzzPriority(f *testing.F) {
	f.Add(`u=1, i, x="\"", y=(1 2);z=:AA==:`)
	f.Fuzz(func(t *testing.T, v string) {
		if p := parsePriority(v); p.urgency > 7 {
			t.Errorf("%q: urgency %d", v, p.urgency)
		}
	})
}
