package websocket

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// An app is what websocket(fn) returns: app(environ, start_response). It does not change, and
// serves any number of requests at once.
type app struct {
	fn           starlark.Callable
	origins      []string
	subprotocols []string
	maxSize      int
	ping         time.Duration
}

var _ host.Answer = (*app)(nil)

func (p *app) String() string        { return "<websocket " + p.fn.Name() + ">" }
func (p *app) Type() string          { return "websocket.app" }
func (p *app) Name() string          { return "websocket" }
func (p *app) Freeze()               { p.fn.Freeze() }
func (p *app) Truth() starlark.Bool  { return starlark.True }
func (p *app) Hash() (uint32, error) { return 0, errors.New("unhashable: websocket.app") }

// Answers lets a router take it as a handler.
func (p *app) Answers() {}

// key is that of the environ by which the server gives the connection.
const key = starlark.String("larkspur.websocket")

// CallInternal answers one request.
func (p *app) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var env starlark.IterableMapping
	var start starlark.Callable
	err := starlark.UnpackPositionalArgs("websocket app", args, kwargs, 2, &env, &start)
	if err != nil {
		return nil, err
	}
	v, _, err := env.Get(key)
	if err != nil {
		return nil, err
	}
	h := &handshake{thread: t, start: start, header: make(http.Header)}
	var ok bool
	if h.upgrader, ok = v.(environ.Upgrader); !ok {
		// RFC 9110, section 15.5.22. The server adds the field Upgrade.
		h.status = http.StatusUpgradeRequired
		h.text.WriteString("426 Upgrade Required: this is a WebSocket\n")
		return h.refuse()
	}
	w := newSocket(t, p)
	conn, err := websocket.Accept(h, h.upgrader.Handshake(), &websocket.AcceptOptions{
		Subprotocols:   p.subprotocols,
		OriginPatterns: p.origins,
		OnPingReceived: w.alive.pinged,
		// What compression saves is not worth what it costs a socket that waits, and what is secret
		// in a message can be guessed by the length of what an attacker has put beside it.
		CompressionMode: websocket.CompressionDisabled,
	})
	switch {
	case h.err != nil:
		return nil, h.err
	case err != nil:
		return h.refuse()
	}
	w.begin(conn, h.conn)
	h.open(w)
	return starlark.NewList(nil), w.run(p.fn)
}

// A handshake is the http.ResponseWriter of the library's handshake: what that refuses is answered
// by start_response, and what it accepts by taking over the connection.
type handshake struct {
	thread   *starlark.Thread
	start    starlark.Callable
	upgrader environ.Upgrader
	header   http.Header
	status   int
	text     bytes.Buffer

	conn   *line
	err    error // why the connection could not be taken over
	socket chan *socket
}

func (h *handshake) Header() http.Header { return h.header }

// WriteHeader notes the status, of which the first counts.
func (h *handshake) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *handshake) Write(b []byte) (int, error) { return h.text.Write(b) }

// Hijack is http.Hijacker's. The application has said 101 by then.
func (h *handshake) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h.err = environ.Start(h.thread, h.start, http.StatusSwitchingProtocols, nil)
	if h.err != nil {
		return nil, nil, h.err
	}
	h.socket = make(chan *socket, 1)
	nc, rw, err := h.upgrader.Upgrade(h.header, func() {
		if w, ok := <-h.socket; ok {
			h.socket <- w
			w.leave()
		}
	})
	if h.err = err; err != nil {
		close(h.socket)
		return nil, nil, err
	}
	h.conn = &line{Conn: nc}
	return h.conn, rw, nil
}

// open says which socket it has become.
func (h *handshake) open(w *socket) { h.socket <- w }

// refuse answers a request that becomes no WebSocket.
func (h *handshake) refuse() (starlark.Value, error) {
	fields := []environ.Field{{Name: "Content-Type", Value: "text/plain; charset=utf-8"}}
	if version := h.header.Get("Sec-WebSocket-Version"); version != "" {
		// RFC 6455, section 4.4.
		h.status = http.StatusUpgradeRequired
		fields = append(fields, environ.Field{Name: "Sec-WebSocket-Version", Value: version})
	}
	if err := environ.Start(h.thread, h.start, h.status, fields); err != nil {
		return nil, err
	}
	return starlark.NewList([]starlark.Value{starlark.String(h.text.String())}), nil
}
