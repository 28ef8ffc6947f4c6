package pushtest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// ErrClosed is the error of what was under way when [Client.Close] was called.
var ErrClosed = errors.New("the client was closed")

// A Client is a connection to a server. Its methods may be called by several goroutines at once.
//
// One goroutine reads and handles frames, one writes what out holds; all that they and the
// methods share is guarded by mu. Nothing waits while it holds mu, so a server that does not read
// cannot stop the client from reading.
type Client struct {
	conn      net.Conn
	tls       *tls.ConnectionState // nil in cleartext
	scheme    string
	authority string
	settings  Settings
	began     time.Time

	reader *bufio.Reader // of the reading goroutine
	read   *http2.Framer // of the reading goroutine

	ready   chan struct{} // closed when the server's first SETTINGS have come
	dead    chan struct{} // closed when err is set
	wake    chan struct{} // to the writing goroutine: out has something
	running sync.WaitGroup
	unbind  func() bool  // from the context of Dial
	over    func() error // the error of that context

	mu      sync.Mutex
	err     error
	out     bytes.Buffer
	write   *http2.Framer // to out
	encoder *hpack.Encoder
	encoded bytes.Buffer // of the encoder
	decoder *hpack.Decoder

	exchanges map[uint32]*Exchange
	promises  []*Exchange // in the order of their promises
	waiting   []*Exchange // for the server's limit of streams
	sending   []*Exchange // have body or trailers left
	next      uint32      // stream of the next request
	open      int         // requests that are neither answered nor reset
	promised  uint32      // the last promised stream
	pushing   int         // promised streams whose response has begun and not ended
	kept      int         // bytes of bodies
	block     *block      // the header block that has begun and not ended
	goAway    *GoAwayError

	in     inbound
	peer   outbound
	change *change // SETTINGS that the server has not acknowledged, nil for none
	pings  map[[8]byte]chan struct{}
	pinged uint64

	frames     []Frame
	logged     int           // bytes
	lost       int           // frames that the log could not keep
	seen       int           // frames received
	changed    chan struct{} // closed when a frame is logged; nil if nobody waits
	violations []Violation
}

// A ResetError is the error of an exchange whose stream was reset.
type ResetError struct {
	Stream uint32
	Code   http2.ErrCode
	Local  bool // the client did it
}

func (e *ResetError) Error() string {
	who := "the server"
	if e.Local {
		who = "the client"
	}
	return fmt.Sprintf("%s reset stream %d with %v", who, e.Stream, e.Code)
}

// A GoAwayError is the error of requests that the server will not answer, as it said with GOAWAY.
type GoAwayError struct {
	Last  uint32 // the last stream that it has, or may have, taken up
	Code  http2.ErrCode
	Debug string // what it said besides
}

func (e *GoAwayError) Error() string {
	text := fmt.Sprintf("the server said GOAWAY with %v, last stream %d", e.Code, e.Last)
	if e.Debug != "" {
		text += fmt.Sprintf(": %q", e.Debug)
	}
	return text
}

// Err is why the connection ended, or nil while it lives.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// GoAway is the last GOAWAY of the server, or nil.
func (c *Client) GoAway() *GoAwayError {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.goAway
}

// TLS is the state of TLS, or nil in cleartext.
func (c *Client) TLS() *tls.ConnectionState { return c.tls }

// Promises are all promises of the connection, in the order in which they came.
func (c *Client) Promises() []*Exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*Exchange(nil), c.promises...)
}

// Stream is the exchange on a stream, or nil.
func (c *Client) Stream(id uint32) *Exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exchanges[id]
}

// Ping sends a PING and waits for its answer.
func (c *Client) Ping() error {
	var data [8]byte
	answered := make(chan struct{})
	c.mu.Lock()
	if c.err != nil {
		defer c.mu.Unlock()
		return c.err
	}
	c.pinged++
	binary.BigEndian.PutUint64(data[:], c.pinged)
	c.pings[data] = answered
	_ = c.write.WritePing(false, data) // out takes everything
	c.sent(Frame{Type: http2.FramePing, Length: 8})
	c.mu.Unlock()
	return c.await(answered, "an answer to PING")
}

// await waits until done is closed, the connection ends, or the time is up.
func (c *Client) await(done <-chan struct{}, what string) error {
	timer := time.NewTimer(c.settings.Timeout)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-c.dead:
		return c.Err()
	case <-timer.C:
		return fmt.Errorf("no %s in %v: %w", what, c.settings.Timeout, context.DeadlineExceeded)
	}
}

// Close says GOAWAY, closes the connection, and returns when its goroutines have ended. What the
// client has seen can still be read.
func (c *Client) Close() error {
	c.mu.Lock()
	err := ErrClosed
	if c.over != nil && c.over() != nil {
		err = c.over() // what ends the context has not got to ending the connection yet
	}
	c.fail(err)
	c.mu.Unlock()
	c.running.Wait()
	return nil
}

// fail ends the connection: with a GOAWAY if it can still be written. The first reason stays; mu is
// held.
func (c *Client) fail(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	code := http2.ErrCodeNo
	if v, ok := err.(*Violation); ok {
		code = v.code
	}
	_ = c.write.WriteGoAway(c.promised, code, nil)
	c.sent(Frame{Type: http2.FrameGoAway, Length: 8, Last: c.promised, Code: code})
	for _, x := range c.exchanges {
		c.end(x, err)
	}
	for _, x := range c.waiting {
		c.end(x, err)
	}
	c.waiting, c.sending = nil, nil
	close(c.dead)
	if c.unbind != nil {
		c.unbind()
	}
	// A writer that is stuck has this long to get rid of the rest.
	_ = c.conn.SetWriteDeadline(time.Now().Add(time.Second))
}

// wakeWriter tells the writing goroutine that there is something; mu is held.
func (c *Client) wakeWriter() {
	if c.out.Len() > maxOut {
		c.out.Reset()
		c.fail(fmt.Errorf("the server does not read: %d bytes wait for it", maxOut))
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// writeLoop writes what out holds until the connection is dead, and closes it.
func (c *Client) writeLoop() {
	defer c.running.Done()
	defer c.conn.Close()
	var spare bytes.Buffer
	for {
		last := false
		select {
		case <-c.wake:
		case <-c.dead:
			last = true
		}
		c.mu.Lock()
		c.out, spare = spare, c.out
		if c.err == nil {
			_ = c.conn.SetWriteDeadline(time.Now().Add(c.settings.Timeout))
		}
		c.mu.Unlock()
		_, err := spare.WriteTo(c.conn)
		spare.Reset()
		if err != nil {
			c.mu.Lock()
			c.fail(fmt.Errorf("write: %w", err))
			c.mu.Unlock()
			return
		}
		if last {
			return
		}
	}
}
