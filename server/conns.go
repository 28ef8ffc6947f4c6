package server

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"time"
)

// DefaultMaxConns is how many connections a server has at once where nothing else is said.
const DefaultMaxConns = 10_000

// conns are the open connections of an http.Server, or of all those of a [Group], whichever HTTP
// they speak, from their acceptance on. They are bounded: for one too many, the one that has been
// idle longest is closed, that is without a request, or before the end of its first header. If all
// others are at work, it is the new one itself.
//
// It is safe for concurrent use, and must not be copied.
type conns struct {
	max   int  // zero means DefaultMaxConns
	early bool // each enters when it is accepted, before an http.Server has it

	mu    sync.Mutex
	count ConnStats             // of which Open and Idle are not set
	open  map[net.Conn]*tracked // by what is below TLS
	idle  list.List             // of *tracked; the one that has been idle longest is first
}

// tracked is a connection as conns know it.
type tracked struct {
	conn   net.Conn      // below TLS
	from   *Listener     // that has accepted it; nil if that is not known
	owner  *http.Server  // that it was handed to; nil during its handshake
	silent bool          // it has asked for nothing yet
	http2  bool          // whose end is said by a GOAWAY
	idle   *list.Element // nil if it is at work
	since  time.Time     // when it was accepted, or became idle
}

// enter adds a connection that was accepted, before it is handed to an http.Server. A nil *conns has
// no bound, and does nothing.
func (c *conns) enter(nc net.Conn, from *Listener) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(below(nc), nil, from)
}

// handed notes that owner has a connection now.
func (c *conns) handed(nc net.Conn, owner *http.Server) {
	nc = below(nc)
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.open[nc]; t != nil {
		t.owner = owner
	} else if !c.early { // else it was one too many already, and is closed
		c.add(nc, owner, nil)
	}
}

// add adds a connection, and closes one if there are too many. c.mu is held.
func (c *conns) add(nc net.Conn, owner *http.Server, from *Listener) {
	if c.open == nil {
		c.open = map[net.Conn]*tracked{}
	}
	c.count.Taken++
	t := &tracked{conn: nc, from: from, owner: owner, silent: true, since: time.Now()}
	t.idle = c.idle.PushBack(t)
	c.open[nc] = t
	most := c.max
	if most == 0 {
		most = DefaultMaxConns
	}
	if len(c.open) > most {
		c.closeOldest()
	}
}

// leave removes a connection that is closed, or is another protocol's.
func (c *conns) leave(nc net.Conn) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.open[below(nc)]; t != nil {
		c.remove(t)
	}
}

// shed closes the connection that has been idle longest, and reports whether there is one.
func (c *conns) shed() bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closeOldest()
}

// closeOldest closes the connection that has been idle longest, and reports whether there is one.
// c.mu is held.
func (c *conns) closeOldest() bool {
	first := c.idle.Front()
	if first == nil {
		return false
	}
	t := first.Value.(*tracked)
	c.remove(t)
	c.count.Shed++
	t.conn.Close() // it does not wait for the client
	return true
}

// remove forgets a connection. c.mu is held.
func (c *conns) remove(t *tracked) {
	delete(c.open, t.conn)
	if t.idle != nil {
		c.idle.Remove(t.idle)
	}
}

// changed notes the state of a connection: it is http.Server's ConnState.
func (c *conns) changed(owner *http.Server, nc net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.handed(nc, owner)
		return
	case http.StateHijacked:
		unended(nc)
		fallthrough
	case http.StateClosed:
		c.leave(nc)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.open[below(nc)]
	switch {
	case t == nil: // it was one too many
	case state == http.StateActive && t.idle != nil:
		t.silent = false
		c.idle.Remove(t.idle)
		t.idle = nil
	case state == http.StateIdle && t.idle == nil:
		t.idle, t.since = c.idle.PushBack(t), time.Now()
	}
}

// speaksHTTP2 notes that a connection does.
func (c *conns) speaksHTTP2(nc net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.open[below(nc)]; t != nil {
		t.http2 = true
	}
}

// fresh reports whether owner, or from which it accepts, has a connection of HTTP/1 that was accepted,
// or has been idle, for less than d: its client may be sending a request at this moment.
func (c *conns) fresh(owner *http.Server, from *Listener, d time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.idle.Back(); e != nil; e = e.Prev() {
		t := e.Value.(*tracked)
		if time.Since(t.since) >= d {
			return false // and so have those before it
		}
		if !t.http2 && (t.owner == owner || t.owner == nil && t.from == from) {
			return true
		}
	}
	return false
}

// endSilent closes the connections of owner, which takes no requests any more, that have asked for
// nothing: net/http waits five seconds for each, and then would not answer.
func (c *conns) endSilent(owner *http.Server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.open {
		if t.owner == owner && t.silent {
			c.remove(t)
			t.conn.Close()
		}
	}
}

// track has s tell c of its connections, beside whom it tells already, and of its shutdown.
func (c *conns) track(s *http.Server) {
	s.RegisterOnShutdown(func() { c.endSilent(s) })
	told := s.ConnState
	s.ConnState = func(nc net.Conn, state http.ConnState) {
		c.changed(s, nc, state)
		if told != nil {
			told(nc, state)
		}
	}
}

// below is what is below TLS, and what else stands around a connection.
func below(nc net.Conn) net.Conn {
	for {
		over, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			return nc
		}
		nc = over.NetConn()
	}
}
