package push_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/larkspur-web/larkspur/push"
)

// TestLimits has the limits of a response, a connection and a policy.
func TestLimits(t *testing.T) {
	many := make([]string, 30)
	for i := range many {
		many[i] = fmt.Sprintf("</%d>; rel=preload", i)
	}
	tenBytes := func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 10)) }
	s := site{"/": page(many...), "/more": page(`</x>; rel=preload`)}
	for i := range many {
		s[fmt.Sprintf("/%d", i)] = tenBytes
	}
	pending := func(string) error { return errPending }
	for _, c := range []struct {
		name   string
		policy *push.Policy
		conn   *conn
		want   int
		reason push.Reason // of the first that is not promised
	}{
		{"default", &push.Policy{}, newConn(), 10, push.Limit},
		{"three", &push.Policy{MaxPromises: 3}, newConn(), 3, push.Limit},
		{"none", &push.Policy{MaxPromises: -1}, newConn(), 0, push.Limit},
		{"connection", &push.Policy{MaxPerConnection: 4}, &conn{room: 100, outcome: pending}, 4,
			push.Limit},
		{"connection, settled", &push.Policy{MaxPerConnection: 4}, newConn(), 10, push.Limit},
		{"all", &push.Policy{MaxOpen: 5}, &conn{room: 100, outcome: pending}, 5, push.Limit},
		{"bytes", &push.Policy{MaxResponseBytes: 35}, newConn(), 3, push.Budget},
		{"bytes to the last", &push.Policy{MaxResponseBytes: 30}, newConn(), 3, push.Budget},
		{"all bytes", &push.Policy{MaxOpenBytes: 25}, &conn{room: 100, outcome: pending}, 2,
			push.Budget},
		{"verifying", &push.Policy{MaxVerifying: -1}, newConn(), 0, push.Limit},
		{"refused", &push.Policy{}, &conn{room: 100, err: errors.New("no more")}, 0, push.Limit},
		{"refused for good", &push.Policy{}, &conn{room: 100, err: http.ErrNotSupported}, 0,
			push.Disabled},
	} {
		t.Run(c.name, func(t *testing.T) {
			var first push.Reason
			n := 0
			c.policy.Observe = func(_ *http.Request, v push.Verdict) {
				n++
				if first == "" {
					first = v.Reason
				}
			}
			c.conn.get(t, &push.Handler{Next: s, Policy: c.policy}, "GET", "/")
			if len(c.conn.promises) != c.want || first != c.reason || n != 30 {
				t.Errorf("%d promised of %d, then %q; want %d, %q", len(c.conn.promises), n, first,
					c.want, c.reason)
			}
			// What is settled makes room again.
			for _, p := range c.conn.promises {
				if c.conn.outcome != nil {
					p.settled(nil)
				}
			}
			c.conn.err = nil
			before := len(c.conn.promises)
			c.conn.get(t, &push.Handler{Next: s, Policy: c.policy}, "GET", "/more")
			if more := len(c.conn.promises) - before; more != 1 && c.name != "none" &&
				c.name != "verifying" {
				t.Errorf("afterwards %d promised", more)
			}
		})
	}
}

// TestRefusedOnce verifies that nothing is run any more, and nothing promised, once the connection
// has refused a promise.
func TestRefusedOnce(t *testing.T) {
	runs := 0
	s := site{
		"/early": early(nil, http.Header{"Link": {`</a>; rel=preload, </b>; rel=preload, ` +
			`</c>; rel=preload`}}),
		"/late": page(`</a>; rel=preload, </b>; rel=preload, </c>; rel=preload`),
	}
	for _, target := range []string{"/a", "/b", "/c"} {
		s[target] = func(http.ResponseWriter, *http.Request) { runs++ }
	}
	conn := &conn{room: 100, err: errors.New("no")}
	h := &push.Handler{Next: s, Policy: new(push.Policy)}
	conn.get(t, h, "GET", "/early")
	if runs != 1 || conn.refused != 1 {
		t.Errorf("%d runs, %d promises; want one", runs, conn.refused)
	}
	conn.get(t, h, "GET", "/late")
	if conn.refused != 2 {
		t.Errorf("%d promises, want one for each page", conn.refused)
	}
}
