package site

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// An ACME gets certificates from an authority that speaks ACME (RFC 8555), as Let's Encrypt does, keeps them, and
// has them renewed while they serve. The authority has to reach the site under each name: on port 443, or on
// port 80, by any http listener or a [Site.Redirect].
//
// Its fields must not be changed, and it must not be copied, once it is in use.
type ACME struct {
	// Domains are the names that certificates are for. They are asked for when the site begins to serve.
	Domains []string
	// Allow, if not nil, says whether a certificate is to be asked for a name that is not among Domains, when the
	// first client asks for it: nil if so. Without a bound of its own it lets anybody spend the authority's patience.
	Allow func(ctx context.Context, domain string) error
	// Dir is where certificates, and the key of the account, are kept. It must not be empty.
	Dir string
	// Email is where the authority may write to. Empty means nowhere.
	Email string
	// Directory is the URL of the authority. Empty means that of Let's Encrypt.
	Directory string
	// Client speaks to the authority. Nil means one that gives it 30 seconds for each answer.
	Client *http.Client
	// RenewBefore is how long before its end a certificate is renewed. Zero means 30 days, or a third of its life if
	// that is less.
	RenewBefore time.Duration

	once    sync.Once // prepares it
	begun   sync.Once
	ended   context.Context // when nobody wants certificates any more
	end     context.CancelFunc
	logger  *slog.Logger
	manager *autocert.Manager

	mu      sync.Mutex
	flights map[string]*flight
}

// A flight is the search for the certificate of a name.
type flight struct {
	done chan struct{}
	cert *tls.Certificate
	err  error
}

// prepare makes it ready to answer. That of a nil ACME does nothing.
func (a *ACME) prepare(logger *slog.Logger) {
	if a == nil {
		return
	}
	a.once.Do(func() {
		a.logger = logger
		a.ended, a.end = context.WithCancel(context.Background())
		client := a.Client
		if client == nil {
			client = &http.Client{Timeout: 30 * time.Second}
		}
		a.manager = &autocert.Manager{Prompt: autocert.AcceptTOS, Email: a.Email, HostPolicy: a.allow,
			Cache: &certificateCache{autocert.DirCache(a.Dir), logger}, RenewBefore: a.RenewBefore,
			Client: &acme.Client{DirectoryURL: a.Directory, HTTPClient: client, UserAgent: "larkspur"}}
		a.manager.HTTPHandler(nil) // has it offer the challenge of port 80
	})
}

// begin has the certificates be asked for. The authority has to reach the site. That of a nil ACME does nothing.
func (a *ACME) begin() {
	if a == nil {
		return
	}
	a.begun.Do(func() {
		for _, domain := range a.Domains {
			go a.obtain(domain)
		}
	})
}

// allow is the policy: autocert's HostPolicy.
func (a *ACME) allow(ctx context.Context, domain string) error {
	if slices.ContainsFunc(a.Domains, func(d string) bool { return strings.EqualFold(d, domain) }) {
		return nil
	}
	if a.Allow == nil {
		return fmt.Errorf("acme: %q is not among the names of this site", domain)
	}
	return a.Allow(ctx, domain)
}

// allows returns an error unless the name that a client asks for may get a certificate.
func (a *ACME) allows(hello *tls.ClientHelloInfo) error {
	return a.allow(hello.Context(), strings.TrimSuffix(hello.ServerName, "."))
}

// challenged reports whether it is the authority that shakes hands. RFC 8737, section 3.
func (a *ACME) challenged(hello *tls.ClientHelloInfo) bool {
	return a != nil && len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto
}

// challenges answers what the authority asks over HTTP; next answers all else. RFC 8555, section 8.3.
func (a *ACME) challenges(next http.Handler) http.Handler {
	answer := a.manager.HTTPHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil && strings.HasPrefix(r.URL.Path, "/.well-known/acme-challenge/") {
			answer.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// certificate returns that of the name which a client asks for. It does not wait for longer than the client: an
// authority may take minutes.
func (a *ACME) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if err := a.allows(hello); err != nil {
		return nil, err
	}
	f := a.search(hello.ServerName)
	select {
	case <-f.done:
		return f.cert, f.err
	case <-hello.Context().Done():
		return nil, fmt.Errorf("acme: there is no certificate for %s yet", hello.ServerName)
	}
}

// search begins to look for a certificate, or joins who does: where it is kept, or from the authority.
func (a *ACME) search(domain string) *flight {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f := a.flights[domain]; f != nil {
		return f
	}
	f := &flight{done: make(chan struct{})}
	if a.flights == nil {
		a.flights = make(map[string]*flight)
	}
	a.flights[domain] = f
	go func() {
		f.cert, f.err = a.manager.GetCertificate(modern(domain))
		a.mu.Lock()
		delete(a.flights, domain)
		a.mu.Unlock()
		close(f.done)
	}()
	return f
}

// modern is a client that takes ECDSA, as all of today do: there is one certificate for each name.
func modern(domain string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: domain,
		CipherSuites:     []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves:  []tls.CurveID{tls.CurveP256}}
}

// Between two tries to get a certificate.
const (
	firstRetry = 70 * time.Second // autocert does not try again within a minute
	lastRetry  = time.Hour
)

// obtain gets the first certificate of a domain, however long it takes. autocert renews it.
func (a *ACME) obtain(domain string) {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		f := a.search(domain)
		<-f.done
		if f.err == nil || a.ended.Err() != nil {
			return
		}
		a.logger.Error("no certificate yet", slog.String("domain", domain), slog.Any("error", f.err),
			slog.Duration("again", wait))
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-a.ended.Done():
			timer.Stop()
			return
		}
	}
}

// A certificateCache keeps certificates, and says so.
type certificateCache struct {
	autocert.DirCache
	logger *slog.Logger
}

// Put is autocert.Cache's.
func (c *certificateCache) Put(ctx context.Context, name string, data []byte) error {
	if err := c.DirCache.Put(ctx, name, data); err != nil {
		c.logger.Error("what ACME has given is not kept", slog.String("name", name), slog.Any("error", err))
		return err
	}
	if !strings.Contains(name, "+") { // a token, or the key of the account
		c.logger.Info("a certificate is here", slog.String("domain", name))
	}
	return nil
}

var errNoDir = errors.New("site: ACME has no Dir: certificates have to be kept, for authorities give few of them")
