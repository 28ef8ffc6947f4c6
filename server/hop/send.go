package hop

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
)

// Send adds the fields that say f to h.
func (f *Facts) Send(h http.Header) {
	set := func(name, value string) {
		if value != "" {
			h[name] = []string{value}
		}
	}
	set(Peer, f.Peer)
	if f.Local.IsValid() || f.Local.Port() != 0 {
		set(Local, local(f))
	}
	set(Protocol, f.Protocol)
	if f.TLS != nil {
		set(Cipher, fmt.Sprintf("%04x %04x %s", f.TLS.Version, f.TLS.CipherSuite, f.TLS.ServerName))
		if len(f.TLS.PeerCertificates) > 0 {
			set(Client, base64.StdEncoding.EncodeToString(f.TLS.PeerCertificates[0].Raw))
		}
	}
	set(Mount, escape(f.Mount))
	set(Target, f.Target)
	set(Path, escape(f.Path))
	set(ID, f.ID)
	set(Page, f.Page)
	switch {
	case f.Promises && f.Hints:
		set(Accepts, "promises, hints")
	case f.Promises:
		set(Accepts, "promises")
	case f.Hints:
		set(Accepts, "hints")
	}
	if len(f.Variables) > 0 {
		values := make(url.Values, len(f.Variables))
		for name, value := range f.Variables {
			values[name] = []string{value}
		}
		set(Variables, values.Encode())
	}
}

// local is the server's address, or its port alone.
func local(f *Facts) string {
	if f.Local.Addr().IsValid() {
		return f.Local.String()
	}
	return fmt.Sprintf(":%d", f.Local.Port())
}
