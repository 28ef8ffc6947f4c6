package worker

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/server"
)

// A set is the workers of one generation. Pages that were begun with it have what is promised with
// them answered by it, so that it may go on for a moment when another one answers.
type set struct {
	pool       *Pool
	generation uint64
	loaded     time.Time                 // when they began to answer; set before
	version    string                    // of what its workers have loaded; set before they answer
	files      []string                  // that they have loaded; as well
	workers    []atomic.Pointer[process] // in their places; nil while one is started again
	retired    chan struct{}             // closed when another set answers
	over       chan struct{}             // closed when its workers are told to end
	once       sync.Once
	pins       atomic.Int64
	turn       atomic.Uint32 // where the next search for a worker begins
}

func newSet(p *Pool, generation uint64) *set {
	return &set{pool: p, generation: generation, workers: make([]atomic.Pointer[process], p.workers()),
		retired: make(chan struct{}), over: make(chan struct{})}
}

var (
	_ server.Pinner = (*Pool)(nil)
	_ server.Pin    = (*set)(nil)
)

// Pin is [server.Pinner]'s.
func (p *Pool) Pin() server.Pin {
	for {
		s := p.current.Load()
		if s == nil {
			return nil
		}
		s.pins.Add(1)
		if p.current.Load() == s {
			return s
		}
		s.End()
	}
}

// Generation is [server.Pin]'s.
func (s *set) Generation() uint64 { return s.generation }

// End is [server.Pin]'s.
func (s *set) End() {
	if s.pins.Add(-1) > 0 {
		return
	}
	select {
	case <-s.retired:
		s.end()
	default:
	}
}

// retire has the workers end: once no page is pinned to them, or after a moment.
func (s *set) retire() {
	close(s.retired)
	if s.pins.Load() == 0 {
		s.end()
		return
	}
	time.AfterFunc(s.pool.grace(), s.end)
}

// end has the workers end once they have answered what they have.
func (s *set) end() {
	s.once.Do(func() { close(s.over) })
	for i := range s.workers {
		if w := s.workers[i].Load(); w != nil {
			w.retire()
		}
	}
}

// same reports whether all workers have loaded the same.
func (s *set) same() bool {
	s.version, s.files = s.workers[0].Load().version, s.workers[0].Load().files
	for i := range s.workers {
		if s.workers[i].Load().version != s.version {
			return false
		}
	}
	return true
}

// least is the worker that has the fewest requests in its hands, of several the one whose turn it is;
// nil if there is none.
func (s *set) least() (best *process) {
	if s == nil {
		return nil
	}
	fewest := 0
	first, all := s.turn.Add(1), uint32(len(s.workers))
	for i := range all {
		w := s.workers[(first+i)%all].Load()
		if w == nil || w.leaving.Load() || w.conn.Err() != nil {
			continue
		}
		if n := w.conn.Streams(); best == nil || n < fewest {
			best, fewest = w, n
		}
	}
	return best
}

// Why there is no worker for a request.
var (
	errNone = errors.New("no worker is there")
	errPast = errors.New("the generation of the page does not answer any more")
)

// choose returns the worker that has the least to do, of those that a request is pinned to, unless s
// is nil. If there is none, it waits for one of those that answer now; a promised request does not.
func (p *Pool) choose(ctx context.Context, s *set, promised bool) (*process, error) {
	p.once.Do(p.begin)
	if w := s.least(); w != nil {
		return w, nil
	}
	if promised {
		return nil, errPast
	}
	if w := p.current.Load().least(); w != nil {
		return w, nil
	}
	timer := time.NewTimer(cmp.Or(p.Wait, 5*time.Second))
	defer timer.Stop()
	for {
		p.mu.Lock()
		awake := p.awake
		p.mu.Unlock()
		if w := p.current.Load().least(); w != nil {
			return w, nil
		}
		select {
		case <-awake:
		case <-timer.C:
			return nil, errNone
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-p.closed.Done():
			return nil, errClosed
		}
	}
}

// The pauses before a worker is started again that has not lived long.
const (
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
	longLife   = 10 * time.Second
)

// keep has a worker in one place of a set until that is retired.
func (p *Pool) keep(s *set, i int) {
	pause := time.Duration(0)
	for {
		w := s.workers[i].Load()
		select {
		case <-s.retired:
			return
		case <-w.gone:
			if time.Since(w.began) > longLife {
				pause = 0
			}
		case <-w.tired:
			pause = 0
		}
		for {
			select {
			case <-s.retired:
				return
			case <-time.After(pause):
			}
			pause = min(max(2*pause, firstPause), maxPause)
			next, err := p.start(p.closed, s.generation)
			if err == nil && next.version != s.version {
				next.retire()
				p.logger.Info("the files have changed since they were loaded: all workers load them",
					slog.Uint64("generation", s.generation))
				_ = p.reload(p.closed, s.generation) // what came of it is in the log
				continue
			}
			if err == nil {
				s.workers[i].Store(next)
				w.retire() // it may have left
				break
			}
			if p.closed.Err() != nil {
				return
			}
			p.logger.Error("a worker cannot be started again", slog.Any("error", err),
				slog.Duration("again in", pause))
		}
		select {
		case <-s.over:
			s.workers[i].Load().retire() // end did not see it
			return
		default:
			p.wake()
		}
	}
}
