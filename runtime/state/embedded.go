package state

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A house is what a process has of the server of a directory: the server itself, or a socket by which
// the process is reached that has it. It is the dialer of the client, so that a process goes on with
// the server when the one that had it has ended.
type house struct {
	grant *Grant
	dir   string

	mu     sync.Mutex
	dials  func()         // is called before a connection is made
	server *server.Server // nil if another process has it
	lock   *os.File
	socket net.Listener
	guests sync.WaitGroup
	closed bool
}

// startTime is how long a server may take to start. It looks at all that is kept.
const startTime = time.Minute

// Dial is that of the client of NATS: it returns a connection to the server, wherever it runs. One that
// another process is about to start is waited for.
func (h *house) Dial(string, string) (net.Conn, error) {
	h.mu.Lock()
	dials := h.dials
	h.mu.Unlock()
	if dials != nil {
		dials()
	}
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		conn, err := h.dial()
		if conn != nil || !errors.Is(err, errSilent) || time.Since(began) > h.wait() {
			return conn, err
		}
	}
}

// onDial has f be called before each connection from now on, so that nothing is asked on one that does not
// know that the last one was lost: the client tells it by and by.
func (h *house) onDial(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dials = f
}

// wait is how long the server of another process is waited for. Guests come when it runs.
func (h *house) wait() time.Duration {
	if h.grant.Guest {
		return again
	}
	return startTime
}

// errSilent says that another process has the directory and does not answer.
var errSilent = errors.New("the process that has the directory does not answer")

func (h *house) dial() (net.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, net.ErrClosed
	}
	if h.grant.Connect != nil {
		ctx, cancel := context.WithTimeout(context.Background(), connecting)
		defer cancel()
		conn, err := h.grant.Connect(ctx, "", "")
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errSilent, err)
		}
		return conn, nil
	}
	if h.server == nil && !h.grant.Guest {
		if err := h.start(); err != nil {
			return nil, err
		}
	}
	if h.server != nil {
		return h.server.InProcessConn()
	}
	conn, err := dialSocket(h.dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSilent, err)
	}
	return conn, nil
}

// SkipTLSHandshake is of the client of NATS: nobody else can be on the way.
func (h *house) SkipTLSHandshake() bool { return true }

// start starts the server, unless another process has it. h.mu is held.
func (h *house) start() error {
	if h.grant.Prepare != nil {
		if err := h.grant.Prepare(); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return err
	}
	lock, err := lockFile(filepath.Join(h.dir, "lock"))
	if errors.Is(err, errLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	s, err := h.serve()
	if err != nil {
		lock.Close()
		return err
	}
	h.server, h.lock = s, lock
	h.listen()
	return nil
}

// own returns the server, nil if another process has it.
func (h *house) own() *server.Server {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.server
}

// serve runs a server.
func (h *house) serve() (*server.Server, error) {
	o := &server.Options{
		ServerName: "larkspur", DontListen: true, NoSigs: true,
		JetStream: true, StoreDir: h.dir,
		MaxPayload: 1 << 20,
		// All topics are one stream, and each that is followed has a consumer: maxFollowers bounds them.
		JetStreamLimits: server.JSLimitOpts{DefaultMaxConsumers: -1},
	}
	c := &h.grant.Cluster
	if c.Name == "" {
		if err := alone(h.dir); err != nil {
			return nil, err
		}
	} else if err := c.options(o, h.dir); err != nil {
		return nil, err
	}
	switch {
	case h.grant.Sync < 0:
		o.SyncAlways = true
	case h.grant.Sync == 0:
		o.SyncInterval = time.Second
	default:
		o.SyncInterval = h.grant.Sync
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, err
	}
	s.SetLoggerV2(&journal{log: h.grant.logger(), seldom: c.Name != ""}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(startTime) {
		s.Shutdown()
		return nil, errors.New("the server did not start")
	}
	if !s.JetStreamEnabled() {
		s.Shutdown()
		return nil, fmt.Errorf("the server cannot keep anything in %s: the log says why", h.dir)
	}
	return s, nil
}

// listen lets other processes of this user reach the server. Without a socket they do not.
func (h *house) listen() {
	l, err := listenSocket(h.dir)
	if err != nil {
		h.grant.logger().Warn("state: no other process can reach what is kept", slog.String("dir", h.dir),
			slog.Any("error", err))
		return
	}
	h.socket = l
	s := h.server
	h.guests.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			inside, err := s.InProcessConn()
			if err != nil {
				conn.Close()
				return
			}
			h.guests.Go(func() { join(conn, inside) })
		}
	})
}

// join passes what one says to the other, until one of them ends.
func join(a, b net.Conn) {
	done := make(chan struct{})
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // however it ended
		to.Close()
		from.Close()
	}
	go func() { pass(a, b); close(done) }()
	pass(b, a)
	<-done
}

// close ends the server. What was acknowledged is on the disk.
func (h *house) close() {
	h.mu.Lock()
	s, lock, socket := h.server, h.lock, h.socket
	h.server, h.closed = nil, true
	h.mu.Unlock()
	if socket != nil {
		socket.Close() // which removes it
	}
	if s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
	h.guests.Wait()
	if lock != nil {
		lock.Close()
	}
}
