package websocket_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
)

const echo = `
load("@websocket", "websocket")

def echo(ws):
    for message in ws:
        ws.send(message)
    print("closed", ws.close_code, ws.close_reason)

app = websocket(echo)
`

const merged = `
load("@body", "merge", "ticks")
load("@websocket", "websocket")

def talk(ws):
    ticked = 0
    for name, v in merge(said = ws, tick = ticks(0.01)):
        if name == "said":
            ws.send("%s, %s" % (v, ticked > 1))
        elif ticked < 2:
            ticked += 1
            ws.send("tick %d" % v)
    print("closed", ws.close_code)

app = websocket(talk)
`

// TestMerged: one loop waits for messages and for something else, and ends when the client leaves.
func TestMerged(t *testing.T) {
	each(t, func(t *testing.T, proto string) {
		s := serve(t, runtime.Limits{}, nil, merged)
		c := s.open(t, proto)
		want(t, c, "tick 0")
		want(t, c, "tick 1")
		for _, said := range []string{"one", "two"} {
			say(t, c, said)
		}
		want(t, c, "one, True")
		want(t, c, "two, True")
		if err := c.Close(4001, "enough"); err != nil {
			t.Error(err)
		}
		s.log.await(t, "closed 4001")
	})
}

// TestEcho: messages go both ways, text as text and binary as binary, and the close is answered and
// told.
func TestEcho(t *testing.T) {
	each(t, func(t *testing.T, proto string) {
		s := serve(t, runtime.Limits{}, nil, echo)
		c := s.open(t, proto)
		ctx := context.Background()
		big := bytes.Repeat([]byte("larkspur"), 40<<10)
		c.SetReadLimit(1 << 20)
		for _, m := range []struct {
			kind websocket.MessageType
			data []byte
		}{
			{websocket.MessageText, []byte("grüß Gott")},
			{websocket.MessageBinary, []byte{0, 255, 1}},
			{websocket.MessageText, nil},
			{websocket.MessageBinary, big},
		} {
			if err := c.Write(ctx, m.kind, m.data); err != nil {
				t.Fatal(err)
			}
			kind, got, err := c.Read(ctx)
			if err != nil || kind != m.kind || !bytes.Equal(got, m.data) {
				t.Fatalf("got %v of %d bytes, %v; want %v of %d", kind, len(got), err, m.kind, len(m.data))
			}
		}
		if err := c.Close(4001, "enough"); err != nil {
			t.Error(err)
		}
		s.log.await(t, "closed 4001 enough")
		s.access.await(t, "GET /chat?room=1", "status=101")
	})
}

// TestEnds: how a conversation ends, seen from the client.
func TestEnds(t *testing.T) {
	for name, ending := range map[string]struct {
		body   string
		code   websocket.StatusCode
		reason string
		logs   []string
	}{
		"returns":        {`pass`, 1000, "", nil},
		"closes":         {`ws.close()`, 1000, "", nil},
		"says why":       {`ws.close(4003, "sign in")`, 4003, "sign in", nil},
		"closes twice":   {`ws.close(4003); ws.close(4004)`, 4003, "", nil},
		"fails":          {`fail("oops")`, 1011, "", []string{"app.star:4", "oops"}},
		"fails late":     {`ws.recv(); fail("oops")`, 1011, "", []string{"app.star:4", "oops"}},
		"wrong code":     {`ws.close(1005)`, 1011, "", []string{"app.star:4", "code 1005 cannot be sent"}},
		"long reason":    {`ws.close(1000, "x" * 124)`, 1011, "", []string{"124 bytes"}},
		"wrong message":  {`ws.send(1)`, 1011, "", []string{"app.star:4", "the message is int"}},
		"not UTF-8":      {`ws.send("ü"[:1])`, 1011, "", []string{"app.star:4", "not UTF-8"}},
		"loops for ever": {"while True: pass", 1011, "", []string{"app.star:4", "limit"}},
		"recv in close":  {`ws.close(); print(ws.recv(), ws.send("x"), ws.closed, ws.close_code)`, 1000, "", []string{"None False True 1000"}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, proto string) {
				s := serve(t, runtime.Limits{Steps: 2_000_000}, nil, "load('@websocket', 'websocket')\n\ndef talk(ws):\n    "+
					ending.body+"\n\napp = websocket(talk)\n")
				c := s.open(t, proto)
				_ = c.Write(context.Background(), websocket.MessageText, []byte("hello"))
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				defer cancel()
				_, _, err := c.Read(ctx)
				if websocket.CloseStatus(err) != ending.code || ending.reason != "" && !strings.Contains(err.Error(), ending.reason) {
					t.Errorf("got %v, want code %d and reason %q", err, ending.code, ending.reason)
				}
				s.access.await(t, "status=101")
				if ending.logs != nil {
					s.log.await(t, ending.logs...)
				} else if strings.Contains(s.log.String(), "ERROR") {
					t.Errorf("the log has %s", s.log)
				}
			})
		})
	}
}

// TestSlots: a call that waits for a message has no slot.
func TestSlots(t *testing.T) {
	each(t, func(t *testing.T, proto string) {
		s := serve(t, runtime.Limits{}, &server.Slots{Calls: 2, Queue: -1}, echo)
		var open []*websocket.Conn
		for range 8 {
			c := s.open(t, proto)
			say(t, c, "a")
			want(t, c, "a")
			open = append(open, c)
		}
		for _, c := range open {
			say(t, c, "b")
			want(t, c, "b")
		}
	})
}

