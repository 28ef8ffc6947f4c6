package h2_test

import (
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"testing"

	"github.com/larkspur-web/larkspur/server/h2"
)

// service is a server on two sockets, one with TLS, for clients that are programs of their own, and
// for attacks, which are about real time.
type service struct {
	server *http.Server
	plain  string // the address of cleartext
	secure string // and of TLS
	log    record
}

// serve starts a service that ends with the test.
func serve(t testing.TB, h http.Handler, limits func(*http.Server), engine ...func(*h2.Server)) *service {
	t.Helper()
	s := &service{}
	s.server = &http.Server{Handler: h, ErrorLog: log.New(&s.log, "", 0), Protocols: new(http.Protocols)}
	s.server.Protocols.SetHTTP1(true)
	s.server.Protocols.SetHTTP2(true)
	s.server.Protocols.SetUnencryptedHTTP2(true)
	s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate()}}
	if limits != nil {
		limits(s.server)
	}
	e := new(h2.Server)
	for _, f := range engine {
		f(e)
	}
	if err := e.Configure(s.server); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	listen := func() (net.Listener, string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l, l.Addr().String()
	}
	plain, address := listen()
	s.plain = address
	go func() { ended <- s.server.Serve(plain) }()
	secure, address := listen()
	s.secure = address
	go func() { ended <- s.server.ServeTLS(secure, "", "") }()
	t.Cleanup(func() {
		s.server.Close()
		<-ended
		<-ended
	})
	return s
}

// connect opens a connection, over TLS or not.
func (s *service) connect(scheme string) (net.Conn, error) {
	if scheme == "https" {
		return tls.Dial("tcp", s.secure, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	}
	return net.Dial("tcp", s.plain)
}

// dial opens a connection that ends with the test. Its client has not greeted.
func (s *service) dial(t testing.TB, scheme string) *client {
	t.Helper()
	conn, err := s.connect(scheme)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return newClient(t, conn, scheme)
}
