//go:build linux

package server_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// rest has all clients leave, and returns what the process and its workers have then, which may not
// be more than what they had when they rested before.
func (s *soak) rest(before rested) (now rested) {
	s.asking.Wait()
	for _, c := range s.clients {
		c.http.CloseIdleConnections()
	}
	var grown string
	now.front, grown = settle(takeCensus, func(c census) string { return grownFrom(c, before.front) })
	if grown != "" {
		s.fail("the process has grown:%s", grown)
	}
	if err := s.house.whole(); err != nil {
		s.fail("%v", err)
	}
	if s.house.pool == nil {
		return now
	}
	for _, pid := range soakChildren() {
		c, grown := settle(func() census { return s.ask(pid) },
			func(c census) string { return grownFrom(c, before.workers...) })
		if grown != "" {
			s.fail("a worker has grown:%s", grown)
		}
		now.workers = append(now.workers, c)
	}
	return now
}

// rested is what a house has while nobody asks it anything.
type rested struct {
	front   census
	workers []census
}

// String is a line for each process.
func (r rested) String() string {
	s := r.front.String()
	for _, w := range r.workers {
		s += "\n\ta worker:    " + w.String()
	}
	return s
}

// grownFrom is what c has more than any of before, the last of them.
func grownFrom(c census, before ...census) (grown string) {
	for _, b := range before {
		if b.Goroutines == nil {
			return "" // nothing was there before
		}
		if grown = c.grown(b); grown == "" {
			return ""
		}
	}
	return grown
}

// ask asks a worker what it has.
func (s *soak) ask(pid int) (c census) {
	file := censusFile(s.house.Dir, pid)
	_ = os.Remove(file) // what it has said before
	if err := syscall.Kill(pid, syscall.SIGUSR1); err != nil {
		s.fail("worker %d: %v", pid, err)
		return c
	}
	soakAwait(func() bool {
		b, err := os.ReadFile(file)
		return err == nil && json.Unmarshal(b, &c) == nil
	})
	return c
}

// verify finds what was lost.
func (s *soak) verify() {
	for _, n := range s.counters {
		a, err := s.clients[0].expect(200, "", "GET", "/soak/count/"+n.name, "")
		got, _ := strconv.ParseInt(a.text, 10, 64)
		least := n.known.Load()
		if most := least + n.unknown.Load(); err != nil || got < least || got > most {
			s.fail("the counter %s is %d, want %d to %d: %v", n.name, got, least, most, err)
		}
	}
	for _, f := range s.files {
		if err := f.check(s.clients[0]); err != nil {
			s.fail("what was uploaded: %v", err)
		}
	}
}

// end ends the house while some are being answered.
func (s *soak) end() {
	var rest []func() error
	for _, c := range s.clients {
		end, err := begin(c)
		if err != nil {
			s.fail("the last request over %s: %v", c.name, err)
			continue
		}
		rest = append(rest, end)
	}
	var all sync.WaitGroup
	for _, end := range rest {
		all.Go(func() {
			if err := end(); err != nil {
				s.fail("an answer broke off at the end: %v", err)
			}
		})
	}
	s.house.close()
	all.Wait()
	for _, c := range s.clients {
		c.http.CloseIdleConnections()
	}
}

// leftovers finds files that nobody has any more: temporary ones, sockets, those of databases that
// are open. Of two workers that close a database at the same time neither removes its log, and one
// that was killed may have left a file that it was writing.
func (s *soak) leftovers() {
	var unfinished []string
	_ = filepath.WalkDir(s.house.Dir, func(name string, d fs.DirEntry, err error) error {
		switch temp := filepath.Join(s.house.Dir, "temp"); {
		case err != nil:
			s.fail("%v", err)
		case strings.HasPrefix(name, temp+"/"), d.Type()&fs.ModeSocket != 0,
			s.house.pool == nil && (strings.HasSuffix(name, "-wal") || strings.HasSuffix(name, "-shm")):
			s.fail("after the end there is %s", name)
		case strings.HasSuffix(name, ".tmp"):
			unfinished = append(unfinished, name)
		}
		return nil
	})
	if len(unfinished) > int(s.over.Load())*8 {
		s.fail("after the end and %d kills there are %q", s.over.Load(), unfinished)
	}
}
