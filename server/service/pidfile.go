package service

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// A PIDFile is a file that holds the id of the process which serves. A nil one is none.
type PIDFile struct {
	f    *os.File
	name string
}

// OpenPIDFile opens the file, or makes it, and writes nothing yet: the process may give up the right to
// open it before it serves, and one whose place it takes is named until then. The process holds the file
// until it ends, which [Serving] sees. "" is no file.
func OpenPIDFile(name string) (*PIDFile, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("PID file: %w", err)
	}
	hold(f)
	return &PIDFile{f, name}, nil
}

// Write has the file name this process.
func (p *PIDFile) Write() error {
	if p == nil {
		return nil
	}
	text := strconv.Itoa(os.Getpid()) + "\n"
	_, err := p.f.WriteAt([]byte(text), 0) // first, so that it is empty at no time
	if err == nil {
		err = p.f.Truncate(int64(len(text)))
	}
	if err != nil {
		return fmt.Errorf("PID file: %w", err)
	}
	return nil
}

// Close removes the file, unless it names another process by now. Where the process has no right to,
// the file is left empty.
func (p *PIDFile) Close() error {
	if p == nil {
		return nil
	}
	defer p.f.Close()
	pid, err := parsePID(io.NewSectionReader(p.f, 0, 32))
	if err != nil || pid != os.Getpid() {
		return nil
	}
	if err := os.Remove(p.name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return p.f.Truncate(0)
	}
	return nil
}

// ReadPID returns the id of the process that a file names. A process that was killed is still named, and
// its id may be that of any other one by now: see [Serving].
func ReadPID(name string) (int, error) { return readPID(name, false) }

// Serving is ReadPID for who sends signals: it fails if no process holds the file.
func Serving(name string) (int, error) { return readPID(name, true) }

func readPID(name string, serving bool) (int, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, fmt.Errorf("PID file: %w", err)
	}
	defer f.Close()
	pid, err := parsePID(f)
	if err == nil && serving && !held(f) {
		err = fmt.Errorf("the server that was process %d has ended without removing it; start it anew", pid)
	}
	if err != nil {
		return 0, fmt.Errorf("PID file %s: %w", name, err)
	}
	return pid, nil
}

func parsePID(r io.Reader) (int, error) {
	text, err := io.ReadAll(io.LimitReader(r, 32))
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid <= 0 {
		return 0, errors.New("it names no process")
	}
	return pid, nil
}
