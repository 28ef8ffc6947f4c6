package mail_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"crypto/x509"
)

// A submission is a server of SMTP, as far as tests need one. Its fields are set before it is asked.
type submission struct {
	starttls, implicit bool
	auth               string                         // what it offers, as "PLAIN LOGIN"
	user, password     string                         // that it accepts
	answer             func(verb, line string) string // instead of what it would answer, "" for that
	hang               string                         // the verb that it does not answer

	url   string // without scheme and account
	roots *x509.CertPool
	cert  tls.Certificate

	mu       sync.Mutex
	lines    []string // all commands
	messages []string
	secure   []bool // whether each message came over TLS
	hanging  chan struct{}
	gone     chan struct{} // a client has gone while the server hung
}

// start has the server listen on the loopback.
func (s *submission) start(t *testing.T) *submission {
	t.Helper()
	// A server of HTTP has the certificate: its name is example.com, and 127.0.0.1.
	web := httptest.NewTLSServer(nil)
	s.cert = web.TLS.Certificates[0]
	s.roots = x509.NewCertPool()
	s.roots.AddCert(web.Certificate())
	web.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.url = l.Addr().String()
	s.hanging, s.gone = make(chan struct{}, 100), make(chan struct{}, 100)
	var serving sync.WaitGroup
	t.Cleanup(func() { l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				if s.implicit {
					conn = tls.Server(conn, s.config())
				}
				s.serve(conn)
			})
		}
	})
	return s
}

func (s *submission) config() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{s.cert}}
}

// serve answers one client.
func (s *submission) serve(conn net.Conn) {
	r := bufio.NewReader(conn)
	_, secure := conn.(*tls.Conn)
	say := func(verb, line, usual string) bool {
		if s.hang == verb {
			s.hanging <- struct{}{}
			r.ReadByte()
			s.gone <- struct{}{}
			return false
		}
		if s.answer != nil {
			if own := s.answer(verb, line); own != "" {
				usual = own
			}
		}
		_, err := fmt.Fprintf(conn, "%s\r\n", strings.ReplaceAll(usual, "\n", "\r\n"))
		return err == nil && !strings.HasPrefix(usual, "421")
	}
	if !say("greeting", "", "220 mail.example ready") {
		return
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		s.mu.Lock()
		s.lines = append(s.lines, line)
		s.mu.Unlock()
		verb, rest, _ := strings.Cut(line, " ")
		verb = strings.ToUpper(verb)
		ok := true
		switch verb {
		case "EHLO":
			text := "250-mail.example\n"
			if s.starttls && !secure {
				text += "250-STARTTLS\n"
			}
			if s.auth != "" {
				text += "250-AUTH " + s.auth + "\n"
			}
			ok = say(verb, line, text+"250 8BITMIME")
		case "STARTTLS":
			if ok = say(verb, line, "220 go ahead"); ok {
				conn = tls.Server(conn, s.config())
				r, secure = bufio.NewReader(conn), true
			}
		case "AUTH":
			ok = say(verb, line, s.authenticate(r, conn, rest))
		case "DATA":
			if ok = say(verb, line, "354 go ahead"); ok {
				message, whole := data(r)
				if !whole {
					return
				}
				s.mu.Lock()
				s.messages = append(s.messages, message)
				s.secure = append(s.secure, secure)
				s.mu.Unlock()
				ok = say(".", line, "250 taken")
			}
		case "QUIT":
			say(verb, line, "221 bye")
			return
		default:
			ok = say(verb, line, "250 fine")
		}
		if !ok {
			return
		}
	}
}

// authenticate asks for the account, and returns the answer.
func (s *submission) authenticate(r *bufio.Reader, conn net.Conn, rest string) string {
	way, first, _ := strings.Cut(rest, " ")
	next := func(challenge string) string {
		fmt.Fprintf(conn, "334 %s\r\n", base64.StdEncoding.EncodeToString([]byte(challenge)))
		line, _ := r.ReadString('\n')
		text, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
		return string(text)
	}
	user, password := "", ""
	switch way {
	case "PLAIN":
		text, _ := base64.StdEncoding.DecodeString(first)
		parts := strings.Split(string(text), "\x00")
		if len(parts) == 3 {
			user, password = parts[1], parts[2]
		}
	case "LOGIN":
		user = next("Username:")
		password = next("Password:")
	}
	if user == s.user && password == s.password {
		return "235 welcome"
	}
	return "535 5.7.8 who are you, " + user + " with " + password + " or " + first + "?"
}

// data reads a message, with the dots that were put before dots taken away.
func data(r *bufio.Reader) (message string, whole bool) {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", false
		}
		if line == ".\r\n" {
			return b.String(), true
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
}

// said are the commands that have come.
func (s *submission) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}
