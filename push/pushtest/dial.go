package pushtest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// ErrNotHTTP2 is the error of [Dial] where the server speaks HTTP/1 only.
var ErrNotHTTP2 = errors.New("the server does not speak HTTP/2")

// Dial connects to the server of rawURL: with TLS and ALPN for https, in cleartext with prior
// knowledge for http. It returns when the server's SETTINGS have come. The URL's path is not used.
//
// The connection lives until [Client.Close], or until ctx ends.
func Dial(ctx context.Context, rawURL string, settings *Settings) (*Client, error) {
	s := settings.withDefaults()
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("pushtest: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, fmt.Errorf("pushtest: %q is no URL of a server: write http://HOST:PORT or "+
			"https://HOST:PORT", rawURL)
	}
	dialing, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	conn, state, err := connect(dialing, u, &s)
	if err != nil {
		return nil, fmt.Errorf("pushtest: %w", err)
	}
	c := newClient(u, conn, state, s)
	c.start(ctx)
	select {
	case <-c.ready:
		return c, nil
	case <-c.dead:
	case <-dialing.Done():
		c.mu.Lock()
		c.fail(fmt.Errorf("no SETTINGS from the server: %w", dialing.Err()))
		c.mu.Unlock()
	}
	c.Close()
	return nil, fmt.Errorf("pushtest: %w", c.Err())
}

// connect makes the connection, with TLS if the URL wants it.
func connect(ctx context.Context, u *url.URL, s *Settings) (net.Conn, *tls.ConnectionState, error) {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	dial := s.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil || u.Scheme == "http" {
		return conn, nil, err
	}
	config := s.TLS.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	if config.ServerName == "" {
		config.ServerName = u.Hostname()
	}
	// http/1.1 is offered so that a server without HTTP/2 answers, and can be told from one that
	// fails.
	config.NextProtos = []string{"h2", "http/1.1"}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, nil, err
	}
	state := secure.ConnectionState()
	if state.NegotiatedProtocol != "h2" {
		secure.Close()
		return nil, nil, fmt.Errorf("%w: in TLS it chose HTTP/1.1", ErrNotHTTP2)
	}
	return secure, &state, nil
}

func newClient(u *url.URL, conn net.Conn, state *tls.ConnectionState, s Settings) *Client {
	c := &Client{
		conn: conn, tls: state, scheme: u.Scheme, authority: u.Host, settings: s, began: time.Now(),
		ready: make(chan struct{}), dead: make(chan struct{}), wake: make(chan struct{}, 1),
		exchanges: map[uint32]*Exchange{}, pings: map[[8]byte]chan struct{}{}, next: 1,
		in: inbound{window: initialWindow, target: initialWindow, streamWindow: initialWindow,
			frame: minFrame,
			table: initialTable, used: initialTable, push: !s.NoPush, streams: noLimit},
		peer: outbound{window: initialWindow, streamWindow: initialWindow, frame: minFrame,
			streams: noLimit},
	}
	c.reader = bufio.NewReaderSize(conn, 64<<10)
	c.read = http2.NewFramer(nil, c.reader)
	c.read.SetMaxReadFrameSize(1<<24 - 1) // the size is judged when the header of a frame is there
	// The order is judged, not refused; and Framer knows no CONTINUATION after PUSH_PROMISE
	c.read.AllowIllegalReads = true
	c.write = http2.NewFramer(&c.out, nil)
	c.encoder = hpack.NewEncoder(&c.encoded)
	c.decoder = hpack.NewDecoder(initialTable, nil)
	c.decoder.SetMaxStringLength(maxBlock)
	return c
}

// start sends the preface and starts the two goroutines of the connection.
func (c *Client) start(ctx context.Context) {
	c.mu.Lock()
	c.out.WriteString(http2.ClientPreface)
	c.sendSettings(c.settings.frame())
	if more := c.settings.ConnectionWindow - initialWindow; more > 0 {
		c.in.target = int64(min(c.settings.ConnectionWindow, maxWindow))
		c.in.window = c.in.target
		c.sendUpdate(0, c.in.target-initialWindow)
	}
	c.wakeWriter()
	c.mu.Unlock()
	c.running.Add(2)
	go c.readLoop()
	go c.writeLoop()
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.fail(ctx.Err())
	})
	c.mu.Lock()
	c.unbind, c.over = stop, ctx.Err
	c.mu.Unlock()
}

// speaksHTTP1 reports whether the server's first bytes are an HTTP/1 response.
func (c *Client) speaksHTTP1() bool {
	first, err := c.reader.Peek(5)
	return err == nil && bytes.Equal(first, []byte("HTTP/"))
}
