package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
)

// A Listener is an open socket of a [Group], or of an http.Server that somebody owns, and the URL
// under which it is reached. HTTP/1 requests that could be read in two ways get 400 on it: see
// package http1.
type Listener struct {
	net.Listener
	// URL has the real port: http://127.0.0.1:8000, https://[::1]:8443, unix:/run/app.sock.
	URL string
	// Where is what [Listen] was given.
	Where string
	// Handler answers what comes by this listener of a [Group]. Nil means the Handler of the group. It must
	// not be changed once the group has the listener.
	Handler http.Handler
	// Proxies are believed when they begin a connection by the PROXY protocol. Nil means nobody. It must not be
	// changed once the listener is served.
	Proxies *Proxies

	conns  *conns       // of the group; nil if it has none
	logger *slog.Logger // nil means slog.Default()
	said   tally

	tls    *tls.Config // nil for cleartext
	once   sync.Once   // starts accept
	ready  chan net.Conn
	done   chan struct{} // closed once failed says why no connection comes any more
	failed error

	halting sync.Once
	halted  chan struct{} // closed once no connection is accepted any more
	closing sync.Once
	closed  chan struct{}
}

func newListener(l net.Listener, where, url string, config *tls.Config) *Listener {
	return &Listener{Listener: l, Where: where, URL: url, tls: config,
		ready: make(chan net.Conn), done: make(chan struct{}),
		halted: make(chan struct{}), closed: make(chan struct{})}
}

// halt accepts no more connections. Accept still returns those that shake hands, and then waits until
// the Listener is closed.
func (l *Listener) halt() {
	l.halting.Do(func() {
		close(l.halted)
		l.Listener.Close()
	})
}

// Close closes the socket; those who shake hands lose their connection.
func (l *Listener) Close() (err error) {
	l.halting.Do(func() {
		close(l.halted)
		err = l.Listener.Close()
	})
	l.closing.Do(func() { close(l.closed) })
	return err
}

// failing returns why nothing is accepted any more: err, of the socket. If that was halted, it waits
// until it is closed.
func (l *Listener) failing(err error) error {
	select {
	case <-l.halted:
		<-l.closed
		return net.ErrClosed
	default:
		return err
	}
}

// ErrAddress is wrapped by the error of [Listen] if what it was given names no listener.
var ErrAddress = errors.New("write http://HOST:PORT, https://HOST:PORT or unix:PATH, " +
	"perhaps with ?mode=660&owner=USER&group=GROUP")

// Listen opens the listener that where names: http://HOST:PORT, https://HOST:PORT or unix:PATH.
// Port 0 picks a free one; no host means all addresses. The socket of a unix path is made anew if
// the one there has no server, and removed when the Listener is closed. Who may connect to it is
// for its mode, owner and group to say, which may follow the path, each by name or number:
// unix:PATH?mode=660&owner=USER&group=GROUP. Without them the umask and the process decide.
//
// An https listener takes its certificate from config; on the others config is not used.
func Listen(where string, config *tls.Config) (*Listener, error) {
	return (*Opened)(nil).Listen(where, config)
}

// Listen is the function of that name, but that a socket which is open already is taken.
func (o *Opened) Listen(where string, config *tls.Config) (*Listener, error) {
	if path, ok := strings.CutPrefix(where, "unix:"); ok {
		return o.listenUnix(where, path)
	}
	u, err := url.Parse(where)
	if err != nil || !isOrigin(u) {
		return nil, fmt.Errorf("listen: %q is no listener: %w", where, ErrAddress)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if u.Scheme == "https" && config == nil {
		return nil, fmt.Errorf("listen on %s: no certificate", where)
	}
	l := o.take(where, net.JoinHostPort(u.Hostname(), port))
	if l == nil {
		if l, err = net.Listen("tcp", net.JoinHostPort(u.Hostname(), port)); err != nil {
			return nil, listenError(where, err)
		}
	}
	at := *u
	at.Path = ""
	if _, real, err := net.SplitHostPort(l.Addr().String()); err == nil {
		at.Host = net.JoinHostPort(u.Hostname(), real)
		if u.Hostname() == "" {
			at.Host = ":" + real
		}
	}
	if u.Scheme == "https" {
		config = config.Clone()
		if len(config.NextProtos) == 0 { // what GetConfigForClient returns has its own
			config.NextProtos = []string{"h2", "http/1.1"}
		}
		return newListener(l, where, at.String(), config), nil
	}
	return newListener(l, where, at.String(), nil), nil
}

// isOrigin reports whether u is http://HOST:PORT or https://HOST:PORT and nothing more.
func isOrigin(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		(u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

var errTaken = errors.New("the address is taken: stop what serves there, or choose another")

// listenError says in a line why a listener could not be opened.
func listenError(where string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen on %s: %w", where, errTaken)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("listen on %s: not permitted", where)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return fmt.Errorf("listen on %s: %w", where, err)
}
