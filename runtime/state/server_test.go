package state_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
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

	"github.com/larkspur-web/larkspur/runtime/state"
)

// A cluster is Debian's nats-server, version 2.9, with files of its own.
type cluster struct {
	t    *testing.T
	dir  string
	port string // "-1" for a free one
	args []string
	cmd  *exec.Cmd
}

// newCluster starts one, or skips the test where it is not installed.
func newCluster(t *testing.T, args ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: t.TempDir(), port: "-1", args: args}
	c.start()
	t.Cleanup(c.kill)
	return c
}

func (c *cluster) start() {
	c.t.Helper()
	program, err := exec.LookPath("nats-server")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/nats-server")
	}
	switch {
	case err != nil && os.Getenv("LARKSPUR_REQUIRE_PEERS") == "1":
		c.t.Fatal("nats-server is not installed, and LARKSPUR_REQUIRE_PEERS=1")
	case err != nil:
		c.t.Skip("nats-server is not installed: apt-get install nats-server")
	}
	ports := c.t.TempDir()
	c.cmd = exec.Command(program, append([]string{"-js", "-sd", c.dir, "-a", "127.0.0.1", "-p", c.port,
		"--ports_file_dir", ports}, c.args...)...)
	log, err := c.cmd.StderrPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	said := new(strings.Builder)
	ready := make(chan bool)
	go func() {
		buf := make([]byte, 4096)
		for told := false; ; {
			n, err := log.Read(buf)
			said.Write(buf[:n])
			if !told && (err != nil || strings.Contains(said.String(), "Server is ready")) {
				ready <- err == nil
				told = true
			}
			if err != nil {
				return
			}
		}
	}()
	if !<-ready {
		c.t.Fatalf("nats-server does not start: %s", said)
	}
	var list struct{ Nats []string }
	for file := ""; len(list.Nats) == 0; {
		if all, _ := filepath.Glob(filepath.Join(ports, "*.ports")); len(all) > 0 {
			file = all[0]
		}
		text, _ := os.ReadFile(file) // it may be half written
		_ = json.Unmarshal(text, &list)
	}
	_, c.port, err = net.SplitHostPort(strings.TrimPrefix(strings.TrimPrefix(list.Nats[0], "nats://"), "tls://"))
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// TestCluster verifies that what there is works with servers elsewhere, of the version that Debian has;
// that while they are away what is asked fails at once and with a clear error, but for results that are
// cached; and that nothing is lost that was acknowledged.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "--user", "ann", "--pass", "secret")
	at := func(login string) *state.Grant {
		g := &state.Grant{URL: "nats://" + login + "127.0.0.1:" + c.port,
			Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
		t.Cleanup(func() { g.Close() })
		return g
	}
	d, other := newDesk(t, at("ann:secret@")), newDesk(t, at("ann:secret@"))
	d.run(`
h = bucket("h", ttl = "1h", history = 3)
def slow():
    return counter("slow").add()
quick = cached(60, slow)
mails = queue("mails")

def follow():
    for e in b.watch("w"):
        if e.value == 2:
            return e.key
        b.put("w", 2)
`)
	other.run(`h = bucket("h", ttl = "1h", history = 3)`)
	d.want(
		`b.put("k.ü", [1])`, `1`,
		`b.create("k.ü", 1)`, `None`,
		`b.update("k.ü", lambda v: v + [2])`, `[1, 2]`,
		`[h.put("x", i) for i in range(4)]`, `[1, 2, 3, 4]`,
		`[e.value for e in h.history("x")]`, `[1, 2, 3]`,
		`b.put("k", 1, ttl = 60)`, `usage: put: a key has a ttl of its own from nats-server 2.11 on; this server is older`,
		`b.keys()`, `["k.ü"]`,
		`b.delete("k.ü")`, `None`,
		`b.items()`, `[]`,
		`counter("c").add(2)`, `2`,
		`quick()`, `1`,
		`b.put("w", 1)`, `4`,
		`follow()`, `"w"`,
		`topic("t").publish("x")`, `"1"`,
		`[m.value for m in topic("t").recent()]`, `["x"]`,
		`mails.put(1, delay = 60, key = "k") != None`, `True`,
		`mails.put(1, delay = 60, key = "k")`, `None`,
		`mails.size()`, `1`,
	)
	other.want(`h.get("x")`, `3`, `b.put("kept", "this")`, `6`)
	refused := newDesk(t, at(""))
	refused.want(`b.get("k")`, `unavailable: get: what keeps it cannot be reached now`)

	c.kill()
	d.want(`b.get("kept")`, `unavailable: get: what keeps it cannot be reached now`)
	began := time.Now()
	d.want(
		`b.put("lost", 1)`, `unavailable: put: what keeps it cannot be reached now`,
		`topic("t").publish(1)`, `unavailable: publish: what keeps it`,
		`mails.put(1)`, `unavailable: put: what keeps it`,
		`b.keys()`, `unavailable: keys: what keeps it`,
		`quick()`, `1`,
	)
	if took := time.Since(began); took > time.Second {
		t.Errorf("five errors took %v", took)
	}
	c.start()
	for d.eval(`b.get("kept")`) != `"this"` { // it comes back by itself
		time.Sleep(10 * time.Millisecond)
	}
	d.want(`b.put("back", 1) > 0`, `True`)
	for other.eval(`b.get("back")`) != `1` {
		time.Sleep(10 * time.Millisecond)
	}
}

// TestClusterTLS verifies that servers are reached over TLS, and only those whose certificate is signed
// by who is said.
func TestClusterTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certificate(t, cert, key)
	c := newCluster(t, "--tls", "--tlscert", cert, "--tlskey", key)
	for _, s := range []struct{ scheme, ca, want string }{
		{"tls", cert, `1`},
		{"nats", cert, `2`}, // which the server has be TLS
		{"tls", "", `unavailable: put: what keeps it cannot be reached now`},
	} {
		g := &state.Grant{URL: s.scheme + "://127.0.0.1:" + c.port, CA: s.ca,
			Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
		newDesk(t, g).want(`b.put("k", 1)`, s.want)
		g.Close()
	}
	missing := &state.Grant{URL: "tls://127.0.0.1:" + c.port, CA: filepath.Join(dir, "none")}
	if err := missing.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("without a file of certificates: %v", err)
	}
}

// certificate makes one of 127.0.0.1, that signs itself.
func certificate(t *testing.T, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		name string
		b    *pem.Block
	}{{cert, &pem.Block{Type: "CERTIFICATE", Bytes: der}}, {key, &pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}}} {
		if err := os.WriteFile(f.name, pem.EncodeToMemory(f.b), 0o600); err != nil {
			t.Fatal(fmt.Errorf("certificate: %w", err))
		}
	}
}
