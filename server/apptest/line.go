package apptest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// A line is the connection of a WebSocket. The application's end reads and writes in its coroutine,
// which stops there and has the test go on; the test's end runs the application until it has
// written something. So neither ever runs beside the other.
type line struct {
	x       *exchange
	in, out []byte // to the application, and from it
	starved bool   // the application waits for more
	closed  bool   // by the application
	left    bool   // the test has closed its end
	closing bool   // the test closes the WebSocket, and takes no message any more
	late    int    // what the application has written since
}

// manyLate is how often an application may write that does not hear of the end.
const manyLate = 20

// Steps says that nothing happens on this connection by itself.
func (l *line) Steps() {}

// Read is the application's.
func (l *line) Read(p []byte) (int, error) {
	for len(l.in) == 0 {
		if l.closed {
			return 0, net.ErrClosed
		}
		if l.left || l.x.gone {
			return 0, io.EOF
		}
		l.starved = true
		l.x.gone = !l.x.yield("")
		l.starved = false
	}
	n := copy(p, l.in)
	l.in = l.in[n:]
	return n, nil
}

// Write is the application's.
func (l *line) Write(p []byte) (int, error) {
	if l.closing {
		l.late++
	}
	if l.closed || l.left || l.x.gone || l.late > manyLate {
		return 0, net.ErrClosed
	}
	l.out = append(l.out, p...)
	l.x.gone = !l.x.yield("")
	return len(p), nil
}

// Close is the application's.
func (l *line) Close() error {
	l.closed = true
	return nil
}

func (l *line) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (l *line) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (l *line) SetDeadline(time.Time) error      { return nil }
func (l *line) SetReadDeadline(time.Time) error  { return nil }
func (l *line) SetWriteDeadline(time.Time) error { return nil }

// A hijacker is the http.ResponseWriter of a request that asks for a WebSocket.
type hijacker struct{ *exchange }

// Hijack is http.Hijacker's.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	l := h.line
	return l, bufio.NewReadWriter(bufio.NewReader(l), bufio.NewWriter(l)), nil
}

var _ http.Hijacker = hijacker{}

// A far is the test's end of a line.
type far struct{ *line }

var errStarved = errors.New("the application waits for a message, and has sent none")

// Read runs the application until it has written something.
func (f far) Read(p []byte) (int, error) {
	for len(f.out) == 0 {
		switch {
		case f.closed || f.x.over:
			return 0, io.EOF
		case f.starved && len(f.in) == 0 && !f.left:
			return 0, errStarved
		}
		f.x.step()
	}
	n := copy(p, f.out)
	f.out = f.out[n:]
	return n, nil
}

// Write hands over what the application will read.
func (f far) Write(p []byte) (int, error) {
	if f.closed || f.x.over {
		return 0, net.ErrClosed
	}
	f.in = append(f.in, p...)
	return len(p), nil
}

// Close says that nothing more will come.
func (f far) Close() error {
	f.left = true
	return nil
}
