package server

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/server/hop"
)

// A tunnel is how a request becomes a conversation in another protocol.
type tunnel struct {
	stream io.ReadCloser // of an extended CONNECT for a WebSocket: what the client sends; or nil
	taken  *takeover     // once a handler has taken over the connection
}

// streams reports whether a stream of HTTP/2 may be taken over.
func (x *exchange) streams() bool { return x.tunnel != nil && x.tunnel.stream != nil }

// handshake returns r, or if it asks for a WebSocket by the extended CONNECT of RFC 8441, the GET
// of RFC 6455 that asks for the same, as all that stands further in knows it: routers, applications,
// proxies, libraries. The stream is kept until somebody takes it over.
func (x *exchange) handshake(r *http.Request) *http.Request {
	if r.Method != http.MethodConnect {
		return r
	}
	protocol := r.Header[":protocol"]
	if len(protocol) != 1 || !strings.EqualFold(protocol[0], websocket) {
		return r
	}
	x.tunnel = &tunnel{stream: r.Body}
	if r.Body == nil {
		x.tunnel.stream = http.NoBody
	}
	// As over HTTP/1.1, it is the connection that tells of a client which goes away: an application
	// has something to do then.
	get := r.WithContext(context.WithoutCancel(r.Context()))
	get.Method, get.Body, get.ContentLength = http.MethodGet, http.NoBody, 0
	get.Header = r.Header.Clone()
	delete(get.Header, ":protocol")
	delete(get.Header, "Content-Length")
	var key [16]byte
	rand.Read(key[:])
	// RFC 8441, section 5: neither field is used there, nor is the answer to the key.
	get.Header["Connection"] = []string{"Upgrade"}
	get.Header["Upgrade"] = []string{websocket}
	get.Header["Sec-Websocket-Key"] = []string{base64.StdEncoding.EncodeToString(key[:])}
	return get
}

const websocket = "websocket"

// asksUpgrade reports whether r is a GET for a WebSocket. RFC 6455, section 4.1.
func asksUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ProtoAtLeast(1, 1) &&
		wire.Listed(r.Header["Upgrade"], websocket) && wire.Listed(r.Header["Connection"], "upgrade")
}

// switching sends the head of the response that agrees to another protocol on a stream.
func (x *exchange) switching() {
	x.status = http.StatusSwitchingProtocols // for the log; HTTP/2 has none
	x.first()
	h := x.ResponseWriter.Header()
	for _, name := range []string{"Connection", "Upgrade", "Sec-Websocket-Accept"} {
		delete(h, name)
	}
	// RFC 8441, section 5: any 2xx. net/http would guess at a type.
	h["Content-Type"] = nil
	if hop.From(x.request.Message.Context()) != nil {
		hop.Switch(h)
	}
	x.ResponseWriter.WriteHeader(http.StatusOK)
}

// take gives the connection to a handler, which owns it from now on.
func (x *exchange) take() (net.Conn, *bufio.ReadWriter, error) {
	if x.tunnel == nil {
		x.tunnel = new(tunnel)
	}
	u := x.tunnel
	if u.taken != nil {
		return nil, nil, http.ErrHijacked
	}
	c := http.NewResponseController(x.ResponseWriter)
	if u.stream == nil {
		nc, rw, err := c.Hijack()
		if err != nil {
			return nil, nil, err
		}
		if x.status == 0 {
			x.status = http.StatusSwitchingProtocols
		}
		u.taken = &takeover{Conn: nc}
		rw.Writer.Reset(u.taken) // what was in it net/http has sent
		return u.taken, rw, nil
	}
	if x.status != http.StatusSwitchingProtocols {
		return nil, nil, errors.New("server: over HTTP/2 a stream is taken over after WriteHeader(101)")
	}
	if err := c.Flush(); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errGone, err) // the context of a handshake does not say so
	}
	s := &streamConn{x: x, c: c}
	_ = s.SetDeadline(time.Time{}) // those of a response
	u.taken = &takeover{Conn: s}
	return u.taken, bufio.NewReadWriter(bufio.NewReaderSize(u.taken, streamBuffer),
		bufio.NewWriterSize(u.taken, streamBuffer)), nil
}

// streamBuffer is the size of the buffers around a stream: most are idle, it has its own, and what
// is larger goes past them.
const streamBuffer = 1 << 10

// A takeover is a connection, or a stream, that a handler has taken over from the server. It is
// safe for concurrent use as any net.Conn.
type takeover struct {
	net.Conn
	written atomic.Int64
	once    sync.Once
	onClose func() // nil, or called by the first Close
}

// NetConn is the connection itself, as that of a tls.Conn is what is below TLS.
func (t *takeover) NetConn() net.Conn { return t.Conn }

func (t *takeover) Write(p []byte) (int, error) {
	n, err := t.Conn.Write(p)
	t.written.Add(int64(n))
	return n, err
}

// Close closes the connection once.
func (t *takeover) Close() (err error) {
	err = net.ErrClosed
	t.once.Do(func() {
		err = t.Conn.Close()
		if t.onClose != nil {
			t.onClose()
		}
	})
	return err
}

// A streamConn is a stream of HTTP/2 as a connection: what is written is sent at once.
type streamConn struct {
	x      *exchange
	c      *http.ResponseController
	closed atomic.Bool
	mu     sync.Mutex // of writing
}

func (s *streamConn) Read(p []byte) (int, error) {
	if s.closed.Load() {
		return 0, net.ErrClosed
	}
	return s.x.tunnel.stream.Read(p)
}

func (s *streamConn) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return 0, net.ErrClosed
	}
	n, err := s.x.ResponseWriter.Write(p)
	if err == nil {
		err = s.c.Flush()
	}
	return n, err
}

// Close ends a Read and a Write that wait. The stream itself ends with the handler.
func (s *streamConn) Close() error {
	s.closed.Store(true)
	// A Write that waits for the client ends by this, and with it the stream; one that does not,
	// and what was written, do not see it.
	if !s.mu.TryLock() {
		_ = s.c.SetWriteDeadline(time.Unix(1, 0))
	} else {
		s.mu.Unlock()
	}
	return s.x.tunnel.stream.Close()
}

func (s *streamConn) SetReadDeadline(t time.Time) error  { return s.c.SetReadDeadline(t) }
func (s *streamConn) SetWriteDeadline(t time.Time) error { return s.c.SetWriteDeadline(t) }
func (s *streamConn) SetDeadline(t time.Time) error {
	return errors.Join(s.c.SetReadDeadline(t), s.c.SetWriteDeadline(t))
}

func (s *streamConn) LocalAddr() net.Addr {
	a, _ := s.x.request.Message.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return a
}

func (s *streamConn) RemoteAddr() net.Addr { return peerAddr(s.x.request.Peer()) }

// A peerAddr is the address of the other end, as net/http writes it.
type peerAddr string

func (peerAddr) Network() string  { return "tcp" }
func (a peerAddr) String() string { return string(a) }
