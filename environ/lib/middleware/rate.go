package middleware

import (
	"container/list"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// maxClients is how many clients are counted at once: the one that was seen longest ago goes.
const maxClients = 10_000

func rateMember() host.Member {
	return host.Member{
		Name: "rate_limit",
		Doc: "Lets each client ask n times in a period, and answers 429 with Retry-After what is " +
			"more. A client that has asked for nothing may ask n times at once, and then again as " +
			"the time passes. Unless they are shared counts are those of this process, are lost when the " +
			"application is reloaded, and are kept of the 10,000 clients seen last.",
		Params: []host.Param{
			{Name: "n", Type: "int", Doc: "how many requests, from 1 on"},
			{
				Name: "per", Type: "string, int or float",
				Doc: "the period: seconds, or \"30s\", \"1m\", \"1h30m\"",
			},
			{
				Name: "key", Type: "callable or None", Default: starlark.None,
				Doc: "is called with environ and returns a string that stands for the client, or " +
					"None for one without a limit; None takes the peer's address, of IPv6 the /64: behind " +
					"a proxy that is the proxy's, so say who is meant, by client_ip of @http",
			},
			{
				Name: "shared", Type: "bool", Default: starlark.False, Pass: host.ByName,
				Doc: "whether counts are those of all processes and machines, kept where the state of the " +
					"application is, which outlives them. Where that cannot be reached for a while those of " +
					"this process count",
			},
		},
		Result: "a function from application to application",
		Errors: []host.Failure{{
			Code: string(environ.CodeWebUse), When: "n or per is out of range, or it is to be shared where " +
				"nothing keeps state",
		}},
		Example: `def app(environ, start_response):
    start_response("200 OK", [])
    return []

limited = rate_limit(2, "1m")(app)
said = []
for _ in range(3):
    limited({"REMOTE_ADDR": "192.0.2.1"}, lambda status, headers: said.append(status))

said  # ["200 OK", "200 OK", "429 Too Many Requests"]`,
		Fn: newRate,
	}
}

func newRate(a host.Args) (starlark.Value, error) {
	var n int
	var per, key starlark.Value
	var share bool
	if err := a.Unpack(&n, &per, &key, &share); err != nil {
		return nil, err
	}
	period, err := periodOf(per)
	if err != nil {
		return nil, environ.Misuse(fmt.Errorf("rate_limit: %w", err))
	}
	if n < 1 || n > 1_000_000_000 {
		return nil, environ.Misuse(fmt.Errorf("rate_limit: n is %d, not from 1 to 1,000,000,000", n))
	}
	var of starlark.Callable
	if key != starlark.None {
		var ok bool
		if of, ok = key.(starlark.Callable); !ok {
			return nil, environ.Misuse(fmt.Errorf("rate_limit: key is %s, not a function", key.Type()))
		}
		if err := takes("rate_limit", of, 1, "(environ)"); err != nil {
			return nil, err
		}
	}
	l := newLimiter(n, period)
	if share {
		load, _ := a.Of.(*host.Load)
		var ok bool
		if l.all, ok = load.Grant.(Taker); !ok {
			return nil, environ.Misuse(errors.New("rate_limit: shared = True needs what keeps state: larkspur serve " +
				"has it by --data DIR or --nats URL"))
		}
		l.name = fmt.Sprintf("%d in %v at %s ", n, period, host.Position(a.Thread.CallStack()))
	}
	return made("rate_limit", nil, func(q *request) (starlark.Value, error) {
		if q.get(keyPushed) != "" {
			return q.next(q.start) // the client has not asked for it
		}
		client, limited, err := q.client(of)
		if err != nil {
			return nil, err
		}
		if limited {
			if wait := l.takeShared(q.thread, client); wait > 0 {
				// RFC 6585, section 4; RFC 9110, section 10.2.3: whole seconds.
				after := strconv.FormatInt(int64(math.Ceil(wait.Seconds())), 10)
				page := response.ErrorPage(q.env, http.StatusTooManyRequests, "")
				return q.answer(page.With(environ.Field{Name: "Retry-After", Value: after}))
			}
		}
		return q.next(q.start)
	}, key)
}

// client is what stands for who asks, and whether there is a limit for that.
func (q *request) client(key starlark.Callable) (client string, limited bool, err error) {
	if key == nil {
		return network(q.get(keyRemote)), true, nil
	}
	v, err := starlark.Call(q.thread, key, starlark.Tuple{q.env}, nil)
	if err != nil || v == starlark.None {
		return "", false, err
	}
	client, ok := starlark.AsString(v)
	if !ok {
		return "", false, misreturnedKey(key, v)
	}
	return client, true, nil
}

func misreturnedKey(key starlark.Callable, v starlark.Value) error {
	fault := environ.Errorf("", "convert it with str(), or return None for no limit",
		"rate_limit: %s returned %s, not a string", key.Name(), v.Type())
	return &returned{fault, key, v}
}

// network is what the requests of an address are counted by.
func network(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return addr
	}
	p := environ.Network(ip)
	if p.Addr().Is4() {
		return p.Addr().String()
	}
	return p.String()
}

