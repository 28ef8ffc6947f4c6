package state

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// follow has a schedule be kept, from when the generation is published until it is stopped.
func (l *library) follow(s *schedule) {
	if l.load.App == nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	l.load.OnStop(stop)
	if l.grant.volatile { // a test is never published
		l.load.OnReady(func(context.Context) error { l.grant.trial.follow(ctx, s); return nil })
		return
	}
	l.load.OnPublish(func() {
		l.grant.follow(ctx, s)
		go s.keep(ctx)
	})
}

// follow has a schedule be known until ctx ends, so that it can be called out of turn.
func (g *Grant) follow(ctx context.Context, s *schedule) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.schedules == nil {
		g.schedules = make(map[string]*schedule)
	}
	g.schedules[s.name] = s
	context.AfterFunc(ctx, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.schedules[s.name] == s {
			delete(g.schedules, s.name)
		}
	})
}

// shownRun is how long a run out of turn is waited for by who looks at it.
const shownRun = 2 * time.Second

// callNow calls the function of a schedule out of turn, in this process. When it is due next stays as it is.
func (g *Grant) callNow(ctx context.Context, name string) error {
	g.mu.Lock()
	s := g.schedules[name]
	g.mu.Unlock()
	if s == nil {
		return failed(KindUsage, "no program that serves in this process has the schedule %s any more", name)
	}
	had, err := s.read(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	t := &tick{Last: had.Last, By: s.id, Began: now, version: had.version}
	if t.Last.IsZero() {
		t.Last = now
	}
	mine, err := s.write(ctx, t)
	if err != nil {
		return err
	}
	if !mine {
		return failed(KindConflict, "it is being called just now")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.call(ctx, t)
	}()
	select {
	case <-done:
	case <-time.After(shownRun):
	case <-ctx.Done():
	}
	return nil
}

// A tick is a time at which a schedule was due, as it is kept for all processes: who sets the next one
// calls the function.
type tick struct {
	Last  time.Time     `json:"last"`         // that was due
	By    string        `json:"by,omitempty"` // who calls the function
	Began time.Time     `json:"began,omitzero"`
	Took  time.Duration `json:"took,omitempty"` // 0 while it runs
	Error string        `json:"error,omitempty"`

	version uint64 // 0 if there is none
}

const (
	cronBucket  = own + "_cron"
	cronHistory = 20
	// lookTime is how often it is looked whether the next time is still what it was.
	lookTime = time.Minute
)

func cronShape() shape { return bucketShape(cronBucket, 0, cronHistory) }

// keep waits for each time that is due, until ctx ends.
func (s *schedule) keep(ctx context.Context) {
	for ctx.Err() == nil {
		wait, err := s.step(ctx)
		if err != nil && ctx.Err() == nil {
			if !isKind(err, KindUnavailable) {
				s.lib.logger().Warn("cron: look when it is due", slog.String("schedule", s.name), slog.Any("error", err))
			}
			wait = time.Second
		}
		_ = host.Pause(ctx, min(wait, lookTime))
	}
}

// step calls the function if it is due and nobody else does, and returns how long nothing is to be done.
func (s *schedule) step(ctx context.Context) (time.Duration, error) {
	t, err := s.read(ctx)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	if t.version == 0 { // it is new
		_, err := s.write(ctx, &tick{Last: now})
		return 0, err
	}
	due := s.times.next(t.Last)
	if left := due.Sub(now); left > 0 {
		return left, nil
	}
	t = &tick{Last: s.times.latest(due, now), By: s.id, Began: now, version: t.version}
	mine, err := s.write(ctx, t)
	if err != nil || !mine {
		return 0, err
	}
	s.call(ctx, t)
	return 0, nil
}

// call calls the function, and keeps what came of it.
func (s *schedule) call(ctx context.Context, t *tick) {
	if !s.lib.grant.begin() {
		return
	}
	defer s.lib.grant.work.Done()
	ctx = context.WithoutCancel(ctx) // what is begun is done
	began := time.Now()
	err := s.lib.call(ctx, s.fn)
	t.Took = max(time.Since(began), 1)
	log := s.lib.logger().With(slog.String("schedule", s.name), slog.Time("due", t.Last), slog.Duration("took", t.Took))
	if err != nil {
		t.Error = host.Cut(err.Error())
		log.Error("a function that was due has failed", failure(err)...)
	} else {
		log.Info("a function was called that was due")
	}
	if _, err := s.write(ctx, t); err != nil {
		log.Warn("cron: keep what came of it", slog.Any("error", err))
	}
}

// read returns the last tick.
func (s *schedule) read(ctx context.Context) (t *tick, err error) {
	err = s.lib.grant.ask(ctx, func(ctx context.Context, e *engine) (int64, error) {
		return e.within(ctx, cronShape(), func(ctx context.Context, _ *engine, o *opened) (int64, error) {
			r, err := last(ctx, o, prefixOf(cronBucket), s.name)
			t = new(tick)
			if err != nil || r == nil || r.deleted {
				if r != nil {
					t.version = r.version
				}
				return 0, err
			}
			if json.Unmarshal(r.data, t) != nil {
				t.Last = r.time // it is as though it had been called then
			}
			t.version = r.version
			return 0, nil
		})
	})
	return t, err
}

// write keeps a tick, and reports false if another one did so first. It has the version then.
func (s *schedule) write(ctx context.Context, t *tick) (mine bool, err error) {
	data, err := json.Marshal(t)
	if err != nil {
		return false, err
	}
	err = s.lib.grant.ask(ctx, func(ctx context.Context, e *engine) (int64, error) {
		return e.within(ctx, cronShape(), func(ctx context.Context, e *engine, o *opened) (int64, error) {
			version, err := e.put(ctx, o, prefixOf(cronBucket)+s.name, change{data: data, expect: t.version, bound: true})
			if err == nil {
				t.version = version
			}
			return 0, err
		})
	})
	if !isConflict(err) {
		return err == nil, err
	}
	// It may be this very one, if the answer was lost.
	had, err := s.read(ctx)
	if err != nil || had.By != s.id || !had.Began.Equal(t.Began) || had.Took != t.Took {
		return false, err
	}
	t.version = had.version
	return true, nil
}
