//go:build linux

package server_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var soakTime = flag.Duration("soak", 0,
	"how long TestSoak goes on, at the least; 0 is a minute, or 4 seconds with -short")

// TestSoak has clients of all kinds, whole and broken, ask all applications, in this process and in
// workers, which are killed, while the applications are loaded again, spoilt, and the site gets and
// loses listeners. At the end nothing has been lost: every request was answered, but those that a
// worker had that was killed; what was counted and kept is there. And nothing is left: no goroutine,
// descriptor, process or file, and no memory but what the first of its laps took.
//
// A lap is one of each kind of client. There is one at least, with each of what disturbs it, however
// short the time and busy the machine; then more of them until the time is over, at a rate at which
// they take a third of a CPU, or two fifths if nobody has asked for the soak, so that it is over sooner. With -short they take what
// there is.
func TestSoak(t *testing.T) {
	d, share := *soakTime, 1./3
	switch {
	case d > 0:
	case testing.Short():
		d, share = 4*time.Second, 2
	default:
		d, share = time.Minute, 2./5
	}
	for _, workers := range []bool{false, true} {
		t.Run(map[bool]string{false: "in-process", true: "workers"}[workers], func(t *testing.T) {
			runSoak(t, workers, d/2, share)
		})
	}
}

// A soak is a house, those who ask it, and what became of that.
type soak struct {
	t       *testing.T
	house   *soakHouse
	clients []*soakClient
	began   time.Time
	used    func() time.Duration // CPU, since it began, that of the workers included
	share   float64              // of a CPU, that it may use
	places  chan struct{}        // of those that ask at once
	asking  sync.WaitGroup

	// A request that was under way while begun was more than over may be lost.
	begun, over atomic.Int64

	promised atomic.Int64 // responses that were pushed

	mu       sync.Mutex
	outcomes map[string]map[string]int // of the kinds of clients
	counters map[string]*counter
	files    []soakFile
	failed   int
}

// A counter is one in the database, as its clients know it.
type counter struct {
	name           string
	known, unknown atomic.Int64 // how often it was counted; may have been
}

func (s *soak) counter(name string) *counter {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counters[name] == nil {
		s.counters[name] = &counter{name: name}
	}
	return s.counters[name]
}

func (s *soak) keep(f soakFile) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = append(s.files, f)
}

// fail fails the test, which says the first failures only.
func (s *soak) fail(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed++; s.failed <= 20 {
		s.t.Errorf(format, args...)
	}
}

// do has one client ask, and notes what became of it.
func (s *soak) do(k soakKind, c *soakClient) {
	over := s.over.Load()
	err := k.run(s, c)
	outcome := "answered"
	var lost *lostError
	switch {
	case err == nil:
	case errors.As(err, &lost) && s.begun.Load() > over:
		outcome = "lost while a worker was killed"
		if lost.safe {
			outcome = "502 of what may be asked again"
		}
	default:
		outcome = "failed"
		s.fail("%s: %v", k.name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outcomes[k.name] == nil {
		s.outcomes[k.name] = make(map[string]int)
	}
	s.outcomes[k.name][outcome]++
}

// lap has each kind of client begin to ask once.
func (s *soak) lap(n int, kinds []soakKind) {
	order := rand.New(rand.NewPCG(uint64(n), 1)).Perm(len(kinds))
	for i, k := range order {
		s.pace()
		s.places <- struct{}{}
		s.asking.Go(func() {
			defer func() { <-s.places }()
			s.do(kinds[k], s.clients[(i+n)%len(s.clients)])
		})
	}
}

// pace waits until the soak has taken no more than its share of a CPU.
func (s *soak) pace() {
	for {
		ahead := time.Duration(float64(s.used())/s.share) - time.Since(s.began)
		if ahead <= 0 {
			return
		}
		time.Sleep(min(ahead, 250*time.Millisecond))
	}
}

// disturb does each of what disturbs clients once.
func (s *soak) disturb(n int) {
	get := func(path string) (string, error) {
		if strings.HasSuffix(path, ".sock") {
			return getUnix(path)
		}
		a, err := s.clients[0].expect(200, "", "GET", path, "")
		return a.text, err
	}
	for _, f := range []func() error{
		func() error { return s.house.change(get) },
		func() error { return s.house.spoil(get) },
		func() error { return s.house.move(get) },
		func() error { return s.kill(n) },
	} {
		s.pace()
		if err := f(); err != nil {
			s.fail("%v", err)
		}
	}
}

// kill kills a worker, if there are any.
func (s *soak) kill(n int) error {
	if s.house.pool == nil {
		return nil
	}
	if err := s.house.whole(); err != nil {
		return err
	}
	s.begun.Add(1)
	err := s.house.kill(n)
	s.over.Add(1)
	if err != nil {
		return err
	}
	return s.house.whole()
}

// runSoak is one soak.
func runSoak(t *testing.T, workers bool, d time.Duration, share float64) {
	before := takeCensus()
	s := &soak{t: t, share: share, outcomes: make(map[string]map[string]int),
		counters: make(map[string]*counter),
		began:    time.Now(), used: cpuMeter(), places: make(chan struct{}, 24)}
	s.house = openSoakHouse(t, workers)
	s.clients = soakClients(s.house)
	kinds := soakKinds(t)
	s.lap(0, kinds)
	first := s.rest(rested{})

	over := make(chan struct{})
	go func() {
		defer close(over)
		// What comes last is to be a while without, in which workers have time to grow.
		for n := 0; n == 0 || time.Since(s.began) < d*2/3; n++ {
			s.disturb(n)
		}
	}()
	laps := 1
	for disturbed := true; disturbed || time.Since(s.began) < d; laps++ {
		s.lap(laps, kinds)
		select {
		case <-over:
			disturbed = false
		default:
		}
	}
	s.asking.Wait()
	s.verify()
	last := s.rest(first)
	s.end()
	after, left := settle(takeCensus, func(c census) string { return c.left(before) })
	if left != "" {
		s.fail("after the end there are more than before:%s", left)
	}
	if pids := soakChildren(); len(pids) > 0 {
		s.fail("after the end there are processes: %v", pids)
	}
	s.leftovers()
	if s.promised.Load() == 0 {
		s.fail("nothing was pushed")
	}
	for _, record := range s.house.log.faults() {
		s.fail("logged: %s", record)
	}
	t.Logf("%d laps in %v, with %v of CPU; %d promises, %d kills\n"+
		"before:      %v\nafter a lap: %v\nat the end:  %v\nafter it:    %v%s%s",
		laps, time.Since(s.began).Round(time.Second), s.used().Round(time.Second),
		s.promised.Load(), s.over.Load(), before, first, last, after,
		s.told(), s.house.log)
}

// told is what became of the clients, a line for each kind.
func (s *soak) told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(s.outcomes)) {
		fmt.Fprintf(&b, "\n%-28s", kind)
		for _, outcome := range slices.Sorted(maps.Keys(s.outcomes[kind])) {
			fmt.Fprintf(&b, " %6d %s", s.outcomes[kind][outcome], outcome)
		}
	}
	return b.String()
}
