package dev

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Local reports whether a request comes from a person at this machine, and not from a page of
// another site in that person's browser: the peer is this machine, no proxy stands between, Host
// names this machine, so that a name that was made to point here (DNS rebinding) does not do, and
// so does Origin, if there is one.
func Local(r *http.Request) bool {
	for _, field := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"} {
		if r.Header[field] != nil {
			return false
		}
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil { // a unix socket has no address
		if ip, err := netip.ParseAddr(host); err != nil || !ip.Unmap().IsLoopback() {
			return false
		}
	}
	if !localHost(r.Host) {
		return false
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		// "null" is the origin of a sandbox or a file: nobody that is known.
		u, err := url.Parse(origin)
		if err != nil || u.Host != r.Host {
			return false
		}
	}
	// Fetch Metadata: a link on another site may lead here, but that site may not embed or fetch
	// what is here.
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" &&
			r.Header.Get("Sec-Fetch-Dest") == "document"
	}
	return true
}

// localHost reports whether a Host field names this machine.
func localHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