// periodOf reads a period: seconds, or a duration as Go writes it.
func periodOf(v starlark.Value) (time.Duration, error) {
	var d time.Duration
	if s, ok := starlark.AsString(v); ok {
		var err error
		if d, err = time.ParseDuration(s); err != nil {
			return 0, fmt.Errorf("per is %q, which is no period: write \"30s\", \"1m\" or \"1h\"", s)
		}
	} else {
		f, ok := starlark.AsFloat(v)
		if !ok {
			return 0, fmt.Errorf("per is %s, neither seconds nor a string as \"1m\"", v.Type())
		}
		if !(f > 0 && f <= 1e9) {
			return 0, errors.New("per is not from 0 to 1,000,000,000 seconds")
		}
		d = time.Duration(f * float64(time.Second))
	}
	if d <= 0 {
		return 0, errors.New("per is not above 0")
	}
	return d, nil
}

// A limiter is the generic cell rate algorithm: of each client it keeps the time at which it will
// have asked for nothing again. It is safe for concurrent use.
type limiter struct {
	every time.Duration // a request, in the long run
	burst time.Duration // that may be ahead
	all   Taker         // nil if counts are those of this process
	name  string        // of the limit, among all that are shared

	mu      sync.Mutex
	clients map[string]*list.Element
	recent  list.List // of *bucket, the one seen last first
}

type bucket struct {
	client string
	empty  time.Time
}

func newLimiter(n int, period time.Duration) *limiter {
	every := max(period/time.Duration(n), 1)
	return &limiter{every: every, burst: period, clients: make(map[string]*list.Element)}
}

// A Taker counts requests for all processes: what the module is granted for limits that are shared.
type Taker interface {
	// Take counts a request of who is named by any text, and returns how long that has to wait for it; 0
	// if it may be answered now. Requests are every so long in the long run, and burst may be ahead. It is
	// safe for concurrent use, and waits in the call of t.
	Take(t *starlark.Thread, by string, every, burst time.Duration) (wait time.Duration, err error)
}

// takeShared is take for all processes, if the limit is shared and that can be done.
func (l *limiter) takeShared(t *starlark.Thread, client string) time.Duration {
	if l.all != nil {
		if wait, err := l.all.Take(t, l.name+client[:min(len(client), maxKey)], l.every, l.burst); err == nil {
			return wait
		}
	}
	return l.take(client, time.Now())
}

// take counts a request, and returns how long the client has to wait for it; 0 if it may be
// answered now. One that has to wait is not counted.
func (l *limiter) take(client string, now time.Time) time.Duration {
	if len(client) > maxKey {
		client = client[:maxKey]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.clients[client]
	if !ok {
		if len(l.clients) >= maxClients {
			last := l.recent.Back()
			delete(l.clients, last.Value.(*bucket).client)
			l.recent.Remove(last)
		}
		client = strings.Clone(client) // it may be a piece of all that the client has sent
		e = l.recent.PushFront(&bucket{client, now})
		l.clients[client] = e
	}
	l.recent.MoveToFront(e)
	b := e.Value.(*bucket)
	empty := b.empty
	if empty.Before(now) {
		empty = now
	}
	empty = empty.Add(l.every)
	if wait := empty.Sub(now) - l.burst; wait > 0 {
		return wait
	}
	b.empty = empty
	return 0
}

// maxKey is how many bytes of what stands for a client count.
const maxKey = 256
