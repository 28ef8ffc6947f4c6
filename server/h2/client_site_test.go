package h2_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// site is a server to be visited by a client.
type site struct {
	handler  http.HandlerFunc // nil: the test drives each call itself, see client.call
	limits   func(*http.Server)
	engine   func(*h2.Server) // what differs from the zero Server
	settings []http2.Setting  // the client's first SETTINGS
	silent   bool             // the client does not begin by itself
	noisy    bool             // the test expects the server to log errors
}

// visit runs f twice, over cleartext and over TLS, each in a bubble with a server and a greeted
// client of its own. When f has returned the connection and the server are closed, and all their
// goroutines must end: a bubble does not end before.
func (s site) visit(t *testing.T, f func(t *testing.T, c *visitor)) {
	t.Helper()
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Helper()
			synctest.Test(t, func(t *testing.T) {
				t.Helper()
				v := s.open(t, scheme)
				defer v.close()
				v.client = v.dial()
				if !s.silent {
					v.greet(s.settings...)
				}
				f(t, v)
			})
		})
	}
}

// against visits a handler with everything else left to itself.
func against(t *testing.T, h http.HandlerFunc, f func(t *testing.T, c *visitor)) {
	t.Helper()
	site{handler: h}.visit(t, f)
}

// visitor is the client of a site, and a hold on the site.
type visitor struct {
	*client
	t       *testing.T
	scheme  string
	server  *http.Server
	door    *exchange
	calls   chan *call
	leaving chan struct{} // closed when the test is over
	served  chan error
	log     record
	noisy   bool
	conns   []*client
}

func (s site) open(t *testing.T, scheme string) *visitor {
	v := &visitor{t: t, scheme: scheme, door: newExchange(), calls: make(chan *call, 1000), leaving: make(chan struct{}), served: make(chan error, 1), noisy: s.noisy}
	h := s.handler
	if h == nil {
		h = v.drive
	}
	v.server = &http.Server{Handler: h, ErrorLog: log.New(&v.log, "", 0), Protocols: new(http.Protocols)}
	v.server.Protocols.SetHTTP1(true)
	v.server.Protocols.SetHTTP2(true)
	v.server.Protocols.SetUnencryptedHTTP2(true)
	v.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate()}}
	if s.limits != nil {
		s.limits(v.server)
	}
	engine := new(h2.Server)
	if s.engine != nil {
		s.engine(engine)
	}
	if err := engine.Configure(v.server); err != nil {
		t.Fatal(err)
	}
	var door net.Listener = v.door
	if scheme == "https" {
		door = tls.NewListener(door, v.server.TLSConfig)
	}
	go func() { v.served <- v.server.Serve(door) }()
	return v
}

// dial opens one more connection. Its client has not greeted yet.
func (v *visitor) dial() *client {
	m, err := v.door.dial()
	if err != nil {
		v.t.Fatal(err)
	}
	var conn net.Conn = m
	if v.scheme == "https" {
		tc := tls.Client(m, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}, ServerName: "example.test"})
		if err := tc.Handshake(); err != nil {
			v.t.Fatal(err)
		}
		conn = tc
	}
	c := newClient(v.t, conn, v.scheme)
	c.memory = m
	v.conns = append(v.conns, c)
	return c
}

func (v *visitor) close() {
	v.t.Helper()
	close(v.leaving)
	for _, c := range v.conns {
		c.conn.Close()
	}
	v.quiet()
	v.server.Close()
	<-v.served
	time.Sleep(time.Minute) // the bubble's: timers that the server left behind end their goroutines
	if s := v.log.String(); s != "" && !v.noisy {
		v.t.Errorf("the server logged:\n%s", s)
	}
}

// shutdown begins http.Server.Shutdown and returns where its error will come.
func (v *visitor) shutdown() <-chan error {
	done := make(chan error, 1)
	go func() { done <- v.server.Shutdown(context.Background()) }()
	v.quiet()
	return done
}

// call is a handler's call that the test drives step by step.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	steps chan func()
	over  chan struct{}
	bye   bool
}

func (v *visitor) drive(w http.ResponseWriter, r *http.Request) {
	c := &call{w: w, r: r, steps: make(chan func()), over: make(chan struct{})}
	defer close(c.over)
	v.calls <- c
	for {
		select {
		case step := <-c.steps:
			step()
			if c.bye {
				return
			}
		case <-v.leaving:
			return
		}
	}
}

// call returns the next call of the handler, which must have come.
func (v *visitor) call() *call {
	v.t.Helper()
	v.quiet()
	select {
	case c := <-v.calls:
		return c
	default:
		v.t.Fatalf("the handler was not called; the server sent:%s", transcript(v.heard()))
		return nil
	}
}

// noCall requires that no further call of the handler came.
func (v *visitor) noCall() {
	v.t.Helper()
	v.quiet()
	select {
	case c := <-v.calls:
		v.t.Fatalf("the handler was called for %s %s", c.r.Method, c.r.URL)
	default:
	}
}

// do runs a step on the handler's goroutine and waits for it.
func (c *call) do(step func(w http.ResponseWriter, r *http.Request)) {
	<-c.begin(step)
}

// begin runs a step that may block; what it returns is closed when the step is done.
func (c *call) begin(step func(w http.ResponseWriter, r *http.Request)) <-chan struct{} {
	done := make(chan struct{})
	c.steps <- func() {
		defer close(done)
		step(c.w, c.r)
	}
	synctest.Wait()
	return done
}

// write writes and flushes.
func (c *call) write(body string) {
	c.do(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, body)
		http.NewResponseController(w).Flush()
	})
}

// finish lets the handler return.
func (c *call) finish() {
	c.do(func(http.ResponseWriter, *http.Request) { c.bye = true })
	<-c.over
}

// over reports whether a step begun has ended.
func over(done <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// record is a log that a test can read while the server writes.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// certificate is one for localhost, valid at any time that a test's clock may show.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	form := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "localhost"},
		DNSNames:              []string{"localhost", "example.test"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:             time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})
