package runtime

import (
	"errors"
	"io/fs"
)

// A Staged is a generation that has loaded beside the one that serves, and is ready, and waits to be
// published: when those of other processes are as far, say. Its methods may be called by any
// goroutine.
type Staged struct {
	live    *Live
	loader  *loader
	program *Program
	number  uint64
}

// Stage loads a generation of another tree, and does not publish it. What serves goes on, whatever
// comes of it, and [Live.Status] does not count it. One of Publish and Drop has to be called.
func (l *Live) Stage(tree fs.FS) (*Staged, error) {
	l.mu.Lock()
	config := *l.loader.config
	number := l.status.Load().Generation + 1
	l.mu.Unlock()
	config.FS = tree
	s := &Staged{live: l, loader: newLoader(&config), number: number}
	p, _, _, err := s.loader.load(l.entry, number)
	if err != nil {
		return nil, err
	}
	if err := p.ready(); err != nil {
		return nil, err
	}
	s.program = p
	return s, nil
}

// Publish has calls begin with the generation from now on, and the tree be that of later loads. If
// another one was published since it was loaded, nothing changes, and the error is [ErrChanging]: it
// is to be staged again. That of a Live that was closed is [ErrClosed].
func (s *Staged) Publish() error {
	l := s.live
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	switch {
	case s.program == nil:
		return errors.New("runtime: the staged generation was published or dropped before")
	case l.closed:
		err = ErrClosed
	case l.status.Load().Generation+1 != s.number:
		err = ErrChanging
	}
	if err == nil {
		l.loader, l.inputs, l.unready = s.loader, s.program.generation.inputs(), false
		l.last = l.scan()
		l.publish(s.program)
	} else {
		s.program.Close()
	}
	s.program = nil
	return err
}

// Drop lets the generation go. A nil Staged, and one that was published, is none to drop.
func (s *Staged) Drop() {
	if s == nil {
		return
	}
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	if s.program != nil {
		s.program.Close()
		s.program = nil
	}
}
