package worker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
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
		{"/?impatient+x", "context.deadlineExceededError context deadline exceeded"},
		{"/?tcp+" + strings.Repeat("x", 9<<10), "*errors.errorString worker: dial: the address is too long"},
		{"/?inside+", "heard from a worker\n"}, // it goes on
	} {
		if got := h.get(test.path); got != test.want {
			t.Errorf("%.40s: got %q, want %q", test.path, got, test.want)
		}
	}
	if _, ok := asked.Load("tcp tcp " + l.Addr().String()); !ok {
		t.Error("the front was asked for something else")
	}
	if done := h.get("/intrude"); done != "nothing" && sandbox.Probe(sandbox.Limits{}, sandbox.Access{}).Require() == nil {
		t.Errorf("the worker itself could %s", done)
	}
}
