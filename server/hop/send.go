package hop

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// A Sender writes facts, and keeps what it has made of those that come again. The zero value is
// ready. It is safe for concurrent use, and must not be copied.
type Sender struct{ clients kept[Client, string] }

// Send adds the fields that say f to h.
func (s *Sender) Send(f *Facts, h http.Header) {
	for _, field := range s.Fields(nil, f) {
		h[field.Name] = []string{field.Value}
	}
}

// Fields appends the fields that say f to all.
func (s *Sender) Fields(all []wire.Field, f *Facts) []wire.Field {
	set := func(name, value string) {
		if value != "" {
			all = append(all, wire.Field{Name: name, Value: value})
		}
	}
	set(client, s.clients.of(f.Client, Client.field))
	set(id, f.ID)
	set(page, f.Page)
	set(target, f.Target)
	if f.Path != "" {
		set(path, escape(f.Path))
	}
	if len(f.Variables) > 0 {
		values := make(url.Values, len(f.Variables))
		for name, value := range f.Variables {
			values[name] = []string{value}
		}
		set(variables, values.Encode())
	}
	return all
}

// field is the value of the field that says c.
func (c Client) field() string {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set(peer, c.Peer)
	switch {
	case c.Local.Addr().IsValid():
		set(local, c.Local.String())
	case c.Local.Port() != 0:
		set(local, fmt.Sprintf(":%d", c.Local.Port()))
	}
	set(protocol, c.Protocol)
	set(mount, c.Mount)
	var can []string
	if c.Promises {
		can = append(can, "promises")
	}
	if c.Hints {
		can = append(can, "hints")
	}
	set(accepts, strings.Join(can, ","))
	if c.TLS != nil {
		set(cipher, fmt.Sprintf("%04x %04x %s", c.TLS.Version, c.TLS.CipherSuite, c.TLS.ServerName))
		if len(c.TLS.PeerCertificates) > 0 {
			set(certificate, base64.StdEncoding.EncodeToString(c.TLS.PeerCertificates[0].Raw))
			if len(c.TLS.VerifiedChains) > 0 {
				set(verified, "yes")
			}
		}
	}
	return v.Encode()
}

// kept is what was made of keys, of some of those that came.
type kept[K comparable, V any] struct {
	last atomic.Pointer[made[K, V]] // which is what comes next, as a rule
	mu   sync.RWMutex
	m    map[K]*made[K, V]
}

// made is what was made of a key.
type made[K comparable, V any] struct {
	of K
	v  V
}

// maxKept is of how many keys it is kept what was made of them; then it is begun anew.
const maxKept = 4096

// of returns what was made of k, made by f if it is not there.
func (c *kept[K, V]) of(k K, f func(K) V) V {
	if last := c.last.Load(); last != nil && last.of == k {
		return last.v
	}
	c.mu.RLock()
	m := c.m[k]
	c.mu.RUnlock()
	if m == nil {
		m = &made[K, V]{k, f(k)}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.m == nil || len(c.m) == maxKept {
			c.m = make(map[K]*made[K, V])
		}
		c.m[k] = m
	}
	c.last.Store(m)
	return m.v
}
