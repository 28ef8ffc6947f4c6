package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// reload is Reload, unless another generation answers by then than that one; 0 is any.
func (p *Pool) reload(ctx context.Context, only uint64) error {
	began := time.Now()
	err := p.load(ctx, only)
	generation := slog.Uint64("generation", p.Generation())
	switch {
	case errors.Is(err, errClosed), errors.Is(err, errReplaced):
	case err != nil:
		p.tally.failures.Add(1)
		p.logger.Error("reload failed, the last good version serves on", slog.Any("error", err), generation)
	default:
		p.logger.Info("reloaded", generation, slog.Duration("time", time.Since(began)))
	}
	return err
}

// load loads a generation, unless another one answers than only; 0 is any.
func (p *Pool) load(ctx context.Context, only uint64) error {
	p.loading.Lock()
	defer p.loading.Unlock()
	old, now := p.current.Load(), p.Generation()
	if only != 0 && only != now {
		return errReplaced
	}
	next, err := p.agree(ctx, now+1)
	if err != nil {
		return err
	}
	next.loaded = time.Now()
	p.current.Store(next)
	p.wake()
	for i := range next.workers {
		p.living.Go(func() { p.keep(next, i) })
	}
	if old != nil {
		old.retire()
	}
	return nil
}

// maxChanges is how often workers may load different files until that is an error.
const maxChanges = 5

// agree starts the workers of a generation, all of which have loaded the same.
func (p *Pool) agree(ctx context.Context, generation uint64) (*set, error) {
	for range maxChanges {
		s, err := p.fill(ctx, generation)
		if err != nil {
			return nil, err
		}
		if s.same() {
			return s, nil
		}
		s.retire()
	}
	return nil, errors.New("worker: the files are being changed: workers that load at once load others")
}

// fill starts the workers of a generation.
func (p *Pool) fill(ctx context.Context, generation uint64) (*set, error) {
	if p.closed.Err() != nil {
		return nil, errClosed
	}
	s := newSet(p, generation)
	ready := make(chan error, len(s.workers))
	for i := range s.workers {
		go func() {
			w, err := p.start(ctx, generation)
			if err == nil {
				s.workers[i].Store(w)
			}
			ready <- err
		}()
	}
	var err error
	for range s.workers {
		if e := <-ready; e != nil && err == nil {
			err = e // the others say the same
		}
	}
	if err == nil && p.closed.Err() != nil {
		err = errClosed
	}
	if err != nil {
		s.retire()
		return nil, err
	}
	return s, nil
}

// start starts a worker and waits until it has loaded the application.
func (p *Pool) start(ctx context.Context, generation uint64) (*process, error) {
	w, err := p.spawn(generation)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(p.startTimeout())
	defer timer.Stop()
	select {
	case <-w.loaded:
	case <-ctx.Done():
		w.kill(death{cause: Unready, text: "its start was given up"})
	case <-p.closed.Done():
		w.kill(death{cause: Unready, text: "the pool is closed"})
	case <-timer.C:
		w.kill(death{cause: Unready, text: "it took too long to load the application"})
	}
	<-w.loaded
	if w.wrong != nil {
		w.kill(death{cause: Unready, text: "it does not load"})
		<-w.ended // and what it had for itself is gone
		if err := ctx.Err(); err != nil {
			return nil, errors.Join(err, w.wrong)
		}
		return nil, w.wrong
	}
	return w, nil
}
