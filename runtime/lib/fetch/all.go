package fetch

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

const (
	// maxAll is how many requests fetch_all takes, and atOnce how many of them run at a time.
	maxAll = 1000
	atOnce = 8
	// maxAllBody is how many bytes their bodies may have together.
	maxAllBody = 64 << 20
)

func allMember() host.Member {
	return host.Member{
		Name: "fetch_all",
		Doc: "Sends several requests, up to 8 at a time, and returns what came of them in their order. " +
			"The bodies have been read: up to 10 MiB each, and 64 MiB of all together. A request that " +
			"fails leaves its error in its place, which has .kind and .message as one that catch() " +
			"returns; type() tells it from a response. The end of the call ends them all.",
		Params: []host.Param{{
			Name: "requests", Type: "iterable",
			Doc: "up to 1,000: URLs, what request() returns, or dicts or structs of its arguments; a body " +
				"is a string or bytes",
		}},
		Result: "a list of fetch.response and error",
		Errors: []host.Failure{{When: "what stands for a request is none"}},
		Example: `[e.kind for e in fetch_all(["https://example.com/", {"url": "ftp://example.com/"}])]  # ` +
			`["refused", "refused"]`,
		Fn: func(a host.Args) (starlark.Value, error) {
			var list starlark.Iterable
			if err := a.Unpack(&list); err != nil {
				return nil, err
			}
			requests, err := requestsIn(list)
			if err != nil {
				return nil, err
			}
			return a.Of.(*library).all(a.Thread, requests)
		},
	}
}

func requestsIn(list starlark.Iterable) ([]*request, error) {
	iter := list.Iterate()
	defer iter.Done()
	var all []*request
	var v starlark.Value
	for iter.Next(&v) {
		if len(all) == maxAll {
			return nil, fmt.Errorf("there are more than %d requests", maxAll)
		}
		r, err := requestIn(v)
		switch {
		case err != nil:
			return nil, fmt.Errorf("at index %d: %w", len(all), err)
		case r.stream != nil:
			return nil, fmt.Errorf("at index %d: its body is made as it is sent: pass a string or bytes, "+
				"or send it by fetch", len(all))
		}
		all = append(all, r)
	}
	return all, host.IterError(iter)
}

// An outcome is what came of one of several requests.
type outcome struct {
	got  *response
	done []host.Work
	err  error
}

func (l *library) all(t *starlark.Thread, requests []*request) (starlark.Value, error) {
	outcomes := make([]outcome, len(requests))
	if l.client == nil {
		for i, r := range requests {
			v, err := l.grant.trial.fetch(t, r)
			outcomes[i].got, outcomes[i].err = v, err
		}
	} else if err := host.CallOf(t).Wait(func(ctx context.Context) error {
		l.client.all(ctx, requests, outcomes)
		return ctx.Err()
	}); err != nil {
		return nil, err
	}
	list := make([]starlark.Value, 0, len(requests))
	for _, o := range outcomes {
		for _, w := range o.done {
			host.Observe(t, w)
		}
		if o.err == nil {
			list = append(list, o.got)
			continue
		}
		caught, err := host.Catch(t, fmt.Errorf("fetch_all: %w", o.err))
		if err != nil {
			return nil, err
		}
		list = append(list, caught)
	}
	return starlark.NewList(list), nil
}

// all sends the requests. It blocks, until all have ended.
func (c *client) all(ctx context.Context, requests []*request, outcomes []outcome) {
	var next, read atomic.Int64
	var running sync.WaitGroup
	for range min(atOnce, len(requests)) {
		running.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(requests) {
					return
				}
				c.one(ctx, requests[i], &outcomes[i], &read)
			}
		})
	}
	running.Wait()
}

// one sends a request and reads its response. read counts what has been read of all.
func (c *client) one(ctx context.Context, r *request, o *outcome, read *atomic.Int64) {
	f := newFlight(c, r)
	defer f.close()
	defer func() {
		if v := recover(); v != nil {
			o.err = &host.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	o.err = f.within(ctx, func() error {
		res, done, err := follow(f.ctx, r, f)
		if f.done = done; err == nil {
			o.got, err = f.whole(res, read)
		}
		return err
	})
	o.done = f.done
}

// whole returns the response with its body.
func (f *flight) whole(res *http.Response, read *atomic.Int64) (*response, error) {
	got := newResponse(res, f.asked)
	f.body = res.Body
	most := min(maxBody, maxAllBody-int(read.Load()))
	var err error
	if got.body, err = f.rest(max(most, 0), lengthOf(res)); err != nil {
		return nil, err
	}
	if read.Add(int64(len(got.body))) > maxAllBody {
		return nil, failed(oversized, "the bodies of all have more than %d bytes together", maxAllBody)
	}
	w := &f.done[len(f.done)-1]
	w.Took, w.Count = time.Since(w.Began), int64(len(got.body))
	got.note(w)
	return got, nil
}
