package h2

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/net/http2"
)

// A ClientConn is the client's side of a connection, on which requests are streams.
// Its methods are safe for concurrent use.
//
// It has two goroutines: the reader (clientreader.go) handles all frames that one Read
// has brought, and the writer (clientwriter.go) writes what requests, bodies and the
// reader have put into the output, those of all requests that are made at about the
// same time at once. A request is encoded by the goroutine that makes it, which then
// waits for its response; only a body has a goroutine of its own (clientsend.go).
//
// What the server sends is held back by the window of each stream. The window of the
// connection is as large as may be, so that a response that nobody reads does not keep
// others from coming.
//
// The fields up to done do not change. reader belongs to the reader's goroutine.
// mu guards the rest, the fields of a clientStream that say so included. Methods are
// called with mu held, unless they are exported or say otherwise; nobody blocks while
// holding it, and no other lock is taken meanwhile but that of a context.
type ClientConn struct {
	nc      net.Conn
	window  int32         // of a stream, for what the server sends
	settled chan struct{} // closed when the server's SETTINGS have come
	written chan struct{} // closed when the writer has ended
	done    chan struct{} // closed when the connection has

	reader clientReader

	mu       mutex
	writer   waker
	peer     serverSettings
	encoder  encoder
	flow     outflow // of the connection, for what is sent
	in       inflow  // and for what comes
	streams  map[uint32]*clientStream
	closed   closedStreams
	nextID   uint32
	reserved int             // streams that may be opened, and are about to
	queue    []*clientStream // that wait until they may
	wasted   int             // frames of the server that were for nothing, less what is forgiven
	pings    map[uint64]chan struct{}
	lastPing uint64
	out      clientOutput
	going    error // why no streams are begun any more
	err      error // why the connection has ended
}

// ClientConfig has the limits of a ClientConn. Its zero value is ready.
type ClientConfig struct {
	// Window is how many bytes of a response's body may wait until they are read. As
	// many more may be in the hands of whoever reads. If zero, 64 KiB.
	Window int32

	// MaxHeaderBytes is how large the header of a response may be, as RFC 9113,
	// section 10.5.1, counts it: with 32 bytes more for each field. A response above
	// it is an error. So are interim responses that wait to be seen, if they are four
	// times as much together. If zero, 64 KiB.
	MaxHeaderBytes int
}

// ErrUnprocessed says, by errors.Is, that the server has done nothing for a request: it
// was never sent, was refused (REFUSED_STREAM), or the server was going away when it
// came (GOAWAY). So it may be sent on another connection, whatever its method, if
// nothing of its body has been read. RFC 9113, section 8.7.
var ErrUnprocessed = errors.New("h2: the server has not processed the request")

// unprocessed is an error that is ErrUnprocessed too.
func unprocessed(err error) error { return fmt.Errorf("%w: %w", ErrUnprocessed, err) }

// Why a ClientConn ends, or takes no more requests.
var (
	errClosed   = errors.New("h2: the connection was closed")
	errShutdown = errors.New("h2: the connection is being shut down")
	errIDs      = errors.New("h2: the connection has no more streams")
)

// A goAwayError is a GOAWAY of the server.
type goAwayError struct {
	code  http2.ErrCode
	debug string
}

func (e goAwayError) Error() string {
	return fmt.Sprintf("h2: the server is going away: %v %q", e.code, e.debug)
}

