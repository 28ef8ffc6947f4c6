package h2_test

import (
	"encoding/binary"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// TestAttackRapidReset: CVE-2023-44487: requests that are reset at once, for ever new ones.
func TestAttackRapidReset(t *testing.T) {
	g := newTarget(t, nil)
	for _, scheme := range []string{"http", "https"} {
		for _, path := range []string{"/work", "/", "/big"} {
			t.Run(scheme+path, func(t *testing.T) {
				g.in(t)
				block := plainBlock("GET", path)
				g.during(func() {
					a := g.attack(g.keeper, scheme)
					sent := a.flood(200_000, func(i int) {
						id := uint32(2*i + 1)
						a.headers(id, true, block)
						a.fr.WriteRSTStream(id, http2.ErrCodeCancel)
					})
					g.calmDown(a)
					t.Logf("ended after %d requests", sent)
				})
				g.handlersGone()
				g.during(func() { // and when its handler has begun
					a := g.attack(g.keeper, scheme)
					sent := g.wave(a, path, 100_000, func(i int) { a.headers(uint32(2*i+1), true, block) },
						func(i int) { a.fr.WriteRSTStream(uint32(2*i+1), http2.ErrCodeCancel) })
					g.calmDown(a)
					t.Logf("ended after %d requests", sent)
				})
				if n := g.most.Load(); n > 250 || n == 0 && path == "/work" {
					t.Errorf("%d handlers ran at once, want some and at most 250", n)
				}
			})
		}
	}
	g.in(t)
	g.closed()
}

// madeYouReset are the ways to have the server reset a stream whose handler then lives on:
// CVE-2025-8671. PRIORITY on itself is no error any more in RFC 9113; a server that takes it for one,
// or not, must bear it.
var madeYouReset = map[string]struct {
	post bool
	then func(a *attacker, id uint32, block []byte)
}{
	"WINDOW_UPDATE of 0":            {false, func(a *attacker, id uint32, _ []byte) { a.fr.WriteWindowUpdate(id, 0) }},
	"window overflow":               {false, func(a *attacker, id uint32, _ []byte) { a.fr.WriteWindowUpdate(id, 1<<31-1) }},
	"DATA when half closed":         {false, func(a *attacker, id uint32, _ []byte) { a.fr.WriteData(id, false, []byte("x")) }},
	"HEADERS when half closed":      {false, func(a *attacker, id uint32, block []byte) { a.headers(id, true, block) }},
	"more DATA than content-length": {true, func(a *attacker, id uint32, _ []byte) { a.fr.WriteData(id, false, []byte("xy")) }},
	"malformed trailers":            {true, func(a *attacker, id uint32, block []byte) { a.headers(id, false, block) }},
	"PRIORITY on itself": {false, func(a *attacker, id uint32, _ []byte) {
		a.fr.WriteRawFrame(http2.FramePriority, 0, id, append(binary.BigEndian.AppendUint32(nil, id), 1))
	}},
	"PRIORITY of four octets": {false, func(a *attacker, id uint32, _ []byte) {
		a.fr.WriteRawFrame(http2.FramePriority, 0, id, make([]byte, 4))
	}},
}

// TestAttackMadeYouReset: the server is made to reset, and counts that.
func TestAttackMadeYouReset(t *testing.T) {
	g := newTarget(t, nil)
	for name, way := range madeYouReset {
		t.Run(name, func(t *testing.T) {
			g.in(t)
			block := plainBlock("GET", "/work")
			if way.post {
				block = plainBlock("POST", "/work", "content-length", "1")
			}
			begin := func(a *attacker, i int) { a.headers(uint32(2*i+1), !way.post, block) }
			then := func(a *attacker, i int) { way.then(a, uint32(2*i+1), block) }
			// A server may also end the connection at the first such frame, with its code.
			others := []http2.ErrCode{http2.ErrCodeStreamClosed, http2.ErrCodeFrameSize, http2.ErrCodeProtocol}
			g.during(func() {
				a := g.attack(g.keeper, "http")
				a.flood(100_000, func(i int) { begin(a, i); then(a, i) })
				g.calmDown(a, others...)
				a = g.attack(g.keeper, "http")
				g.wave(a, "/work", 100_000, func(i int) { begin(a, i) }, func(i int) { then(a, i) })
				g.calmDown(a, others...)
			})
			if n := g.most.Load(); n > 2*250 || n == 0 { // of two connections
				t.Errorf("%d handlers ran at once, want some and at most 250 for a connection", n)
			}
		})
	}
	g.in(t)
	g.closed()
}

// TestAttackManyConnections: Rapid Reset on connection after connection: handlers of streams that are
// gone still count, for the whole server.
func TestAttackManyConnections(t *testing.T) {
	const most = 300
	g := newTarget(t, nil, func(s *h2.Server) { s.MaxHandlers = most })
	block := plainBlock("GET", "/work")
	attack := func(reset bool) {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				a := g.attack(t, "http")
				a.flood(3000, func(i int) {
					id := uint32(2*i + 1)
					a.headers(id, true, block)
					if reset {
						a.fr.WriteRSTStream(id, http2.ErrCodeCancel)
					}
				})
				time.Sleep(100 * time.Millisecond)
				if reset {
					if code, ended := a.end(5 * time.Second); !ended || code != http2.ErrCodeEnhanceYourCalm {
						t.Errorf("the connection ended: %v, with %v", ended, code)
					}
				}
				a.conn.Close()
			})
		}
		wg.Wait()
	}
	for _, reset := range []bool{true, false} {
		g.handlersGone()
		before := heap()
		attack(reset)
		if n := g.most.Load(); n > most {
			t.Errorf("reset %v: %d handlers ran at once, want at most %d", reset, n, most)
		}
		if h := heap(); h > before+64<<20 {
			t.Errorf("reset %v: the heap grew from %d to %d MB", reset, before>>20, h>>20)
		}
	}
	// And then the server is there for others.
	g.handlersGone()
	g.during(func() {})
}

