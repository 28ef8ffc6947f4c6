package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpguts"
)

// probing is what probe is asked for.
type probing struct {
	url      *url.URL
	method   string
	headers  []string
	noPush   bool
	repeat   int
	insecure bool
	frames   bool
	json     bool
	timeout  time.Duration
}

// A probed is what a probe saw: requests on one connection, and their client, which is closed.
type probed struct {
	url      string
	client   *pushtest.Client
	requests []*pushtest.Exchange
	err      error // why the last one has no response; nil if it has
}

func newProbe(stdout io.Writer) *cobra.Command {
	var p probing
	c := &cobra.Command{
		Use:   "probe [flags] URL",
		Short: "Show what a server answers, promises and hints",
		Long: `Probe asks a server for URL over HTTP/2, as a client that takes promises, and draws what
comes on a time axis: the response, interim responses (103 Early Hints), promised
requests and their responses, and resets. https is HTTP/2 over TLS, http is HTTP/2
in cleartext with prior knowledge. It trusts the certificate that larkspur dev made.

--repeat asks several times on one connection, so that one sees what the server
remembers: what was pushed once is not pushed again.

It exits 1 if a request got no response, or the server broke RFC 9113, which it tells;
a status such as 404 is a response.`,
		Example: `  larkspur probe https://localhost:8443/
  larkspur probe --no-push http://localhost:8000/
  larkspur probe --repeat 2 --header 'Accept: text/html' --frames http://localhost:8000/`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			request, err := p.request(args[0])
			if err != nil {
				return err
			}
			seen, err := p.run(c.Context(), request)
			if err != nil {
				return runError{fmt.Errorf("probe %s: %w", display.Escape(args[0]), err)}
			}
			if p.json {
				err = seen.writeJSON(stdout, p.frames)
			} else {
				err = seen.writeText(stdout, p.frames)
			}
			if err != nil {
				return runError{err}
			}
			return seen.verdict()
		},
	}
	f := c.Flags()
	f.BoolVar(&p.noPush, "no-push", false,
		"take no promises, as browsers do: SETTINGS_ENABLE_PUSH=0")
	f.StringArrayVar(&p.headers, "header", nil,
		"a field of the request, `NAME:VALUE`; may be repeated")
	f.StringVar(&p.method, "method", http.MethodGet, "`METHOD` of the request")
	f.IntVar(&p.repeat, "repeat", 1,
		"how many times to ask, one after the other, on one connection")
	f.BoolVar(&p.insecure, "insecure", false, "take any certificate")
	f.BoolVar(&p.frames, "frames", false,
		"list the frames, one a line, with their times in milliseconds")
	f.BoolVar(&p.json, "json", false, "write JSON, for machines")
	p.timeout = 30 * time.Second
	f.Var((*display.Duration)(&p.timeout), "timeout", "how long all of it may take")
	return c
}

// request makes the request, and finds what is wrong with the flags.
func (p *probing) request(arg string) (pushtest.Request, error) {
	r := pushtest.Request{
		Method: p.method,
		Header: http.Header{"User-Agent": {"larkspur-probe"}, "Accept": {"*/*"}},
	}
	u, err := url.Parse(arg)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return r, fmt.Errorf(
			"probe: %q is no URL: write http://HOST:PORT/PATH or https://HOST:PORT/PATH", arg)
	}
	p.url = u
	r.Target = u.RequestURI()
	switch {
	case !httpguts.ValidHeaderFieldName(p.method) || p.method == http.MethodConnect:
		return r, fmt.Errorf("--method %q: no method that can be probed", p.method)
	case p.repeat < 1 || p.repeat > 1000:
		return r, fmt.Errorf("--repeat %d: 1 to 1000", p.repeat)
	case p.timeout <= 0:
		return r, fmt.Errorf("--timeout %v: some time, as in 30s", p.timeout)
	}
	given := http.Header{}
	for _, h := range p.headers {
		name, value, ok := strings.Cut(h, ":")
		value = strings.Trim(value, " \t")
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return r, fmt.Errorf("--header %q: write NAME:VALUE", h)
		}
		if strings.EqualFold(name, "Host") {
			r.Authority = value
			continue
		}
		given.Add(name, value)
	}
	for name, values := range given {
		r.Header[name] = values
	}
	return r, nil
}

// run asks the server.
func (p *probing) run(ctx context.Context, r pushtest.Request) (*probed, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	config := &tls.Config{InsecureSkipVerify: p.insecure, RootCAs: trusted()}
	c, err := pushtest.Dial(ctx, p.url.String(), &pushtest.Settings{
		NoPush: p.noPush, TLS: config, Timeout: p.timeout,
		InitialWindowSize: 1 << 20, ConnectionWindow: 16 << 20,
		MaxBody: 1, // only the number of bytes is shown
	})
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		return nil, fmt.Errorf("%w (--insecure takes any certificate)", untrusted)
	case err != nil:
		return nil, errors.Unwrap(err) // what pushtest put before it says nothing here
	}
	defer c.Close()
	seen := &probed{url: p.url.String(), client: c}
	for range p.repeat {
		x := c.Do(r)
		seen.requests = append(seen.requests, x)
		// To close the client ends what goes on, so that later this would no longer be the error.
		if seen.err = x.WaitAll(); seen.err != nil {
			break
		}
	}
	return seen, nil
}

// trusted are the certificates of the system, and the one that dev keeps. Nil is those of the
// system.
func trusted() *x509.CertPool {
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil
	}
	kept, err := os.ReadFile(filepath.Join(dir, "larkspur", "localhost.pem"))
	if err != nil {
		return nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pool.AppendCertsFromPEM(kept)
	return pool
}

// verdict is the error of a probe that has shown what it saw.
func (s *probed) verdict() error {
	if s.err != nil {
		url := display.Escape(s.url)
		return runError{fmt.Errorf("probe %s: request %d: %w", url, len(s.requests), s.err)}
	}
	for _, v := range s.client.Violations() {
		if !v.Advice {
			return errFound
		}
	}
	return nil
}

// outcome is how an exchange ended, in a word or two.
func outcome(x *pushtest.Exchange) string {
	err := x.Wait()
	var reset *pushtest.ResetError
	var violation *pushtest.Violation
	switch {
	case errors.As(err, &violation):
		return "malformed"
	case errors.As(err, &reset) && reset.Local:
		return "dropped " + reset.Code.String()
	case errors.As(err, &reset):
		return "reset " + reset.Code.String()
	case err != nil:
		return "failed"
	}
	return fmt.Sprint(x.Status)
}
