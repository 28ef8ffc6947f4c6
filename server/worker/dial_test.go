package worker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	libhost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/worker/sandbox"
)

// reach has the front connect, and returns the line that is said there.
func (s settings) reach(kind, address string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if kind == "impatient" {
		ctx, cancel = context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
	}
	conn, err := (*s.front)(ctx, kind, "tcp", address)
	if err != nil {
		return fmt.Sprintf("%T %v", err, err), nil
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, "from a worker\n"); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}

// answer answers the line that comes on a connection.
func answer(c net.Conn) {
	defer c.Close()
	line, _ := bufio.NewReader(c).ReadString('\n')
	fmt.Fprintf(c, "heard %s", line)
}

// TestDial has the front hand over what it has connected to, to a worker that can make no socket, and
// say why it has not.
func TestDial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answer(c)
		}
	}()
	var asked sync.Map
	h := build(t, `load("@test", "reach", "intrude")

def app(environ, start_response):
    start_response("200 OK", [])
    return [intrude() or "nothing" if environ["PATH_INFO"] == "/intrude" else reach(environ["QUERY_STRING"].replace("+", " "))]
`, func(h *house, _ *server.Front) {
		h.Confined, h.Memory = true, 256<<20
		h.pool.Workers = 1
		h.pool.Dial = func(ctx context.Context, kind, network, address string) (net.Conn, error) {
			asked.Store(kind+" "+network+" "+address, true)
			switch kind {
			case "tcp":
				return new(net.Dialer).DialContext(ctx, network, address)
			case "inside": // as a server in this process has it
				ours, theirs := net.Pipe()
				go answer(ours)
				return theirs, nil
			case "outage":
				return nil, libhost.NewOutage("refused", "%s is not granted", address)
			case "wordy":
				return nil, errors.New(strings.Repeat("\x01", libhost.MaxMessage)) // 6 bytes of JSON each
			case "impatient":
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return nil, errors.New("no such kind")
		}
	})
	for _, test := range []struct{ path, want string }{
		{"/?tcp+" + l.Addr().String(), "heard from a worker\n"},
		{"/?inside+", "heard from a worker\n"},
		{"/?outage+example.com:80", "*host.Outage example.com:80 is not granted"},
		{"/?other+x", "*worker.dialError no such kind"},
		{"/?wordy+x", "*worker.dialError " + strings.Repeat("\x01", libhost.MaxMessage)},
		{"/?impatient+x", "context.deadlineExceededError context deadline exceeded"},
		{"/?tcp+" + strings.Repeat("x", 9<<10), "*errors.errorString worker: dial: the address is too long"},
		{"/?inside+", "heard from a worker\n"}, // it goes on
	} {
		if got := h.get(test.path); got != test.want {
			t.Errorf("%.40s: got %.100q, want %.100q", test.path, got, test.want)
		}
	}
	if _, ok := asked.Load("tcp tcp " + l.Addr().String()); !ok {
		t.Error("the front was asked for something else")
	}
	if done := h.get("/intrude"); done != "nothing" && sandbox.Probe(sandbox.Limits{}, sandbox.Access{}).Require() == nil {
		t.Errorf("the worker itself could %s", done)
	}
}

// hoardDials is what a worker does that has the front connect, again and again, and takes no answer.
func hoardDials() {
	var packets *os.File
	for fd := 3; packets == nil; fd++ {
		if kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE); err == nil && kind == syscall.SOCK_SEQPACKET {
			own, _ := syscall.Dup(fd)
			syscall.Close(fd) // for who reads there
			packets = os.NewFile(uintptr(own), "packets")
		}
	}
	for i := range 1000 {
		network := []string{"tcp", "inside", "unix"}[i%3]
		fmt.Fprintf(packets, `{"ID":%d,"Kind":%q,"Network":%q,"Address":"@x"}`, i%7, network, network)
	}
	packets.Write([]byte(strings.Repeat("[", 100_000)))
}

// TestHostileDials has a worker ask for connections that it never takes: the front makes a bounded number
// of them, and keeps none once the worker is gone.
func TestHostileDials(t *testing.T) {
	open := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("no list of descriptors")
		}
		return len(all)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before := open()
	t.Run("serves", func(t *testing.T) {
		var asked atomic.Int32
		h := build(t, plain, func(h *house, _ *server.Front) {
			h.Evil = "dials that nobody takes"
			h.pool.Workers, h.pool.Drain = 1, time.Second
			h.pool.Dial = func(ctx context.Context, kind, network, address string) (net.Conn, error) {
				asked.Add(1)
				if kind == "inside" {
					ours, theirs := net.Pipe()
					go answer(ours)
					return theirs, nil
				}
				return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
			}
		})
		if got := h.get("/"); got != "body" {
			t.Errorf("got %q", got)
		}
		for began := time.Now(); asked.Load() < 100 && time.Since(began) < 3*time.Second; {
			time.Sleep(time.Millisecond)
		}
		if n := open(); n > before+3*128 {
			t.Errorf("%d descriptors are open", n)
		}
	})
	now := open()
	for began := time.Now(); now > before && time.Since(began) < patience; now = open() {
		time.Sleep(time.Millisecond)
	}
	if now > before {
		t.Errorf("%d descriptors are open, before it were %d", now, before)
	}
}