// TestAttackResetsOfUsers: what the protection must not hit: a browser that stops loading a page
// resets many streams at once, and goes on.
func TestAttackResetsOfUsers(t *testing.T) {
	g := newTarget(t, nil)
	c := g.dial(t, "http")
	c.greet()
	c.drink()
	id := uint32(1)
	for range 5 {
		for range 40 {
			c.get(id, ":path", "/big")
			c.reset(id, http2.ErrCodeCancel)
			id += 2
		}
		for range 20 {
			c.get(id)
			c.awaitStream(id)
			id += 2
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.get(id)
	if f := c.awaitStream(id); f.field(":status") != "200" {
		t.Errorf("after 200 resets among 100 requests the server sent %v", f)
	}
}

// awaitStream reads until a frame of that stream comes.
func (c *client) awaitStream(id uint32) frame {
	c.t.Helper()
	for {
		f := c.next()
		if f.gone != nil || f.kind == http2.FrameGoAway {
			c.t.Fatalf("the server sent %v", f)
		}
		if f.id == id {
			return f
		}
	}
}

// TestAttackPushResets: a client that asks for pages with promises and resets every promise, without
// end: promised streams count as others do.
func TestAttackPushResets(t *testing.T) {
	g := newTarget(t, nil)
	g.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			p, ok := w.(http.Pusher)
			if !ok {
				t.Error("the ResponseWriter is no http.Pusher")
				return
			}
			for range 200 {
				if p.Push("/work", nil) != nil {
					break
				}
			}
			return
		}
		g.ServeHTTP(w, r)
	})
	page := plainBlock("GET", "/page")
	g.during(func() {
		a := g.attack(t, "http")
		promised := uint32(2)
		a.flood(3000, func(i int) {
			a.headers(uint32(2*i+1), true, page)
			for range 2 {
				if n := uint32(2 * a.heard[http2.FramePushPromise].Load()); promised <= n {
					a.fr.WriteRSTStream(promised, http2.ErrCodeCancel)
					promised += 2
				}
			}
			if i%20 == 0 {
				a.flush()
				time.Sleep(time.Millisecond)
			}
		})
		if code, ended := a.end(time.Second); ended && code != http2.ErrCodeEnhanceYourCalm {
			t.Errorf("the connection ended with %v", code)
		}
		if a.heard[http2.FramePushPromise].Load() == 0 {
			t.Error("nothing was promised")
		}
		a.conn.Close()
	})
	if n := g.most.Load(); n > 250 {
		t.Errorf("%d handlers ran at once for one connection, want at most 250", n)
	}
}
