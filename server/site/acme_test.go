package site_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/site"
	"golang.org/x/net/dns/dnsmessage"
)

const patient = time.Minute

// pebble returns the path of Let's Encrypt's small ACME server:
// go install github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.3
func pebble(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("pebble"); err == nil {
		return path
	}
	out, err := exec.Command("go", "env", "GOPATH").Output()
	path := filepath.Join(strings.TrimSpace(string(out)), "bin", "pebble")
	if _, missing := os.Stat(path); err == nil && missing == nil {
		return path
	}
	text := "pebble is missing: go install github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.3"
	if os.Getenv("LARKSPUR_REQUIRE_PEERS") == "1" {
		t.Fatal(text)
	}
	t.Skip(text)
	return ""
}

// An authority is a running pebble.
type authority struct {
	cmd       *exec.Cmd
	directory string
	client    *http.Client
	manage    string
	log       logbook
}

// startAuthority has pebble reach all names at these ports of this machine, and give certificates that are good
// for so many seconds.
func startAuthority(t *testing.T, httpPort, tlsPort string, seconds int) *authority {
	t.Helper()
	path, dir := pebble(t), t.TempDir()
	if _, err := site.Localhost(dir); err != nil {
		t.Fatal(err)
	}
	a := &authority{}
	var at [2]string
	for i := range at {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		at[i] = l.Addr().String()
		l.Close()
	}
	a.directory, a.manage = "https://"+at[0]+"/dir", "https://"+at[1]
	var numbers [2]int
	fmt.Sscan(httpPort, &numbers[0])
	fmt.Sscan(tlsPort, &numbers[1])
	pair := filepath.Join(dir, "localhost.pem")
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": at[0], "managementListenAddress": at[1], "certificate": pair, "privateKey": pair,
		"httpPort": numbers[0], "tlsPort": numbers[1], "domainBlocklist": []string{"blocked.example"},
		"retryAfter": map[string]int{"authz": 1, "order": 1}, "keyAlgorithm": "ecdsa",
		"profiles": map[string]any{"default": map[string]any{"description": "", "validityPeriod": seconds}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "config.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	a.cmd = exec.Command(path, "-config", file, "-dnsserver", nameServer(t))
	a.cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=5")
	a.cmd.Stdout, a.cmd.Stderr = &a.log, &a.log
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.stop)
	text, err := os.ReadFile(pair)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	a.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: patient}
	t.Cleanup(a.client.CloseIdleConnections)
	await(t, func() bool {
		res, err := a.client.Get(a.directory)
		if err == nil {
			res.Body.Close()
		}
		return err == nil
	})
	return a
}

func (a *authority) stop() {
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}

// root is the certificate that all others of it are signed by in the end.
func (a *authority) root(t *testing.T) *x509.CertPool {
	t.Helper()
	res, err := a.client.Get(a.manage + "/roots/0")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if block, _ := pem.Decode(text); block == nil || !roots.AppendCertsFromPEM(text) {
		t.Fatalf("the root is %q", text)
	}
	return roots
}

// nameServer has all names be this machine, and returns where it answers, over TCP, as pebble asks.
func nameServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go resolve(c)
		}
	}()
	return l.Addr().String()
}

// resolve answers one client. RFC 7766, section 8: messages have their length before them.
func resolve(c net.Conn) {
	defer c.Close()
	for {
		var n uint16
		if binary.Read(c, binary.BigEndian, &n) != nil {
			return
		}
		asked := make([]byte, n)
		var m dnsmessage.Message
		if _, err := io.ReadFull(c, asked); err != nil || m.Unpack(asked) != nil || len(m.Questions) == 0 {
			return
		}
		m.Response, m.Additionals = true, nil
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60},
				Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
		}
		p, err := m.AppendPack(make([]byte, 2))
		if err != nil {
			return
		}
		binary.BigEndian.PutUint16(p, uint16(len(p)-2))
		if _, err := c.Write(p); err != nil {
			return
		}
	}
}

func await(t *testing.T, so func() bool) {
	t.Helper()
	for began := time.Now(); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > patient {
			t.Fatal("it does not come to that")
		}
	}
}

// freePorts are ports that nobody listens on.
func freePorts(t *testing.T, n int) (ports []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
	}
	return ports
}

// served is the leaf that a server sends to those who ask for a name, nil if there is none.
func leafOf(address, name string, roots *x509.CertPool) (*x509.Certificate, error) {
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: patient}, "tcp", address, &tls.Config{ServerName: name, RootCAs: roots})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

