package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server"
)

// patient is how long something may take that must happen.
const patient = 30 * time.Second

// A grouped is a group that serves, and the listeners that a test has opened for it.
type grouped struct {
	*server.Group
	t      *testing.T
	stop   context.CancelFunc
	served chan error
}

// serveGroup serves g until the test stops it, or ends.
func serveGroup(t *testing.T, g *server.Group, listeners ...*server.Listener) *grouped {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s := &grouped{Group: g, t: t, stop: stop, served: make(chan error, 1)}
	if g.Logger == nil {
		g.Logger = slog.New(slog.DiscardHandler)
	}
	go func() { s.served <- g.Serve(ctx, listeners...) }()
	t.Cleanup(stop)
	return s
}

// ends stops the group and returns what Serve did.
func (s *grouped) ends() error {
	s.t.Helper()
	s.stop()
	select {
	case err := <-s.served:
		return err
	case <-time.After(patient):
		s.t.Fatal("the group does not end")
		return nil
	}
}

// set is Set without an error.
func (s *grouped) set(h http.Handler, listeners ...*server.Listener) {
	s.t.Helper()
	if err := s.Set(h, listeners...); err != nil {
		s.t.Fatal(err)
	}
}

// certificate is one that the clients of this file trust.
var certificate = sync.OnceValue(func() *tls.Config {
	s := httptest.NewTLSServer(nil)
	s.Close()
	return &tls.Config{Certificates: s.TLS.Certificates}
})

// open opens a listener on a free port; where is http or https.
func open(t *testing.T, scheme string) *server.Listener {
	t.Helper()
	l, err := server.Listen(scheme+"://127.0.0.1:0", certificate())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// says answers with its name.
func says(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, name) })
}

// A caller is a client with one connection to a listener.
type caller struct {
	t      *testing.T
	client *http.Client
	url    string
}

// call returns a client of l that speaks HTTP/2 or HTTP/1.1.
func call(t *testing.T, l *server.Listener, http2 bool) *caller {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	transport.Protocols.SetHTTP1(!http2)
	transport.Protocols.SetHTTP2(http2)
	transport.Protocols.SetUnencryptedHTTP2(http2)
	t.Cleanup(transport.CloseIdleConnections)
	return &caller{t, &http.Client{Transport: transport, Timeout: patient}, l.URL}
}

// get asks, and returns the body and whether it came on the connection of an earlier request.
func (c *caller) get() (body string, kept bool, err error) {
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) { kept = i.Reused },
	})
	r, err := http.NewRequestWithContext(ctx, "GET", c.url, nil)
	if err != nil {
		return "", false, err
	}
	res, err := c.client.Do(r)
	if err != nil {
		return "", kept, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), kept, err
}

// wants asks on the connection that there is, or on a first one.
func (c *caller) wants(body string, kept bool) {
	c.t.Helper()
	if got, was, err := c.get(); err != nil || got != body || was != kept {
		c.t.Errorf("%s answers %q, %v, on an old connection: %v; want %q, %v",
			c.url, got, err, was, body, kept)
	}
}

// refused waits until nobody listens there any more.
func refused(t *testing.T, l *server.Listener) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) { // nothing reports it
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return
		}
		c.Close()
		if time.Since(began) > patient {
			t.Fatalf("%s still takes connections", l.URL)
		}
	}
}

// A slow is a handler that answers in two halves, the second when it is told to.
type slow struct{ begun, goOn chan struct{} }

func newSlow() *slow { return &slow{make(chan struct{}, 10), make(chan struct{})} }

func (s *slow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "first ")
	w.(http.Flusher).Flush()
	s.begun <- struct{}{}
	select {
	case <-s.goOn:
	case <-r.Context().Done():
	}
	io.WriteString(w, "second")
}

// overAll runs a test over both protocols, in cleartext and over TLS.
func overAll(t *testing.T, test func(t *testing.T, scheme string, http2 bool)) {
	for _, scheme := range []string{"http", "https"} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%d", scheme, map[bool]int{false: 1, true: 2}[http2]), func(t *testing.T) {
				t.Parallel()
				test(t, scheme, http2)
			})
		}
	}
}

// TestGroupSet changes what a group serves and where, under connections that live: those of a
// listener that stays are the same before and after, and ask the new handler; a request that has
// begun is answered by the old one; a new listener serves.
func TestGroupSet(t *testing.T) {
	overAll(t, func(t *testing.T, scheme string, http2 bool) {
		stays, comes := open(t, scheme), open(t, scheme)
		old := newSlow()
		g := serveGroup(t, &server.Group{Handler: says("one")}, stays)
		c, waiting := call(t, stays, http2), call(t, stays, http2)
		c.wants("one", false)
		g.set(old, stays)
		answer := make(chan string, 1)
		go func() {
			body, _, err := waiting.get()
			answer <- fmt.Sprint(body, err)
		}()
		<-old.begun

		g.set(says("two"), stays, comes)
		c.wants("two", true)
		call(t, comes, http2).wants("two", false)
		close(old.goOn)
		if got := <-answer; got != "first second<nil>" {
			t.Errorf("what had begun is answered %q", got)
		}
		waiting.wants("two", true)
		if err := g.ends(); err != nil {
			t.Error(err)
		}
		refused(t, stays)
		refused(t, comes)
	})
}