// TestLimitsAnew: each message has the steps of a request, and the time.
func TestLimitsAnew(t *testing.T) {
	each(t, func(t *testing.T, proto string) {
		s := serve(t, runtime.Limits{Steps: 100_000}, nil, `
load("@websocket", "websocket")
def work(ws):
    for message in ws:
        for i in range(5000): pass
        ws.send(message)
app = websocket(work)
`)
		c := s.open(t, proto)
		for range 50 {
			say(t, c, "a")
			want(t, c, "a")
		}
	})
}

// TestGoingAway: a server that ends closes what is open with 1001, and waits for the applications.
func TestGoingAway(t *testing.T) {
	each(t, func(t *testing.T, proto string) {
		s := serve(t, runtime.Limits{}, nil, echo)
		c := s.open(t, proto)
		say(t, c, "a")
		want(t, c, "a")
		done := make(chan error, 1)
		go func() { done <- s.end() }()
		wantClose(t, c, websocket.StatusGoingAway)
		if err := <-done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
		s.log.await(t, "closed 1001")
	})
}

// TestGone: an application hears of a client that is gone without a word, and can clean up.
func TestGone(t *testing.T) {
	each(t, func(t *testing.T, proto string) {
		s := serve(t, runtime.Limits{}, nil, echo)
		c := s.open(t, proto)
		say(t, c, "a")
		want(t, c, "a")
		c.CloseNow()
		s.log.await(t, "closed 1006")
		s.access.await(t, "status=101")
		if strings.Contains(s.log.String(), "ERROR") {
			t.Errorf("the log has %s", s.log)
		}
	})
}

// TestHandshake: what is no handshake, or not one that may be, is answered over HTTP.
func TestHandshake(t *testing.T) {
	s := serve(t, runtime.Limits{}, nil, `
load("@websocket", "websocket")
app = websocket(lambda ws: ws.send(str(ws.subprotocol)), origins = ["*.friend.test"], subprotocols = ["chat.v2", "chat.v1"])
`)
	fields := func(pairs ...string) http.Header {
		h := http.Header{
			"Connection": {"keep-alive, Upgrade"}, "Upgrade": {"WebSocket"},
			"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
		}
		for i := 0; i < len(pairs); i += 2 {
			h.Del(pairs[i])
			if pairs[i+1] != "" {
				h.Set(pairs[i], pairs[i+1])
			}
		}
		return h
	}
	for name, c := range map[string]struct {
		method string
		fields http.Header
		status int
		has    [2]string
		only   string
	}{
		"plain":         {"GET", http.Header{}, 426, [2]string{"Upgrade", "websocket"}, "HTTP/1.1"},
		"post":          {"POST", fields(), 426, [2]string{"Connection", "Upgrade"}, "HTTP/1.1"},
		"no upgrade":    {"GET", fields("Upgrade", ""), 426, [2]string{}, "HTTP/1.1"},
		"other":         {"GET", fields("Upgrade", "h2c"), 426, [2]string{}, "HTTP/1.1"},
		"no key":        {"GET", fields("Sec-Websocket-Key", ""), 400, [2]string{}, "HTTP/1.1"},
		"bad key":       {"GET", fields("Sec-Websocket-Key", "AAAA"), 400, [2]string{}, "HTTP/1.1"},
		"no version":    {"GET", fields("Sec-Websocket-Version", ""), 426, [2]string{"Sec-Websocket-Version", "13"}, ""},
		"old version":   {"GET", fields("Sec-Websocket-Version", "8"), 426, [2]string{"Sec-Websocket-Version", "13"}, ""},
		"two versions":  {"GET", fields("Sec-Websocket-Version", "13, 8"), 426, [2]string{}, ""},
		"other origin":  {"GET", fields("Origin", "http://evil.test"), 403, [2]string{}, ""},
		"null origin":   {"GET", fields("Origin", "null"), 403, [2]string{}, ""},
		"no URL":        {"GET", fields("Origin", "http://[::1"), 403, [2]string{}, ""},
		"same origin":   {"GET", fields("Origin", "http://"+s.addr), 101, [2]string{}, ""},
		"friend":        {"GET", fields("Origin", "https://www.friend.test"), 101, [2]string{}, ""},
		"friend's evil": {"GET", fields("Origin", "https://friend.test.evil.test"), 403, [2]string{}, ""},
		"none of ours":  {"GET", fields("Sec-Websocket-Protocol", "soap"), 101, [2]string{"Sec-Websocket-Protocol", ""}, ""},
		"the first":     {"GET", fields("Sec-Websocket-Protocol", "chat.v1, chat.v2"), 101, [2]string{"Sec-Websocket-Protocol", "chat.v2"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, proto string) {
				if c.only != "" && c.only != proto {
					t.Skip("there is no such field over HTTP/2")
				}
				status, header := s.ask(t, proto, c.method, c.fields)
				if proto == "HTTP/2" && status == 200 {
					status = 101
				}
				if status != c.status || c.has[0] != "" && header.Get(c.has[0]) != c.has[1] {
					t.Errorf("got %d %v, want %d, %v", status, header, c.status, c.has)
				}
			})
		})
	}
}

// ask asks, and returns the answer's head.
func (s *site) ask(t *testing.T, proto, method string, fields http.Header) (int, http.Header) {
	t.Helper()
	if proto == "HTTP/2" {
		res, up, err := s.connect(t.Context(), fields)
		if err != nil {
			t.Fatal(err)
		}
		up.Close()
		res.Body.Close()
		return res.StatusCode, res.Header
	}
	r, err := http.NewRequest(method, "http://"+s.addr+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = fields
	res, err := new(http.Transport).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode, res.Header
}
