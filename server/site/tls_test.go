package site

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// An issuer signs certificates.
type issuer struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	n    int64
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{t: t}
	i.cert, i.key = i.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "Larkspur test"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return i
}

// sign makes a key, and a certificate for it.
func (i *issuer) sign(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(i.t, err)
	i.n++
	c.SerialNumber = big.NewInt(i.n + 0xab00)
	c.NotBefore, c.NotAfter = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2096, 1, 2, 3, 4, 5, 0, time.UTC)
	parent, by := i.cert, i.key
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	must(i.t, err)
	made, err := x509.ParseCertificate(der)
	must(i.t, err)
	return made, key
}

// write makes a certificate for names, in files of a directory.
func (i *issuer) write(dir string, names ...string) (cert, key string) {
	i.t.Helper()
	c, k := i.sign(&x509.Certificate{DNSNames: names, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	must(i.t, err)
	cert, key = filepath.Join(dir, names[0]+".pem"), filepath.Join(dir, names[0]+".key")
	writePEM(i.t, cert, "CERTIFICATE", c.Raw)
	writePEM(i.t, key, "PRIVATE KEY", secret)
	return cert, key
}

func writePEM(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	must(t, os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// roots are the certificates of the issuer.
func (i *issuer) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(i.cert)
	return pool
}

// begin has s serve v until the end of the test.
func begin(t *testing.T, s *Server, v *Site) {
	t.Helper()
	must(t, s.Set(v))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestCertificates serves several names: each gets its certificate, one that nobody has gets the first. What is
// changed is read again once whoever writes it has ended, connections stay; a pair that is none leaves the one before.
func TestCertificates(t *testing.T) {
	i, dir := newIssuer(t), t.TempDir()
	var log strings.Builder
	s := &Server{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	read := func(names ...string) *Certificate {
		c, err := ReadCertificate(i.write(dir, names...))
		must(t, err)
		return c
	}
	v := &Site{Listen: []string{"https://127.0.0.1:0"}, Certificate: read("one.example"),
		TLS: TLS{Certificates: []*Certificate{read("two.example"), read("*.three.example")}}}
	begin(t, s, v)
	leaf := func(name string) *x509.Certificate {
		t.Helper()
		c, err := tls.Dial("tcp", s.Listeners()[0].Addr().String(), &tls.Config{ServerName: name, InsecureSkipVerify: true})
		must(t, err)
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0]
	}
	for name, want := range map[string]string{"one.example": "one.example", "two.example": "two.example",
		"a.three.example": "*.three.example", "three.example": "one.example", "": "one.example", "other": "one.example"} {
		if got := leaf(name).DNSNames[0]; got != want {
			t.Errorf("%s gets the certificate for %s, want %s", name, got, want)
		}
	}
	before := leaf("two.example")
	cert, key := i.write(dir, "two.example")
	s.lookAtCertificates() // who writes may not have ended
	if !leaf("two.example").Equal(before) {
		t.Error("a change is taken up at once, although more may come")
	}
	s.lookAtCertificates()
	after := leaf("two.example")
	if after.Equal(before) || !strings.Contains(log.String(), "msg=reloaded certificate=\""+cert+" and "+key) {
		t.Errorf("it is not read again; the log is %s", log.String())
	}
	must(t, os.WriteFile(key, []byte("no key"), 0o600))
	for range 3 {
		s.lookAtCertificates()
	}
	if !leaf("two.example").Equal(after) {
		t.Error("a pair that is none is served")
	}
	if got := strings.Count(log.String(), "the last good certificate serves on"); got != 1 {
		t.Errorf("it is said %d times:\n%s", got, log.String())
	}
}

// TestTLSIntermediate holds Mozilla's intermediate configuration: no TLS 1.1, no CBC.
func TestTLSIntermediate(t *testing.T) {
	i := newIssuer(t)
	c, err := ReadCertificate(i.write(t.TempDir(), "one.example"))
	must(t, err)
	s := &Server{Logger: slog.New(slog.DiscardHandler)}
	begin(t, s, &Site{Listen: []string{"https://127.0.0.1:0"}, Certificate: c})
	for _, test := range []struct {
		name   string
		config *tls.Config
		ok     bool
	}{
		{"TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		{"CBC", &tls.Config{MaxVersion: tls.VersionTLS12,
			CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, false},
		{"GCM", &tls.Config{MaxVersion: tls.VersionTLS12,
			CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}, true},
		{"TLS 1.3", &tls.Config{MinVersion: tls.VersionTLS13}, true},
	} {
		test.config.InsecureSkipVerify = true
		c, err := tls.Dial("tcp", s.Listeners()[0].Addr().String(), test.config)
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
		if err == nil {
			c.Close()
		}
	}
}

// TestClientCertificates wants certificates of clients: one of another authority, or none, is refused, and the
// environ says whose it is, by the names of mod_ssl.
func TestClientCertificates(t *testing.T) {
	i, dir := newIssuer(t), t.TempDir()
	own, err := ReadCertificate(i.write(dir, "one.example"))
	must(t, err)
	ca := filepath.Join(dir, "ca.pem")
	writePEM(t, ca, "CERTIFICATE", i.cert.Raw)
	app := &Application{FS: fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [k + "=" + environ[k] + "\n" for k in sorted(environ) if k.startswith("SSL_CLIENT_") and k != "SSL_CLIENT_CERT"]
`)}}}
	client := func(by *issuer) []tls.Certificate {
		c, key := by.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "ann", Organization: []string{"Example"}},
			EmailAddresses: []string{"ann@example.com"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		return []tls.Certificate{{Certificate: [][]byte{c.Raw}, PrivateKey: key}}
	}
	theirs, others := client(i), client(newIssuer(t))
	const wants = "SSL_CLIENT_I_DN=CN=Larkspur test\nSSL_CLIENT_I_DN_CN=Larkspur test\nSSL_CLIENT_M_SERIAL=AB03\n" +
		"SSL_CLIENT_SAN_Email_0=ann@example.com\nSSL_CLIENT_S_DN=CN=ann,O=Example\nSSL_CLIENT_S_DN_CN=ann\n" +
		"SSL_CLIENT_VERIFY=SUCCESS\nSSL_CLIENT_V_END=Jan  2 03:04:05 2096 GMT\nSSL_CLIENT_V_START=Jan  2 03:04:05 2026 GMT\n"
	for _, optional := range []bool{false, true} {
		authority, err := ReadAuthority(ca)
		must(t, err)
		authority.Optional = optional
		s := &Server{Logger: slog.New(slog.DiscardHandler)}
		begin(t, s, &Site{Listen: []string{"https://127.0.0.1:0"}, Certificate: own, TLS: TLS{Clients: authority},
			Mounts: []Mount{{App: app}}})
		for _, test := range []struct {
			name         string
			certificates []tls.Certificate
			want         string
		}{
			{"own", theirs, wants},
			{"none", nil, map[bool]string{true: "SSL_CLIENT_VERIFY=NONE\n"}[optional]},
			{"other", others, ""},
		} {
			c := http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true,
				TLSClientConfig: &tls.Config{RootCAs: i.roots(), ServerName: "one.example",
					GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
						if test.certificates == nil {
							return new(tls.Certificate), nil
						}
						return &test.certificates[0], nil
					}}}}
			got := ""
			res, err := c.Get(s.Listeners()[0].URL)
			if err == nil {
				var text []byte
				text, err = io.ReadAll(res.Body)
				res.Body.Close()
				got = string(text)
			}
			c.CloseIdleConnections()
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("optional %v, %s: got %q, %v, want %q", optional, test.name, got, err, test.want)
			}
		}
	}
}

// TestRedirect sends requests from http to https, with their host, path and query, and the port that https has;
// over https there is HSTS.
func TestRedirect(t *testing.T) {
	i := newIssuer(t)
	own, err := ReadCertificate(i.write(t.TempDir(), "one.example"))
	must(t, err)
	s := &Server{Logger: slog.New(slog.DiscardHandler)}
	begin(t, s, &Site{Listen: []string{"https://127.0.0.1:0"}, Redirect: []string{"http://127.0.0.1:0"}, Certificate: own,
		HSTS: "max-age=31536000", Mounts: []Mount{{Handler: http.NotFoundHandler()}}})
	at := s.Listeners()
	_, port, _ := strings.Cut(strings.TrimPrefix(at[0].URL, "https://"), ":")
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	t.Cleanup(c.CloseIdleConnections)
	for _, test := range []struct{ method, host, target, want string }{
		{"GET", "one.example", "/a%2Fb/?q=1&r", "https://one.example:" + port + "/a%2Fb/?q=1&r"},
		{"POST", "one.example:80", "/", "https://one.example:" + port + "/"},
		{"GET", "[::1]:80", "/", "https://[::1]:" + port + "/"},
		{"GET", "[::1]", "//evil.example/", "https://[::1]:" + port + "//evil.example/"},
		{"GET", "a/b", "/", ""},
	} {
		r, err := http.NewRequest(test.method, at[1].URL+test.target, strings.NewReader("x"))
		must(t, err)
		r.Host = test.host
		res, err := c.Do(r)
		must(t, err)
		res.Body.Close()
		status := http.StatusPermanentRedirect
		if test.want == "" {
			status = http.StatusBadRequest
		}
		if got := res.Header.Get("Location"); got != test.want || res.StatusCode != status {
			t.Errorf("%s of %s%s: %s to %s, want %s", test.method, test.host, test.target, res.Status, got, test.want)
		}
		if res.Header.Get("Strict-Transport-Security") != "" {
			t.Error("there is HSTS over http")
		}
	}
	res, err := c.Get(at[0].URL)
	must(t, err)
	res.Body.Close()
	if got := res.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
		t.Errorf("HSTS is %q", got)
	}
}
