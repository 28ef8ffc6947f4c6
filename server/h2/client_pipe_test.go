package h2_test

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// lane is one direction of a connection in memory. It waits on a condition only, so that a bubble of
// testing/synctest sees who waits, and its deadlines follow the bubble's clock.
type lane struct {
	mu       sync.Mutex
	wake     *sync.Cond
	waiting  []byte
	room     int  // writes block while more bytes than this wait; 0 is no bound
	held     bool // reads block, whatever waits
	ended    bool // the writer has closed: reads give what waits, then io.EOF
	broken   bool // the reader has closed: writes fail
	readBy   time.Time
	writeBy  time.Time
	readBell *time.Timer
	sendBell *time.Timer
}

func newLane() *lane {
	l := new(lane)
	l.wake = sync.NewCond(&l.mu)
	return l
}

func past(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

func (l *lane) read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.broken:
			return 0, net.ErrClosed
		case past(l.readBy):
			return 0, os.ErrDeadlineExceeded
		case len(l.waiting) > 0 && !l.held:
			n := copy(p, l.waiting)
			l.waiting = l.waiting[n:]
			l.wake.Broadcast()
			return n, nil
		case l.ended && len(l.waiting) == 0:
			return 0, io.EOF
		}
		l.wake.Wait()
	}
}

func (l *lane) write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sent := 0
	for {
		switch {
		case l.ended:
			return sent, net.ErrClosed
		case l.broken:
			return sent, errors.New("connection reset by peer")
		case past(l.writeBy):
			return sent, os.ErrDeadlineExceeded
		}
		n := len(p)
		if l.room > 0 {
			n = min(n, max(0, l.room-len(l.waiting)))
		}
		l.waiting = append(l.waiting, p[:n]...)
		p, sent = p[n:], sent+n
		if n > 0 {
			l.wake.Broadcast()
		}
		if len(p) == 0 {
			return sent, nil
		}
		l.wake.Wait()
	}
}

func (l *lane) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	l.wake.Broadcast()
}

// ring sets a deadline and sees that who waits for it wakes.
func (l *lane) ring(by *time.Time, bell **time.Timer, t time.Time) {
	l.set(func() {
		*by = t
		if *bell != nil {
			(*bell).Stop()
			*bell = nil
		}
		if !t.IsZero() {
			*bell = time.AfterFunc(time.Until(t), func() { l.set(func() {}) })
		}
	})
}

func (l *lane) stop() {
	for _, bell := range []*time.Timer{l.readBell, l.sendBell} {
		if bell != nil {
			bell.Stop()
		}
	}
}

// memory is one end of a connection in memory.
type memory struct {
	in, out    *lane
	here, peer *net.TCPAddr
}

// newMemory returns the ends of a connection: the client's and the server's.
func newMemory() (client, server *memory) {
	up, down := newLane(), newLane()
	a := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40001}
	b := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443}
	return &memory{in: down, out: up, here: a, peer: b}, &memory{in: up, out: down, here: b, peer: a}
}

func (m *memory) Read(p []byte) (int, error)  { return m.in.read(p) }
func (m *memory) Write(p []byte) (int, error) { return m.out.write(p) }
func (m *memory) LocalAddr() net.Addr         { return m.here }
func (m *memory) RemoteAddr() net.Addr        { return m.peer }

func (m *memory) Close() error {
	m.in.set(func() { m.in.broken = true; m.in.waiting = nil; m.in.stop() })
	m.out.set(func() { m.out.ended = true; m.out.stop() })
	return nil
}

func (m *memory) SetReadDeadline(t time.Time) error {
	m.in.ring(&m.in.readBy, &m.in.readBell, t)
	return nil
}

func (m *memory) SetWriteDeadline(t time.Time) error {
	m.out.ring(&m.out.writeBy, &m.out.sendBell, t)
	return nil
}

func (m *memory) SetDeadline(t time.Time) error {
	return errors.Join(m.SetReadDeadline(t), m.SetWriteDeadline(t))
}

// deaf makes the client stop reading: at most room bytes of the server's wait, then its writes block.
func (m *memory) deaf(room int) {
	m.in.set(func() { m.in.held, m.in.room = true, room })
}

// sip has a deaf client take n bytes more.
func (m *memory) sip(n int) {
	m.in.set(func() { m.in.room += n })
}

// hear makes a deaf client read again.
func (m *memory) hear() {
	m.in.set(func() { m.in.held, m.in.room = false, 0 })
}

// exchange is a net.Listener of connections in memory.
type exchange struct {
	calls chan net.Conn
	once  sync.Once
	shut  chan struct{}
}

func newExchange() *exchange {
	return &exchange{calls: make(chan net.Conn), shut: make(chan struct{})}
}

// dial returns the client's end of a new connection.
func (e *exchange) dial() (*memory, error) {
	client, server := newMemory()
	select {
	case e.calls <- server:
		return client, nil
	case <-e.shut:
		return nil, net.ErrClosed
	}
}

func (e *exchange) Accept() (net.Conn, error) {
	select {
	case c := <-e.calls:
		return c, nil
	case <-e.shut:
		return nil, net.ErrClosed
	}
}

func (e *exchange) Close() error {
	e.once.Do(func() { close(e.shut) })
	return nil
}

func (e *exchange) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }
