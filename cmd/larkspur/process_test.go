package main

import (
	"bufio"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
)

// A pipeline passes on what is written to it.
type pipeline chan string

func (p pipeline) Write(b []byte) (int, error) {
	p <- string(b)
	return len(b), nil
}

// TestDivert: what the client of net/http writes of a server that says something unasked is a record of
// ours, and no line of its own.
func TestDivert(t *testing.T) {
	was, flags := log.Writer(), log.Flags()
	t.Cleanup(func() { log.SetOutput(was); log.SetFlags(flags) })
	lines := make(pipeline, 10)
	divert(slog.New(slog.NewTextHandler(lines, &slog.HandlerOptions{Level: slog.LevelDebug})))

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	read := make(chan struct{})
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		<-read
		io.WriteString(conn, "unasked")
		io.Copy(io.Discard, conn)
	}()
	client := &http.Client{Transport: new(http.Transport)}
	res, err := client.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	close(read)
	line := <-lines
	if !strings.HasPrefix(line, "time=") || !strings.Contains(line, "level=DEBUG msg=\"Unsolicited response") {
		t.Errorf("it is written as %s", line)
	}
}
