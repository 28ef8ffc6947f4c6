//go:build linux

package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/larkspur-web/larkspur/push/pushtest"
	"golang.org/x/net/http2"
)

// soakBreaks are clients that are broken, or break off. What they get does not matter.
var soakBreaks = map[string]func(s *soak, c *soakClient) error{
	"silent":        raw(cut, ""),
	"half a line":   raw(cut, "GET /hel"),
	"half a header": raw(reset, "GET /hello/ HTTP/1.1\r\nHost: h\r\nX-"),
	"slow header":   raw(cut, "GET /hello/ HTTP/1.1\r\n", "Host: h\r\n", "X-A", ": b\r\n", "X-C: "),
	"half a body": raw(cut, "POST /soak/length HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n",
		strings.Repeat("x", 5000)),
	"slow body": raw(reset, "POST /soak/length HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
		"5\r\nabcde\r\n", "5\r\nabc"),
	"half an upload": raw(cut, "PUT /upload/half.txt HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n",
		strings.Repeat("x", 50_000)),
	"no wait":          raw(reset, "GET /httpbin/delay/0.2 HTTP/1.1\r\nHost: h\r\n\r\n"),
	"no wait to count": raw(reset, "POST /soak/count/lost HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"),
	"pipelined":        raw(cut, strings.Repeat("GET /hello/ HTTP/1.1\r\nHost: h\r\n\r\n", 20)),
	"noise":            raw(cut, "\x16\x03\x01\x00\xff\x00not HTTP at all\r\n\r\n"),
	"noise in HTTP/2":  raw(cut, http2.ClientPreface+"\x00\x00\xff\x01\x25\x00\x00\x00\x01"+strings.Repeat("\xfe", 300)),
	"two lengths":      raw(cut, "POST /hello/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
	"slow reader":      slowReader,
	"cancelled":        cancelled,
	"no window":        noWindow,
	"pushes cut off":   pushesCutOff,
	"talk cut off":     talkCutOff,
	"events cut off":   eventsCutOff,
}

// What becomes of a connection.
func cut(c *net.TCPConn) { c.Close() }
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0) // RST
	c.Close()
}

// raw sends pieces on a connection, with pauses between them, and ends it as soon as something comes,
// or a moment later.
func raw(end func(*net.TCPConn), pieces ...string) func(*soak, *soakClient) error {
	return func(s *soak, _ *soakClient) error {
		return withConn(s, end, func(c *net.TCPConn) {
			for _, p := range pieces {
				if _, err := io.WriteString(c, p); err != nil {
					return
				}
				_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
				if n, _ := c.Read(make([]byte, 1)); n > 0 {
					return
				}
			}
		})
	}
}

func withConn(s *soak, end func(*net.TCPConn), f func(*net.TCPConn)) error {
	c, err := net.Dial("tcp", strings.TrimPrefix(s.house.url, "http://"))
	if err != nil {
		return err
	}
	tcp := c.(*net.TCPConn)
	defer end(tcp)
	f(tcp)
	return nil
}

// slowReader reads a little of a long answer, and then no more.
func slowReader(s *soak, _ *soakClient) error {
	return withConn(s, reset, func(c *net.TCPConn) {
		_ = c.SetReadBuffer(4096)
		_, _ = io.WriteString(c, "GET /soak/large?blocks=500 HTTP/1.1\r\nHost: h\r\n\r\n")
		for range 10 {
			_ = c.SetReadDeadline(time.Now().Add(soakPatience))
			if _, err := c.Read(make([]byte, 512)); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
}

// cancelled resets a stream whose response has begun, and one whose has not.
func cancelled(s *soak, c *soakClient) error {
	for _, path := range []string{"/soak/large?blocks=500", "/httpbin/delay/5"} {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		r, err := http.NewRequestWithContext(ctx, "GET", c.url+path, nil)
		if err == nil {
			var res *http.Response
			if res, err = c.http.Do(r); err == nil {
				_, err = res.Body.Read(make([]byte, 100))
				res.Body.Close()
			}
		}
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return &lostError{err: fmt.Errorf("a request that is cancelled: %w", err)}
		}
	}
	return nil
}

// noWindow gives the server no window for a long answer, and leaves.
func noWindow(s *soak, _ *soakClient) error {
	return withPush(s, &pushtest.Settings{InitialWindowSize: 100, Hold: true}, func(c *pushtest.Client) error {
		c.Get("/soak/large?blocks=500")
		_, _ = c.Until(func(f pushtest.Frame) bool { return f.Type == http2.FrameData })
		return nil
	})
}

// pushesCutOff leaves when the first promise has come.
func pushesCutOff(s *soak, _ *soakClient) error {
	return withPush(s, nil, func(c *pushtest.Client) error {
		x := c.Get("/push/")
		_, _ = c.Until(func(f pushtest.Frame) bool {
			return f.Type == http2.FramePushPromise || f.Type == http2.FrameRSTStream || x.Over()
		})
		return nil
	})
}

// talkCutOff leaves a conversation without a word.
func talkCutOff(s *soak, c *soakClient) error {
	return withSocket(s, c, func(ctx context.Context, ws *websocket.Conn) error {
		if err := ws.Write(ctx, websocket.MessageText, []byte("lark")); err != nil {
			return &lostError{err: err}
		}
		return nil
	})
}

// eventsCutOff leaves after the first event.
func eventsCutOff(_ *soak, c *soakClient) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", c.url+"/soak/events?count=1000", nil)
	if err != nil {
		return err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return &lostError{err: err}
	}
	defer res.Body.Close()
	_, _ = res.Body.Read(make([]byte, 1))
	return nil
}
