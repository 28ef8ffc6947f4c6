//go:build race

package h2

import "testing"

// A function that needs the connection's lock panics without.
func TestLock(t *testing.T) {
	panics := func(f func()) (did bool) {
		defer func() { did = recover() != nil }()
		f()
		return false
	}
	for name, f := range map[string]func(c *conn){
		"open":          func(c *conn) { c.open(new(stream)) },
		"close":         func(c *conn) { c.close(new(stream), nil) },
		"arm":           func(c *conn) { c.arm(1) },
		"refund":        func(c *conn) { c.refund(1) },
		"scheduleFlush": func(c *conn) { c.scheduleFlush() },
		"flush":         func(c *conn) { c.flush(nil) },
		"signal":        func(c *conn) { (&stream{c: c}).signal() },
	} {
		if !panics(func() { f(new(conn)) }) {
			t.Errorf("%s runs without the lock", name)
		}
	}
	c := new(conn)
	c.mu.Lock()
	if panics(func() { (&stream{c: c}).signal() }) {
		t.Error("a lock that is held is not")
	}
}
