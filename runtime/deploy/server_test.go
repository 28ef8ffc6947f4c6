package deploy_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/deploy"
	"github.com/larkspur-web/larkspur/runtime/state"
)

// A server is Debian's nats-server, which wants TLS, a user and a password.
type server struct {
	t             *testing.T
	dir, port, ca string
	cmd           *exec.Cmd
}

// newServer starts one, or skips the test where it is not installed.
func newServer(t *testing.T) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	s := &server{t: t, dir: t.TempDir(), port: port}
	s.ca = filepath.Join(s.dir, "cert.pem")
	s.certify()
	s.start()
	t.Cleanup(s.kill)
	return s
}

// certify makes a certificate of 127.0.0.1 that signs itself.
func (s *server) certify() {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		s.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err == nil {
		err = os.WriteFile(s.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, "key.pem"),
			pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) start() {
	s.t.Helper()
	program, err := exec.LookPath("nats-server")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/nats-server")
	}
	switch {
	case err != nil && os.Getenv("LARKSPUR_REQUIRE_PEERS") == "1":
		s.t.Fatal("nats-server is not installed, and LARKSPUR_REQUIRE_PEERS=1")
	case err != nil:
		s.t.Skip("nats-server is not installed: apt-get install nats-server")
	}
	s.cmd = exec.Command(program, "-js", "-sd", s.dir, "-a", "127.0.0.1", "-p", s.port,
		"--user", "ann", "--pass", "secret", "--tls", "--tlscert", s.ca, "--tlskey", filepath.Join(s.dir, "key.pem"))
	log, err := s.cmd.StderrPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Server is ready") {
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return
		}
	}
	s.t.Fatal("nats-server does not start")
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// grant is a connection of its own.
func (s *server) grant(scheme, login string) *state.Grant {
	g := &state.Grant{URL: scheme + "://" + login + "127.0.0.1:" + s.port, CA: s.ca, Logger: slog.New(slog.DiscardHandler)}
	s.t.Cleanup(func() { g.Close() })
	return g
}

// TestServerAway has nodes serve on while the server is killed that has what is deployed, and take up what is
// deployed when it is back; it is reached over TLS, with a password, which no message has.
func TestServerAway(t *testing.T) {
	s := newServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := deploy.Open(ctx, s.grant("tls", "ann:wrong@")); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("with another password: %v", err)
	}
	r := &room{t: t, ctx: ctx, grant: s.grant("tls", "ann:secret@")}
	var err error
	if r.store, err = deploy.Open(ctx, r.grant); err != nil {
		t.Fatal(err)
	}
	r.deploy(script("one"))
	var nodes []*member
	for _, name := range []string{"a", "b"} {
		r.grant = s.grant("nats", "ann:secret@")
		nodes = append(nodes, r.join(name, nil))
	}
	r.here(2)

	s.kill()
	r.all("one", nodes...)
	soon, end := context.WithTimeout(ctx, 500*time.Millisecond) // an answer may be lost
	defer end()
	if _, err := r.store.Deploy(soon, "shop", script("lost"), deploy.Rollout{}); err == nil {
		t.Error("something was deployed to a server that is away")
	}
	r.all("one", nodes...)
	s.start()
	r.until(func() bool {
		_, err = r.store.Deploy(ctx, "shop", script("two"), deploy.Rollout{})
		return err == nil
	})
	r.until(func() bool {
		for _, m := range nodes {
			if word, err := m.says(); word != "two" || err != nil {
				return false
			}
		}
		return true
	})
}
