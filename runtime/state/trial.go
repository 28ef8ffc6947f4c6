package state

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A trial is what tests have of the program that is loaded for them: what else works by itself is done
// when a test says so. The zero value is ready; it is safe for concurrent use.
type trial struct {
	mu        sync.Mutex
	queues    map[string]*queue
	schedules map[string]*schedule
}

// serve has a queue be known until ctx ends.
func (tr *trial) serve(ctx context.Context, q *queue) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.queues == nil {
		tr.queues = make(map[string]*queue)
	}
	tr.queues[q.name] = q
	context.AfterFunc(ctx, func() {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		if tr.queues[q.name] == q {
			delete(tr.queues, q.name)
		}
	})
}

// follow has a schedule be known until ctx ends.
func (tr *trial) follow(ctx context.Context, s *schedule) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.schedules == nil {
		tr.schedules = make(map[string]*schedule)
	}
	tr.schedules[s.name] = s
	context.AfterFunc(ctx, func() {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		if tr.schedules[s.name] == s {
			delete(tr.schedules, s.name)
		}
	})
}

// members are what @test has.
func (tr *trial) members() []host.Member { return []host.Member{tr.dueMember(), tr.jobsMember()} }

func (tr *trial) dueMember() host.Member {
	return host.Member{
		Name: "due",
		Doc: "Calls the function of a schedule of @cron, as though its time had come. In a test nothing else " +
			"does.",
		Params: []host.Param{{Name: "name", Doc: "of the schedule", Type: "string"}},
		Result: "what the function returns",
		Errors: []host.Failure{
			{When: "there is no such schedule (usage)"},
			{When: "the function fails: with that error"},
		},
		Example: `due("sweep")  # error: there is no schedule sweep`,
		Fn: func(t *starlark.Thread, name string) (starlark.Value, error) {
			tr.mu.Lock()
			s := tr.schedules[name]
			names := slices.Sorted(maps.Keys(tr.schedules))
			tr.mu.Unlock()
			if s == nil {
				return nil, failed(KindUsage, "there is no schedule %s: there are %s", host.Cut(name),
					cmp.Or(strings.Join(names, ", "), "none"))
			}
			return starlark.Call(t, s.fn, nil, nil)
		},
	}
}

// maxTried is how many jobs a test does at once: one that puts another one would have no end.
const maxTried = 1000

func (tr *trial) jobsMember() host.Member {
	return host.Member{
		Name: "jobs",
		Doc: "Does the jobs that wait in the queues of the application, one after the other, those with a " +
			"delay and those that other jobs put as well. In a test nothing else does them.",
		Params: []host.Param{{Name: "name", Doc: "of the queue; \"\" is all", Default: starlark.String("")}},
		Result: "a list of the values of the jobs, in the order in which they were done",
		Errors: []host.Failure{
			{When: "a job fails: with that error. It is not tried again"},
			{When: "there are more than 1,000 (limit)"},
		},
		Example: `jobs()  # []
jobs("mails")  # []`,
		Fn: tr.jobs,
	}
}

// jobs is jobs(name).
func (tr *trial) jobs(t *starlark.Thread, name string) ([]starlark.Value, error) {
	tr.mu.Lock()
	var queues []*queue
	for _, of := range slices.Sorted(maps.Keys(tr.queues)) {
		if name == "" || of == name {
			queues = append(queues, tr.queues[of])
		}
	}
	tr.mu.Unlock()
	var all []starlark.Value
	for found := true; found; {
		found = false
		for _, q := range queues {
			j, err := q.take(t)
			if err != nil {
				return nil, err
			}
			if j == nil {
				continue
			}
			if len(all) == maxTried {
				return nil, failed(KindLimit, "more than %d jobs were put", maxTried)
			}
			v, err := decode(j.data)
			if err != nil {
				return nil, err
			}
			found, all = true, append(all, v)
			if v, err = decode(j.data); err != nil {
				return nil, err
			}
			if _, err := starlark.Call(t, q.work, q.args(j, v, 1), nil); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// take takes the next job of a queue, nil if there is none.
func (q *queue) take(t *starlark.Thread) (j *job, err error) {
	err = q.lib.do(t, deed{text: q.name + ".take", unit: "jobs"}, func(
		ctx context.Context, e *engine,
	) (int64, error) {
		for _, later := range []bool{false, true} {
			cons, err := e.consumer(ctx, q.name, later)
			if err != nil {
				return 0, err
			}
			for {
				some, err := cons.FetchNoWait(1)
				if err != nil {
					return 0, err
				}
				m, ok := <-some.Messages()
				if !ok {
					break
				}
				if j = jobOf(q.name, m); j.key != "" {
					mine, err := e.claim(ctx, j)
					if err != nil {
						return 0, err
					}
					if !mine {
						j = nil
					}
				}
				if err := m.DoubleAck(ctx); err != nil || j != nil {
					return 1, err
				}
			}
		}
		return 0, nil
	})
	return j, err
}
