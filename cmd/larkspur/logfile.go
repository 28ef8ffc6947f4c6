package main

import (
	"fmt"
	"os"
	"sync"
)

// A logFile is a file that lines are appended to, and that is opened again when another process has
// put it aside: by SIGUSR1. A disk that is full stops nobody: what cannot be written is lost, counted
// in a line once it can be again, and complained of once. It is safe for concurrent use.
type logFile struct {
	name     string
	complain func(error)

	mu      sync.Mutex // guards what follows
	file    *os.File
	lost    int  // lines since the last that was written
	partial bool // a part of a line was written last
}

// openLog opens a file for a log. complain is told once that it cannot be written, until it can be.
func openLog(name string, complain func(error)) (*logFile, error) {
	f := &logFile{name: name, complain: complain}
	return f, f.reopen()
}

// reopen opens the file of that name, which may be another one by now. If it cannot be opened, the one
// that is open stays.
func (f *logFile) reopen() error {
	// A log may name people and what they do: it is not everybody's.
	next, err := os.OpenFile(f.name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file != nil {
		f.file.Close()
	}
	f.file, f.partial = next, false
	return nil
}

// Write writes a line. It fails if it is lost.
func (f *logFile) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	whole := line
	if f.lost > 0 {
		whole = fmt.Appendf(nil, "larkspur: %d lines of the log were lost here: they could not be written\n%s", f.lost, line)
	}
	if f.partial {
		whole = append([]byte("\n"), whole...)
	}
	n, err := f.file.Write(whole)
	if err == nil {
		f.lost, f.partial = 0, false
		return len(line), nil
	}
	f.partial = f.partial && n == 0 || n > 0 && whole[n-1] != '\n'
	if f.lost++; f.lost == 1 && f.complain != nil {
		f.complain(err)
	}
	return 0, err
}

func (f *logFile) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.file.Close()
}
