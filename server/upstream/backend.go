package upstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// A backend is one of the servers.
type backend struct {
	proxy     *Proxy
	where     string // as it was written
	base      url.URL
	transport http.Transport
	until     atomic.Int64 // when it is tried again, in nanoseconds of time; 0 if it answers
}

// newBackend returns the one that a URL names.
func newBackend(p *Proxy, where string) (*backend, error) {
	b := &backend{proxy: p, where: where, base: url.URL{Scheme: "http", Host: "localhost"}}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{Timeout: cmp.Or(p.Dial, 5*time.Second)}
		return d.DialContext(ctx, network, address)
	}
	b.transport = http.Transport{DialContext: dial, MaxIdleConnsPerHost: 100, IdleConnTimeout: time.Minute,
		DisableCompression: true, Protocols: new(http.Protocols)}
	b.transport.Protocols.SetHTTP1(true)
	if path, ok := strings.CutPrefix(where, "unix:"); ok && path != "" {
		b.transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dial(ctx, "unix", path)
		}
		return b, nil
	}
	u, err := url.Parse(where)
	switch {
	case err != nil || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil:
		return nil, fmt.Errorf("upstream: %q is no server: write http://HOST:PORT, https://HOST, h2c://HOST:PORT "+
			"or unix:PATH", unsaid(where))
	case !validPort(u.Port()):
		return nil, fmt.Errorf("upstream: %q: a port is a number from 1 to 65535", where)
	}
	b.base.Host = u.Host
	switch u.Scheme {
	case "http":
	case "https":
		b.base.Scheme = "https"
		b.transport.Protocols.SetHTTP2(true)
	case "h2c":
		b.transport.Protocols = new(http.Protocols)
		b.transport.Protocols.SetUnencryptedHTTP2(true)
	default:
		return nil, fmt.Errorf("upstream: %q: the scheme is http, https, h2c or unix", where)
	}
	return b, nil
}

// unsaid is what was written for a URL, without a user and a password, which are nothing for a log.
func unsaid(where string) string {
	before, after, ok := strings.Cut(where, "//")
	if !ok {
		before, after = "", where
	} else {
		before += "//"
	}
	if i := strings.LastIndexByte(after, '@'); i >= 0 {
		return before + "..." + after[i:]
	}
	return where
}

// validPort reports whether a server can have the port; "" is that of the scheme.
func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// out reports whether the server is left out.
func (b *backend) out() bool { return time.Now().UnixNano() < b.until.Load() }

// pause is how long a server is left out that cannot be connected to, and unwell how long one that has
// failed a check: the next one, which may take as long as it is from one to the next, comes before.
const (
	pause  = 2 * time.Second
	unwell = 3 * checkEvery
)

// leave leaves the server out for a while, because of err; back has it take its turns again.
func (b *backend) leave(err error, pause time.Duration) {
	if b.until.Swap(time.Now().Add(pause).UnixNano()) == 0 {
		b.log().Warn("an upstream does not answer", slog.String("upstream", b.where), slog.Any("error", err))
	}
}

func (b *backend) back() {
	if b.until.Load() != 0 && b.until.Swap(0) != 0 {
		b.log().Info("an upstream answers again", slog.String("upstream", b.where))
	}
}

func (b *backend) log() *slog.Logger {
	if b.proxy.Logger == nil {
		return slog.Default()
	}
	return b.proxy.Logger
}

// send sends a request to the server.
func (b *backend) send(r *http.Request) (*http.Response, error) {
	u := *r.URL
	u.Scheme, u.Host = b.base.Scheme, b.base.Host
	out := *r
	out.URL = &u
	if out.Body != nil && out.Body != http.NoBody {
		out.Body = io.NopCloser(out.Body) // another server may get it
	}
	return b.transport.RoundTrip(&out)
}

// RoundTrip is http.RoundTripper's: it sends a request to the server whose turn it is, and to the
// next one if it cannot be connected to.
func (p *Proxy) RoundTrip(r *http.Request) (*http.Response, error) {
	var err error
	for i, b := range p.order() {
		var res *http.Response
		res, err = b.send(r)
		if err == nil {
			b.back()
			return res, nil
		}
		if !refused(err) {
			return nil, b.silent(err)
		}
		b.leave(err, pause)
		err = b.silent(err)
		if i == len(p.servers)-1 || r.Context().Err() != nil {
			break
		}
	}
	return nil, err
}

// silent is the error of a request that the server has not answered.
func (b *backend) silent(err error) error {
	return fmt.Errorf("the upstream %s did not answer: %w", b.where, err)
}

// refused reports whether there was no connection, so that nothing of the request has been sent.
func refused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// order is that in which the servers are tried: by turns, those that are left out last.
func (p *Proxy) order() []*backend {
	if len(p.servers) == 1 {
		return p.servers
	}
	first := int(p.next.Add(1) % uint64(len(p.servers)))
	in, out := make([]*backend, 0, len(p.servers)), []*backend(nil)
	for i := range p.servers {
		b := p.servers[(first+i)%len(p.servers)]
		if b.out() {
			out = append(out, b)
		} else {
			in = append(in, b)
		}
	}
	return append(in, out...)
}

// checkEvery is how long it is between two checks of a server.
const checkEvery = 3 * time.Second

// begin takes up the fields, and has the servers asked every now and then, if they are to be.
func (p *Proxy) begin() {
	timeout := cmp.Or(p.Timeout, time.Minute)
	for _, b := range p.servers {
		b.transport.ResponseHeaderTimeout = max(timeout, 0)
		if p.Check != "" {
			go b.watch(p.Check)
		}
	}
}

// watch asks the server for path until the Proxy is closed.
func (b *backend) watch(path string) {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		b.ask(path)
		select {
		case <-b.proxy.closed:
			return
		case <-tick.C:
		}
	}
}

func (b *backend) ask(path string) {
	ctx, cancel := context.WithTimeout(context.Background(), checkEvery)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base.Scheme+"://"+b.base.Host+path, nil)
	if err != nil {
		b.leave(err, unwell)
		return
	}
	res, err := b.transport.RoundTrip(r)
	if err != nil {
		b.leave(err, unwell)
		return
	}
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection can be used again
	res.Body.Close()
	if res.StatusCode >= 500 {
		b.leave(fmt.Errorf("it answers %s for %s", res.Status, path), unwell)
		return
	}
	b.back()
}
