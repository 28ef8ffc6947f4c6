package websocket_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	"golang.org/x/net/http2"
)

const impatient = `
load("@websocket", "websocket")

def echo(ws):
    for message in ws:
        ws.send(message)
    print("closed", ws.close_code)

app = websocket(echo, ping = 1)
`

// TestSilent: a client that does not answer pings is taken for gone, whatever it has begun.
func TestSilent(t *testing.T) {
	t.Parallel()
	for name, begun := range map[string][]byte{
		"nothing":        nil,
		"half a head":    {fin | text},
		"half a frame":   frame{head: fin | text, payload: "hello"}.bytes()[:8],
		"half a message": frame{head: text, payload: "hello"}.bytes(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, proto string) {
				s := serve(t, runtime.Limits{}, nil, impatient)
				w := s.wire(t, proto)
				if _, err := w.up.Write(begun); err != nil {
					t.Fatal(err)
				}
				s.log.await(t, "closed 1006")
			})
		})
	}
}

// TestAnswers: one that does answer is left alone, though it says nothing.
func TestAnswers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, proto string) {
		s := serve(t, runtime.Limits{Time: 500 * time.Millisecond}, nil, impatient)
		w := s.wire(t, proto)
		for range 3 {
			head, payload, err := w.read()
			if err != nil || head != fin|ping {
				t.Fatalf("got %#x, %v, want a ping", head, err)
			}
			w.up.Write(frame{head: fin | pong_, payload: payload}.bytes())
		}
		w.up.Write(frame{head: fin | text, payload: "hello"}.bytes())
		if _, payload, err := w.read(); payload != "hello" {
			t.Errorf("got %q, %v", payload, err)
		}
	})
}

// TestSlow: a script that is not reading is no reason to take its client for gone.
func TestSlow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, proto string) {
		s := serve(t, runtime.Limits{}, nil, `
load("@time", "time")
load("@websocket", "websocket")

def slow(ws):
    for message in ws:
        time.sleep(2.5)
        ws.send(message)

app = websocket(slow, ping = 1)
`)
		c := s.open(t, proto)
		say(t, c, "a")
		say(t, c, "b") // lies unread
		want(t, c, "a")
		want(t, c, "b")
	})
}

// TestFlood: pings without end, which are not all answered, keep nobody from anything.
func TestFlood(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, proto string) {
		s := serve(t, runtime.Limits{}, nil, echo)
		w := s.wire(t, proto)
		flood := []byte(strings.Repeat(string(frame{head: fin | ping, payload: "flood"}.bytes()), 20_000))
		go func() {
			w.up.Write(flood)
			w.up.Write(frame{head: fin | text, payload: "still there"}.bytes())
		}()
		pongs := 0
		for {
			head, payload, err := w.read()
			if err != nil {
				t.Fatalf("%v after %d pongs", err, pongs)
			}
			if head == fin|text && payload == "still there" {
				break
			}
			pongs++
		}
		if pongs == 0 || pongs > 10_000 {
			t.Errorf("%d of 20,000 pings are answered", pongs)
		}
	})
}

// TestNeverReads: a client that sends, and does not read what comes back, is not read from either.
func TestNeverReads(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, proto string) {
		s := serve(t, runtime.Limits{}, nil, echo)
		w := s.wire(t, proto)
		message := frame{head: fin | octet, payload: strings.Repeat("x", 60_000)}.bytes()
		sent := 0
		if proto == "HTTP/2" {
			go io.Copy(io.Discard, noDATA{w}) // windows of the server, and what it sends, which opens none of ours
		}
		w.nc.SetWriteDeadline(time.Now().Add(2 * time.Second))
		timer := time.AfterFunc(2*time.Second, func() { w.mu.Lock(); w.ended = true; w.more.Broadcast(); w.mu.Unlock() })
		defer timer.Stop()
		if proto != "HTTP/2" {
			timer.Stop()
		}
		for sent < 200<<20 {
			n, err := w.up.Write(message)
			sent += n
			if err != nil {
				break
			}
		}
		t.Logf("%d KiB were taken", sent>>10)
		if sent > 32<<20 {
			t.Errorf("%d MiB were taken of a client that reads nothing", sent>>20)
		}
		w.nc.Close()
		s.log.await(t, "closed 1006")
		s.access.await(t, "status=101")
	})
}

// noDATA reads frames and gives nothing back to the windows.
type noDATA struct{ w *wire }