// TestGroupTakesAway takes a listener away: nobody can connect there any more, a request that has
// begun is answered whole, and the others notice nothing.
func TestGroupTakesAway(t *testing.T) {
	overAll(t, func(t *testing.T, scheme string, http2 bool) {
		stays, goes := open(t, scheme), open(t, scheme)
		h := newSlow()
		g := serveGroup(t, &server.Group{Handler: h}, stays, goes)
		answers := make(chan string, 2)
		for _, l := range []*server.Listener{stays, goes} {
			c := call(t, l, http2)
			go func() {
				body, _, err := c.get()
				answers <- fmt.Sprint(body, err)
			}()
			<-h.begun
		}
		g.set(h, stays)
		refused(t, goes)
		close(h.goOn)
		for range 2 {
			if got := <-answers; got != "first second<nil>" {
				t.Errorf("what had begun is answered %q", got)
			}
		}
		g.set(says("on"), stays)
		call(t, stays, http2).wants("on", false)
		if err := g.ends(); err != nil {
			t.Error(err)
		}
	})
}

// TestGroupDrains bounds the time of what is taken away: a request without end is cut off, and
// looks so; an idle connection is closed at once.
func TestGroupDrains(t *testing.T) {
	overAll(t, func(t *testing.T, scheme string, http2 bool) {
		stays, goes := open(t, scheme), open(t, scheme)
		h := newSlow()
		g := serveGroup(t, &server.Group{Handler: h, Drain: time.Second}, stays, goes)
		c := call(t, goes, http2)
		answer := make(chan error, 1)
		go func() {
			_, _, err := c.get()
			answer <- err
		}()
		<-h.begun
		idle, err := net.Dial("tcp", goes.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer idle.Close()
		g.set(says("on"), stays)
		if err := <-answer; err == nil {
			t.Error("a response that was cut looks whole")
		}
		call(t, stays, http2).wants("on", false)
		if err := g.ends(); err != nil {
			t.Error(err) // what was cut was told of when it was
		}
	})
}

// TestGroupUnderLoad adds and takes away listeners, and changes the handler, while clients ask
// without pause on one that stays. No request fails, and no connection is lost.
func TestGroupUnderLoad(t *testing.T) {
	overAll(t, func(t *testing.T, scheme string, http2 bool) {
		stays := open(t, scheme)
		g := serveGroup(t, &server.Group{Handler: says("on")}, stays)
		asking, stop := context.WithCancel(t.Context())
		defer stop()
		var clients sync.WaitGroup
		for range 3 {
			c := call(t, stays, http2)
			clients.Go(func() {
				asked, opened := 0, 0
				for ; asking.Err() == nil; asked++ {
					body, kept, err := c.get()
					if err != nil || body != "on" {
						t.Errorf("%q, %v, on an old connection: %v", body, err, kept)
						return
					}
					if !kept {
						opened++
					}
				}
				// net/http's client gives a connection of HTTP/1 up, on a busy machine, when its
				// writer has not come back within 50 ms.
				if most := 1 + asked/10; opened > most || http2 && opened > 1 {
					t.Errorf("%d connections for %d requests", opened, asked)
				}
			})
		}
		var last *server.Listener
		for range 20 {
			l := open(t, scheme)
			g.set(says("on"), l, stays)
			call(t, l, http2).wants("on", false)
			last = l
		}
		stop()
		clients.Wait()
		g.set(says("on"), stays)
		refused(t, last)
		if err := g.ends(); err != nil {
			t.Error(err)
		}
	})
}

// TestGroupBefore sets a handler and listeners before the group serves: what is taken away is
// closed, the rest is served.
func TestGroupBefore(t *testing.T) {
	first, second := open(t, "http"), open(t, "http")
	g := new(server.Group)
	for _, l := range []*server.Listener{first, second} {
		if err := g.Set(says("set"), l); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, first)
	s := serveGroup(t, g)
	call(t, second, false).wants("set", false)
	if err := s.ends(); err != nil {
		t.Error(err)
	}
	third := open(t, "http")
	if err := g.Set(says("late"), third); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Set after the end: %v", err)
	}
	refused(t, third)
	fourth := open(t, "http")
	if err := g.Serve(t.Context(), fourth); err == nil {
		t.Error("a group serves twice")
	}
	refused(t, fourth)
}

// TestGroupFails ends a group one of whose listeners fails: with the error, and the others are
// closed.
func TestGroupFails(t *testing.T) {
	breaks, other := open(t, "http"), open(t, "http")
	g := serveGroup(t, &server.Group{Handler: says("on")}, breaks, other)
	call(t, other, false).wants("on", false)
	breaks.Close()
	select {
	case err := <-g.served:
		if err == nil || !strings.Contains(err.Error(), "use of closed network connection") {
			t.Errorf("Serve: %v", err)
		}
	case <-time.After(patient):
		t.Fatal("the group goes on")
	}
	refused(t, other)
}

// TestGroupTwice gives a group the same listener twice: it is one.
func TestGroupTwice(t *testing.T) {
	l := open(t, "http")
	g := serveGroup(t, &server.Group{Handler: says("on")}, l, l)
	c := call(t, l, false)
	c.wants("on", false)
	g.set(says("more"), l, l)
	c.wants("more", true)
	if err := g.ends(); err != nil {
		t.Error(err)
	}
}

// TestGroupGoAway tells a client of HTTP/2 that its listener is taken away, as RFC 9113, section
// 6.8 wants it.
func TestGroupGoAway(t *testing.T) {
	stays, goes := open(t, "http"), open(t, "http")
	g := serveGroup(t, &server.Group{Handler: says("on")}, stays, goes)
	c, err := net.Dial("tcp", goes.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	r := bufio.NewReader(c)
	if b, err := r.ReadByte(); err != nil {
		t.Fatal(b, err)
	}
	g.set(says("on"), stays)
	_ = c.SetReadDeadline(time.Now().Add(patient))
	rest, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	// A frame of the type 7 on stream 0, which excludes nothing.
	if !strings.Contains(string(rest), "\x07\x00\x00\x00\x00\x00\x7f\xff\xff\xff") {
		t.Errorf("no GOAWAY: %q", rest)
	}
}