// TestACME gets certificates from pebble: for names that the site has, over TLS-ALPN and over HTTP, and for one that
// is asked for and allowed; renews one that is about to end; keeps them, so that another process of the site has them
// while the authority is away; and gets none for names that nobody allows, or that the authority refuses, which it says.
func TestACME(t *testing.T) {
	for _, way := range []string{"http-01", "tls-alpn-01"} {
		t.Run(way, func(t *testing.T) {
			ports := freePorts(t, 3)
			httpPort, tlsPort := ports[0], ports[1]
			if way == "tls-alpn-01" {
				httpPort = ports[2] // nobody answers there
			}
			a := startAuthority(t, httpPort, tlsPort, map[string]int{"http-01": 3600, "tls-alpn-01": 30}[way])
			roots, dir := a.root(t), t.TempDir()
			var log logbook
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("the log is\n%s\nand pebble's\n%s", strings.Join(log.lines, ""), a.log.lines)
				}
			})
			describe := func() *site.Site {
				return &site.Site{Mounts: []site.Mount{{Handler: http.NotFoundHandler()}},
					Listen:   []string{"https://127.0.0.1:" + tlsPort},
					Redirect: []string{"http://127.0.0.1:" + ports[0]},
					TLS: site.TLS{ACME: &site.ACME{Domains: []string{"one.example.com", "blocked.example"}, Dir: dir,
						Directory: a.directory, Client: a.client, Email: "admin@example.com",
						Allow: func(_ context.Context, domain string) error {
							if domain != "two.example.com" {
								return errors.New("not this one")
							}
							return nil
						}}}}
			}
			address := "127.0.0.1:" + tlsPort
			logger := slog.New(slog.NewTextHandler(&log, nil))
			first, stop := runSite(t, &site.Server{Logger: logger}, describe())
			var leaf *x509.Certificate
			await(t, func() bool {
				var err error
				leaf, err = leafOf(address, "one.example.com", roots)
				return err == nil
			})
			if way == "tls-alpn-01" { // it is good for 30 s, and renewed when a third of that is left
				await(t, func() bool {
					next, err := leafOf(address, "one.example.com", roots)
					if err != nil {
						t.Fatalf("while it is renewed: %v", err)
					}
					return !next.Equal(leaf)
				})
			} else {
				await(t, func() bool {
					_, err := leafOf(address, "two.example.com", roots)
					return err == nil
				})
				for _, name := range []string{"three.example.com", "blocked.example", "127.0.0.1"} {
					if leaf, err := leafOf(address, name, roots); err == nil {
						t.Errorf("%s gets the certificate for %q", name, leaf.DNSNames)
					}
				}
				await(t, func() bool { return log.has("msg=\"no certificate yet\" domain=blocked.example error=") })
				a.stop() // and the next process has what is kept
				stop()
				<-first
				_, _ = runSite(t, &site.Server{Logger: logger}, describe())
				if kept, err := leafOf(address, "one.example.com", roots); err != nil || !kept.Equal(leaf) {
					t.Errorf("the next process has another certificate, or none: %v", err)
				}
			}
		})
	}
}

// runSite serves a site until stop, or the end of the test.
func runSite(t *testing.T, s *site.Server, v *site.Site) (ended <-chan struct{}, stop func()) {
	t.Helper()
	if err := s.Set(v); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return done, cancel
}

// A logbook keeps what is logged.
type logbook struct {
	mu    sync.Mutex
	lines []string
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

func (l *logbook) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.lines, func(line string) bool { return strings.Contains(line, text) })
}

// TestACMEAway begins to serve while the authority cannot be reached, or answers what is no directory: it says so,
// a client is not kept waiting, and what needs no certificate is served.
func TestACMEAway(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"away":  nil,
		"wrong": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>hello") },
		"fails": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			if answer == nil {
				l.Close()
			} else {
				authority := &http.Server{Handler: answer}
				go func() { _ = authority.Serve(l) }()
				t.Cleanup(func() { authority.Close() })
			}
			var log logbook
			s := &site.Server{Logger: slog.New(slog.NewTextHandler(&log, nil))}
			plain := serve(t, s, &site.Site{Mounts: []site.Mount{{App: says("hello")}},
				Listen: []string{anywhere, "https://127.0.0.1:0"},
				TLS: site.TLS{ACME: &site.ACME{Domains: []string{"one.example.com"}, Dir: t.TempDir(),
					Directory: (&url.URL{Scheme: "http", Host: l.Addr().String()}).String(),
					Client:    &http.Client{Timeout: time.Second}}}})
			if got := get(t, plain); got != "hello at " {
				t.Errorf("it answers %q", got)
			}
			if name != "fails" { // which the client of ACME takes for a moment's trouble, and asks again
				await(t, func() bool { return log.has("msg=\"no certificate yet\" domain=one.example.com") })
				if _, err := leafOf(s.Listeners()[1].Addr().String(), "one.example.com", nil); err == nil {
					t.Error("there is a certificate")
				}
			}
		})
	}
}