func (d noDATA) Read([]byte) (int, error) {
	f, err := d.w.framer.ReadFrame()
	if err != nil {
		return 0, err
	}
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	switch f := f.(type) {
	case *http2.WindowUpdateFrame:
		d.w.grow(f)
	case *http2.RSTStreamFrame:
		d.w.ended = true
		d.w.more.Broadcast()
	}
	return 0, nil
}

// TestUsedLater: a WebSocket that was kept for longer than its function is an error, not a panic.
func TestUsedLater(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, proto string) {
		s := serve(t, runtime.Limits{}, nil, `
load("@websocket", "websocket")

def app(environ, start_response):
    kept = []
    def later(status, error):
        for use in (lambda ws: ws.recv(), lambda ws: ws.send("x"), lambda ws: ws.close(), lambda ws: [m for m in ws]):
            print("late", status, catch(use, kept[0])[1], kept[0].closed)
    environ["larkspur.on_finish"](later)
    def talk(ws):
        kept.append(ws)
        ws.send(str(dir(ws)))
    return websocket(talk)(environ, start_response)
`)
		c := s.open(t, proto)
		want(t, c, `["close", "close_code", "close_reason", "closed", "recv", "send", "subprotocol"]`)
		wantClose(t, c, 1000)
		for _, name := range []string{"recv", "send", "close"} {
			s.log.await(t, "late 101", name+": the WebSocket is over", "which has returned", "True")
		}
		s.log.await(t, "late 101 None True") // nothing comes any more
	})
}

// TestSendOnly: a script that only sends hears of a client that goes away.
func TestSendOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, proto string) {
		s := serve(t, runtime.Limits{}, nil, `
load("@time", "time")
load("@websocket", "websocket")

def clock(ws):
    while ws.send("tick"):
        time.sleep(0.01)
    print("closed", ws.close_code)

app = websocket(clock)
`)
		c := s.open(t, proto)
		want(t, c, "tick")
		want(t, c, "tick")
		if err := c.Close(4000, ""); err != nil {
			t.Error(err)
		}
		s.log.await(t, "closed 4000")
	})
}

// TestEvicted: too many that wait are too many, also of WebSockets.
func TestEvicted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, proto string) {
		s := serve(t, runtime.Limits{}, &server.Slots{Waiting: 3}, echo)
		var all []*websocket.Conn
		for range 5 {
			c := s.open(t, proto)
			say(t, c, "a")
			want(t, c, "a")
			all = append(all, c)
		}
		s.log.await(t, "LARK0503")
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		// Which of them has waited longest depends on when each came back to waiting after its echo.
		ended := make(chan error, 4)
		for _, c := range all[:4] {
			go func() {
				_, _, err := c.Read(ctx)
				ended <- err
			}()
		}
		if err := <-ended; err == nil || ctx.Err() != nil {
			t.Errorf("all are still open: %v", err)
		}
		say(t, all[4], "b")
		want(t, all[4], "b")
	})
}

// TestMany: a hundred at once, each with thirty messages.
func TestMany(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, proto string) {
		s := serve(t, runtime.Limits{}, nil, echo)
		var all sync.WaitGroup
		for i := range 100 {
			c := s.open(t, proto)
			all.Go(func() {
				for j := range 30 {
					text := fmt.Sprintf("%d of %d", j, i)
					ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
					err := c.Write(ctx, websocket.MessageText, []byte(text))
					_, got, err2 := c.Read(ctx)
					cancel()
					if err != nil || err2 != nil || string(got) != text {
						t.Errorf("%q, %v, %v", got, err, err2)
						return
					}
				}
				if err := c.Close(1000, ""); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

// TestOverstays: an application whose connection is closed has half a minute to return, whatever it
// waits for.
func TestOverstays(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute")
	}
	for body, proto := range map[string]string{
		"time.sleep(3600)":                          "HTTP/1.1",
		`while True: ws.send("x"); time.sleep(0.5)`: "HTTP/2",
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			s := serve(t, runtime.Limits{}, nil, "load('@time', 'time')\nload('@websocket', 'websocket')\n\ndef talk(ws):\n    ws.send('a')\n    "+
				body+"\n\napp = websocket(talk)\n")
			c := s.open(t, proto)
			want(t, c, "a")
			c.CloseNow()
			if proto == "HTTP/1.1" {
				s.stop() // sooner than the ping that would find out
			}
			line := s.log.await(t, "ERROR")
			// One that goes on sending may be between two steps, which are no place.
			if !strings.Contains(line, "LARK0502") || proto == "HTTP/1.1" && !strings.Contains(line, "app.star:6") {
				t.Errorf("the log has %s", line)
			}
		})
	}
}
