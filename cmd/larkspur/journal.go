package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// journalSize is how many bytes of a log may wait for its reader.
	journalSize = 1 << 20
	// journalEnd is how long the reader has at the end for what is left.
	journalEnd = time.Second
)

// A journal is the log of a server, which does not wait for whoever reads it: a pipe whose reader
// has stopped would stop each request at its first line. What the reader is late with waits, up to
// a bound; what comes then is lost, and counted in a line. It is safe for concurrent use.
type journal struct {
	w     io.Writer
	ended chan struct{} // closed once all is written

	mu     sync.Mutex // guards what follows
	more   sync.Cond  // there is something to write, or it is closed
	lines  [][]byte   // as they were written
	size   int        // of lines, in bytes
	lost   int        // since the last of lines
	closed bool
}

// newJournal returns the log that is written to w. It has to be closed.
func newJournal(w io.Writer) *journal {
	j := &journal{w: w, ended: make(chan struct{})}
	j.more.L = &j.mu
	go j.run()
	return j
}

// Write is io.Writer's. It never fails: nobody could be told.
func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
	case j.size+len(line) > journalSize && j.size > 0:
		j.lost++
	default:
		j.add(append([]byte(nil), line...))
	}
	return len(line), nil
}

// add adds a line, after the count of those that were lost before it. j.mu is held.
func (j *journal) add(line []byte) {
	if j.lost > 0 {
		line = fmt.Appendf(nil, "larkspur: %d lines of the log were lost here: nobody read it\n%s",
			j.lost, line)
		j.lost = 0
	}
	j.lines = append(j.lines, line)
	j.size += len(line)
	j.more.Signal()
}

// run writes the lines until it is closed.
func (j *journal) run() {
	defer close(j.ended)
	for {
		j.mu.Lock()
		for len(j.lines) == 0 && !j.closed {
			j.more.Wait()
		}
		lines := j.lines
		j.lines = nil
		j.mu.Unlock()
		if lines == nil {
			return
		}
		for _, line := range lines {
			_, _ = j.w.Write(line) // nobody could be told
			j.mu.Lock()
			j.size -= len(line)
			j.mu.Unlock()
		}
	}
}

// close writes what is left, if the reader takes it.
func (j *journal) close() {
	j.mu.Lock()
	if j.lost > 0 {
		j.add(nil)
	}
	j.closed = true
	j.more.Signal()
	j.mu.Unlock()
	select {
	case <-j.ended:
	case <-time.After(journalEnd):
	}
}
