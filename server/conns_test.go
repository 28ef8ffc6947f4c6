package server_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server"
)

// silent are ways to have a connection and to ask for nothing on it: what is sent, over TLS after
// a handshake for the protocol, or before it if that is "".
var silent = []struct {
	name, scheme, protocol, sent string
}{
	{"nothing", "http", "", ""},
	{"half a head", "http", "", "GET / HTTP/1.1\r\nHost: a\r\nX-"},
	{"an empty line", "http", "", "\r\n"},
	{"half a preface", "http", "", "PRI * HTTP/2.0\r\n\r\nSM"},
	{"TLS, nothing", "https", "", ""},
	{"TLS, half a handshake", "https", "", "\x16\x03\x01\x02\x00"},
	{"TLS, HTTP/1, nothing", "https", "http/1.1", ""},
	{"TLS, HTTP/1, half a head", "https", "http/1.1", "GET / HTTP/1.1\r\nHost: a\r\nX-"},
	{"TLS, HTTP/2, nothing", "https", "h2", ""},
	{"TLS, HTTP/2, half a preface", "https", "h2", "PRI * HTTP/2.0\r\n"},
}

// dialSilent makes such a connection to l.
func dialSilent(t *testing.T, l *server.Listener, protocol, sent string) net.Conn {
	t.Helper()
	var config *tls.Config
	if protocol != "" {
		config = &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}}
	}
	c := dial(t, l.Addr().String(), config)
	if secure, ok := c.(*tls.Conn); ok {
		if err := secure.Handshake(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(c, sent); err != nil {
		t.Fatal(err)
	}
	if protocol == "h2" {
		// By its first frame the server has begun to count the connection as idle, not before.
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// TestSilentDoNotHold ends a group whose clients have asked for nothing: it does not wait for them,
// as net/http does for five seconds, and the connections end.
func TestSilentDoNotHold(t *testing.T) {
	for _, test := range silent {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var took time.Duration
			for range 3 { // a machine that is busy is so not each time
				l := open(t, test.scheme)
				g := serveGroup(t, &server.Group{Handler: says("hello"), Drain: time.Hour}, l)
				c := dialSilent(t, l, test.protocol, test.sent)
				call(t, l, false).wants("hello", false) // so the one before it is accepted
				began := time.Now()
				if err := g.ends(); err != nil {
					t.Error(err)
				}
				took = time.Since(began)
				if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("the connection is open still")
				}
				if took < 4*time.Second {
					return
				}
			}
			t.Errorf("it took %v", took)
		})
	}
}

// A turnstile is a net.Listener that tells of each call of Accept: the connection of the one before
// is known to the server then.
type turnstile struct {
	net.Listener
	turns chan struct{}
}

func (s *turnstile) Accept() (net.Conn, error) {
	s.turns <- struct{}{}
	return s.Listener.Accept()
}

// watch puts a turnstile into l, and returns the wait for the next turn.
func watch(l *server.Listener) (next func()) {
	s := &turnstile{l.Listener, make(chan struct{}, 100)}
	l.Listener = s
	return func() { <-s.turns }
}

// TestMaxConns has more clients than a group takes connections: the one that has been idle longest
// goes, whichever protocol it speaks and however far it has come, and none that is at work.
func TestMaxConns(t *testing.T) {
	plain, secure := open(t, "http"), open(t, "https")
	accepted := map[*server.Listener]func(){plain: watch(plain), secure: watch(secure)}
	work := newSlow()
	mux := http.NewServeMux()
	mux.Handle("/slow", work)
	mux.Handle("/", says("hello"))
	const most = 4
	g := &server.Group{Handler: mux, MaxConns: most}
	serveGroup(t, g, plain, secure)
	rest := func(n int) {
		t.Helper()
		for end := time.Now().Add(patient); server.IdleConns(g) < n; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d connections are idle, want %d", server.IdleConns(g), n)
			}
		}
	}
	accepted[plain]()
	accepted[secure]()

	begin := func(l *server.Listener, http2 bool) (end func()) {
		c := call(t, l, http2)
		c.url += "/slow"
		done := make(chan struct{})
		go func() {
			defer close(done)
			if got, _, err := c.get(); got != "first second" {
				t.Errorf("who was at work got %q, %v", got, err)
			}
		}()
		select {
		case <-work.begun:
		case <-done:
			t.FailNow()
		}
		accepted[l]()
		return func() { <-done }
	}
	one, two := begin(plain, false), begin(secure, true)

	// Two more are idle, of all kinds in turn; each third ends the first.
	var idle []net.Conn
	for _, test := range silent {
		l := map[string]*server.Listener{"http": plain, "https": secure}[test.scheme]
		idle = append(idle, dialSilent(t, l, test.protocol, test.sent))
		accepted[l]()
		if len(idle) <= most-2 {
			continue
		}
		oldest := idle[len(idle)-1-(most-2)]
		if _, err := io.Copy(io.Discard, oldest); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the oldest is open still", test.name)
		}
	}
	// Of two that have been answered the one that was answered first goes, not the older one.
	old, young := call(t, plain, false), call(t, plain, true)
	old.wants("hello", false)
	young.wants("hello", false)
	rest(2)
	old.wants("hello", true)
	rest(2)
	call(t, secure, true).wants("hello", false)
	rest(2)
	old.wants("hello", true)
	rest(2)
	if _, kept, err := young.get(); kept && err == nil {
		t.Error("the one that was idle longest is open still")
	}
	rest(2)

	// When all are at work the next is not served.
	three, four := begin(plain, true), begin(secure, false)
	c := dial(t, plain.Addr().String(), nil)
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one too many: %v", err)
	}
	close(work.goOn)
	for _, end := range []func(){one, two, three, four} {
		end()
	}
	rest(1)
	call(t, plain, false).wants("hello", false)
}

// A starved is a net.Listener whose process has no descriptors left, so many times.
type starved struct {
	net.Listener
	left atomic.Int32
	err  error
}

func (s *starved) Accept() (net.Conn, error) {
	if s.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", s.err)}
	}
	return s.Listener.Accept()
}

// TestAcceptIsSaid has a listener fail for want of descriptors: it is said once, with the cure, and
// the client that waited is served.
func TestAcceptIsSaid(t *testing.T) {
	cures := map[error]string{
		syscall.EMFILE: "raise the process's limit of open files (ulimit -n, LimitNOFILE= of systemd)",
		syscall.ENFILE: "raise the system's limit of open files (sysctl fs.file-max)",
	}
	for _, scheme := range []string{"http", "https"} {
		for cause, cure := range cures {
			l := open(t, scheme)
			s := &starved{Listener: l.Listener, err: cause}
			s.left.Store(5)
			l.Listener = s
			var log bytes.Buffer
			served := serveGroup(t, &server.Group{Handler: says("hello"),
				Logger: slog.New(slog.NewTextHandler(&log, nil))}, l)
			call(t, l, false).wants("hello", false)
			if err := served.ends(); err != nil {
				t.Error(err)
			}
			if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), cure) {
				t.Errorf("%s, %v: the log has %q", scheme, cause, &log)
			}
		}
	}
}