// NewClientConn begins HTTP/2, by prior knowledge, on nc, which is the ClientConn's from
// then on. RFC 9113, section 3.3. It does not wait for the server. The connection must be
// ended by Close or Shutdown, unless it ends by itself.
func NewClientConn(nc net.Conn, config ClientConfig) *ClientConn {
	c := &ClientConn{
		nc:      nc,
		window:  int32(within(1, int(first(config.Window, 64<<10)), maxWindow)),
		settled: make(chan struct{}),
		written: make(chan struct{}),
		done:    make(chan struct{}),
		peer: serverSettings{
			frameSize: minFrameSize, window: defaultWindow, streams: assumedStreams,
		},
		flow:    outflow{defaultWindow},
		encoder: encoder{limit: defaultTableSize, max: defaultTableSize},
		streams: map[uint32]*clientStream{},
		nextID:  1,
	}
	c.writer.L = &c.mu
	c.encoder.resize(defaultTableSize)
	maxBytes := within(1, first(config.MaxHeaderBytes, 64<<10), maxStreamID/4)
	c.reader.c = c
	c.reader.init(maxBytes, DefaultMaxHeaderFields, defaultTableSize)
	c.mu.Lock()
	c.out.buf = append(c.out.buffer(), http2.ClientPreface...)
	c.out.settings([]http2.Setting{
		{ID: http2.SettingEnablePush, Val: 0},
		{ID: http2.SettingInitialWindowSize, Val: uint32(c.window)},
		{ID: http2.SettingMaxHeaderListSize, Val: uint32(maxBytes)},
	})
	c.in.init(maxWindow)
	c.out.windowUpdate(0, maxWindow-defaultWindow)
	c.scheduleWrite()
	c.mu.Unlock()
	go c.write()
	go c.reader.run()
	return c
}

// Streams is how many streams are open now.
func (c *ClientConn) Streams() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.streams) + c.reserved
}

// Done is closed when the connection has ended.
func (c *ClientConn) Done() <-chan struct{} { return c.done }

// Err is why the connection has ended, or nil while it has not.
func (c *ClientConn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Ping sends a PING, and waits for the answer. RFC 9113, section 6.7. It returns the error
// of ctx if that ends before, and that of the connection if it does.
func (c *ClientConn) Ping(ctx context.Context) error {
	answered := make(chan struct{})
	c.mu.Lock()
	if c.err != nil {
		defer c.mu.Unlock()
		return c.err
	}
	c.lastPing++
	data := c.lastPing
	if c.pings == nil {
		c.pings = map[uint64]chan struct{}{}
	}
	c.pings[data] = answered
	var octets [8]byte
	binary.BigEndian.PutUint64(octets[:], data)
	c.out.ping(0, octets[:])
	c.scheduleWrite()
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.pings, data)
		c.mu.Unlock()
	}()
	select {
	case <-answered:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		return c.Err()
	}
}

// Shutdown begins the end of the connection: requests that have been begun go on,
// others get ErrUnprocessed, and the connection is closed when the last stream has
// ended. It does not wait for that: see Done.
func (c *ClientConn) Shutdown() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.going == nil {
		c.out.goAway(0, http2.ErrCodeNo, "")
		c.scheduleWrite()
	}
	c.leave(errShutdown)
}

// Close ends the connection and all its streams at once.
func (c *ClientConn) Close() error {
	c.mu.Lock()
	c.fail(errClosed)
	c.mu.Unlock()
	c.nc.Close() // it may have been closed before
	return nil
}

// leave has no streams begun any more, because of err, and ends the connection when there
// are none.
func (c *ClientConn) leave(err error) {
	c.mu.held()
	if c.going == nil {
		c.going = err
	}
	for _, st := range c.queue {
		st.waiter.wake()
	}
	c.closeIfDrained()
}

// closeIfDrained ends a connection that nothing is left to do on.
func (c *ClientConn) closeIfDrained() {
	if c.going != nil && len(c.streams)+c.reserved == 0 {
		c.fail(c.going)
	}
}

// goodbyeTime is how long what is left of the output may take when the connection ends.
const goodbyeTime = time.Second

// fail ends the connection, and with it all streams, because of err. The writer writes
// what there is in the output, and closes the connection; the reader, which that ends,
// closes done.
func (c *ClientConn) fail(err error) {
	c.mu.held()
	if c.err != nil {
		return
	}
	c.err = err
	if c.going == nil {
		c.going = err // so that nobody is admitted
	}
	for _, st := range c.streams {
		if st.id >= c.out.next {
			c.close(st, unprocessed(err))
		} else {
			c.close(st, err)
		}
	}
	if e, ok := err.(connError); ok {
		c.out.goAway(0, e.code, e.reason)
	}
	c.leave(err)
	c.out.wakeWaiters()
	c.nc.SetWriteDeadline(time.Now().Add(goodbyeTime))
	c.writer.wake()
	if c.out.broken {
		c.nc.Close()
	}
}
