package h2_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
)

// TestConformConfigure: what h2.Configure does to a http.Server.
func TestConformConfigure(t *testing.T) {
	t.Run("nothing set", func(t *testing.T) {
		s := new(http.Server)
		if err := h2.Configure(s); err != nil {
			t.Fatal(err)
		}
		if s.TLSConfig == nil || !slices.Equal(s.TLSConfig.NextProtos, []string{"h2", "http/1.1"}) {
			t.Errorf("TLSConfig = %v, want the protocols h2 and http/1.1", s.TLSConfig)
		}
		if s.TLSNextProto["h2"] == nil {
			t.Error("TLSNextProto has no h2")
		}
	})
	t.Run("protocols there already", func(t *testing.T) {
		s := &http.Server{TLSConfig: &tls.Config{NextProtos: []string{"own", "h2"}}}
		if err := h2.Configure(s); err != nil {
			t.Fatal(err)
		}
		if got := s.TLSConfig.NextProtos; !slices.Contains(got, "own") || len(got) != len(slices.Compact(slices.Sorted(slices.Values(got)))) {
			t.Errorf("NextProtos = %q", got)
		}
	})
	t.Run("cipher suites that RFC 9113 needs", func(t *testing.T) { // section 9.2.2
		s := &http.Server{TLSConfig: &tls.Config{CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}}}
		if err := h2.Configure(s); err == nil {
			t.Error("no error for cipher suites without TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
		}
		s = &http.Server{TLSConfig: &tls.Config{CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}}
		if err := h2.Configure(s); err != nil {
			t.Error(err)
		}
	})
}

// TestConformTLS: RFC 9113, section 9.2: nothing below TLS 1.2, and no cipher of its black list.
func TestConformTLS(t *testing.T) {
	cases := []struct {
		name   string
		client *tls.Config
		ok     bool
	}{
		{"TLS 1.3", &tls.Config{MinVersion: tls.VersionTLS13}, true},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, true},
		{"TLS 1.1", &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, false},
		{"a prohibited cipher", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			s := serve(t, page(3), func(s *http.Server) {
				s.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS10, Certificates: []tls.Certificate{certificate()},
					CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}
			})
			tc.client.InsecureSkipVerify, tc.client.NextProtos = true, []string{"h2"}
			conn, err := tls.Dial("tcp", s.secure, tc.client)
			if err != nil {
				if tc.ok {
					t.Error(err)
				}
				return
			}
			c := newClient(t, conn, "https")
			defer conn.Close()
			c.preface()
			c.get(1)
			for {
				f := c.next()
				if f.kind == 1 && f.gone == nil && f.field(":status") == "200" {
					if !tc.ok {
						t.Error("a request is answered")
					}
					return
				}
				if f.gone != nil {
					if tc.ok {
						t.Error("the connection is refused")
					}
					return
				}
			}
		})
	}
}

// TestConformConnState: http.Server.ConnState sees a connection as net/http documents it.
func TestConformConnState(t *testing.T) {
	var mu sync.Mutex
	var states []http.ConnState
	seen := func() []http.ConnState {
		mu.Lock()
		defer mu.Unlock()
		return slices.Compact(slices.Clone(states))
	}
	site{limits: func(s *http.Server) {
		states = nil
		s.ConnState = func(_ net.Conn, st http.ConnState) {
			mu.Lock()
			defer mu.Unlock()
			states = append(states, st)
		}
	}}.visit(t, func(t *testing.T, c *visitor) {
		steps := func(want ...http.ConnState) {
			t.Helper()
			c.quiet()
			// Before its first request a connection may be reported as idle or active for a while.
			if got := seen(); !slices.Equal(got[max(0, len(got)-len(want)):], want) {
				t.Errorf("the states are %v, want at the end %v", got, want)
			}
		}
		if got := seen(); len(got) == 0 || got[0] != http.StateNew {
			t.Errorf("the states begin with %v", got)
		}
		steps(http.StateIdle)
		c.get(1)
		first := c.call()
		steps(http.StateIdle, http.StateActive)
		c.get(3)
		second := c.call()
		first.finish()
		steps(http.StateIdle, http.StateActive)
		second.finish()
		steps(http.StateIdle, http.StateActive, http.StateIdle)
		c.conn.Close()
		steps(http.StateActive, http.StateIdle, http.StateClosed)
	})
}

// TestConformContexts: http.Server.BaseContext and ConnContext are where a request's context comes from.
func TestConformContexts(t *testing.T) {
	type key string
	site{limits: func(s *http.Server) {
		s.BaseContext = func(net.Listener) context.Context { return context.WithValue(context.Background(), key("base"), 1) }
		s.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, key("conn"), c) }
	}}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		ctx := c.call().r.Context()
		if ctx.Value(key("base")) != 1 {
			t.Error("the value of BaseContext is missing")
		}
		if _, ok := ctx.Value(key("conn")).(net.Conn); !ok {
			t.Errorf("the value of ConnContext is %v", ctx.Value(key("conn")))
		}
		if _, ok := ctx.Deadline(); ok {
			t.Error("the context has a deadline")
		}
	})
}

// TestConformHTTP1: beside HTTP/2 a configured server speaks HTTP/1.1, on the same port, TLS or not.
func TestConformHTTP1(t *testing.T) {
	s := serve(t, page(3), nil)
	for _, url := range []string{"http://" + s.plain, "https://" + s.secure} {
		tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Protocols: new(http.Protocols)}
		tr.Protocols.SetHTTP1(true)
		res, err := (&http.Client{Transport: tr, Timeout: 10 * time.Second}).Get(url)
		if err != nil {
			t.Error(err)
			continue
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		tr.CloseIdleConnections()
		if res.Proto != "HTTP/1.1" || string(body) != "xxx" {
			t.Errorf("%s: %s %q", url, res.Proto, body)
		}
	}
}

// TestConformServeConn: h2.Server.ServeConn serves a connection that somebody else has accepted, until
// it ends.
func TestConformServeConn(t *testing.T) {
	type key string
	synctest.Test(t, func(t *testing.T) {
		near, far := newMemory()
		returned := make(chan struct{})
		go func() {
			defer close(returned)
			ctx := context.WithValue(context.Background(), key("of"), "the caller")
			new(h2.Server).ServeConn(ctx, far, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, r.Context().Value(key("of")).(string))
			})})
		}()
		c := newClient(t, near, "http")
		c.memory = near
		c.greet()
		c.get(1)
		c.want("HEADERS 1 :status=200 content-length=10 "+text, `DATA 1 END "the caller"`)
		select {
		case <-returned:
			t.Error("ServeConn returned while its connection is open")
		default:
		}
		near.Close()
		<-returned
		time.Sleep(time.Minute) // the bubble's: timers end
	})
}
