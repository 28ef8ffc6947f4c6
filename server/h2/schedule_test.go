package h2

import (
	"slices"
	"testing"
	"time"
)

// turns has the scheduler serve streams of some pieces of DATA each, and returns the ids in turn.
func turns(c *conn, streams ...*stream) (ids []uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, st := range streams {
		st.flow.out.n = 1
		c.ready.push(st)
	}
	for {
		st := c.ready.next(c)
		if st == nil {
			return ids
		}
		ids = append(ids, st.id)
		if st.out.data = st.out.data[1:]; len(st.out.data) == 0 {
			c.ready.remove(st)
			st.state.closed = true
		} else {
			c.ready.sent(st)
		}
	}
}

// ready is a stream with some pieces of DATA.
func ready(id uint32, pieces int, p priority) *stream {
	st := &stream{id: id}
	st.out.data = make([]byte, pieces)
	st.turn.priority = p
	return st
}

// promisedOn is one with two, that is promised.
func promisedOn(page *stream, id uint32, critical bool) *stream {
	st := ready(id, 2, priority{})
	st.promise = promise{parent: page, critical: critical}
	return st
}

func TestScheduler(t *testing.T) {
	usual := priority{incremental: true}
	urgent := func(u uint8, incremental bool) priority {
		return priority{explicit: true, urgency: u, incremental: incremental}
	}
	page := ready(1, 3, usual)
	page.page.promises = 1
	for _, tc := range []struct {
		name    string
		streams []*stream
		want    []uint32
	}{
		{
			"equals take turns",
			[]*stream{ready(1, 3, usual), ready(3, 3, usual)},
			[]uint32{1, 3, 1, 3, 1, 3},
		},
		{
			"urgency goes first",
			[]*stream{ready(1, 2, urgent(5, true)), ready(3, 2, urgent(1, true))},
			[]uint32{3, 3, 1, 1},
		},
		{
			"what is not incremental goes one after another",
			[]*stream{ready(3, 2, urgent(3, false)), ready(1, 2, urgent(3, false))},
			[]uint32{1, 1, 3, 3},
		},
		{
			"a page goes before its promise",
			[]*stream{promisedOn(page, 2, false), page},
			[]uint32{1, 1, 1, 2, 2},
		},
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
	page := ready(1, 2, priority{})
	critical := promisedOn(page, 2, true)
	if got, want := turns(c, page, critical), []uint32{2, 2, 1, 1}; !slices.Equal(got, want) {
		t.Errorf("the turns were %v, want %v", got, want)
	}
}

// Nothing starves: the last level has some turns beside a first one that never ends.
func TestSchedulerStarvesNothing(t *testing.T) {
	c := &conn{epoch: time.Now()}
	most, least := priority{explicit: true, urgency: 0}, priority{explicit: true, urgency: 7}
	got := turns(c, ready(1, 1000, most), ready(3, 3, least))
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
			t.Errorf("%q: urgency %d, incremental %v, want %d, %v",
				tc.in, p.urgency, p.incremental, tc.urgency, tc.incremental)
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
