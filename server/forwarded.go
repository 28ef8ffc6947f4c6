package server

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// A forwarding is what one proxy says of the request that it has handed on: an element of Forwarded, or what
// stands for one in the fields of X-Forwarded. What it does not say is "".
type forwarding struct {
	client string // a node: 192.0.2.1, [2001:db8::1]:4711, unknown, _hidden
	host   string
	proto  string
}

// maxForwardings is how many of them are read, from the nearest proxy on.
const maxForwardings = 64

var errForwarded = errors.New("the Forwarded field cannot be read")

// parseForwarded parses all fields of Forwarded, from the client on. What cannot be read is an error, and not
// passed over: a client could have begun it so that what a proxy has added cannot be read either.
//
// RFC 7239, section 4:
//
//	Forwarded         = 1#forwarded-element
//	forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )
//	forwarded-pair    = token "=" value
//	value             = token / quoted-string
func parseForwarded(values []string) ([]forwarding, error) {
	var all []forwarding
	for _, s := range values {
		var one forwarding
		some := false
		for {
			s = strings.TrimLeft(s, " \t")
			if s != "" && s[0] != ',' && s[0] != ';' {
				name, value, rest, ok := forwardedPair(s)
				if !ok || !one.set(strings.ToLower(name), value) {
					return nil, errForwarded
				}
				s, some = strings.TrimLeft(rest, " \t"), true
			}
			if s == "" || s[0] == ',' {
				// RFC 9110, section 5.6.1.2: empty elements do not count.
				if some {
					all = append(all, one)
				}
				one, some = forwarding{}, false
			} else if s[0] != ';' {
				return nil, errForwarded
			}
			if s == "" {
				break
			}
			s = s[1:]
		}
	}
	return all[max(0, len(all)-maxForwardings):], nil
}

// set sets a parameter. Each may be there once.
func (f *forwarding) set(name, value string) bool {
	to := map[string]*string{"for": &f.client, "host": &f.host, "proto": &f.proto}[name]
	if to == nil {
		return true // by, and what is to come
	}
	if *to != "" || value == "" {
		return false
	}
	*to = value
	return true
}

// forwardedPair cuts a pair off s.
func forwardedPair(s string) (name, value, rest string, ok bool) {
	name, s, ok = strings.Cut(s, "=")
	if !ok || !wire.Token(name) || s == "" {
		return "", "", "", false
	}
	if s[0] != '"' {
		n := strings.IndexAny(s, " \t,;")
		if n < 0 {
			n = len(s)
		}
		return name, s[:n], s[n:], wire.Token(s[:n])
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return name, b.String(), s[i+1:], true
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case c < ' ' && c != '\t', c == 0x7f:
			return "", "", "", false
		default:
			b.WriteByte(c)
		}
	}
	return "", "", "", false
}

// xForwarded is what the fields of X-Forwarded say, from the client on. -Proto and -Host may have a value for each
// proxy, or that of the nearest one only, which then counts for all.
func xForwarded(clients, protos, hosts []string) []forwarding {
	all := make([]forwarding, 0, len(clients)+1)
	for _, client := range clients {
		all = append(all, forwarding{client: client})
	}
	if len(clients) == 0 {
		all = append(all, forwarding{})
	}
	for i := range all {
		all[i].proto, all[i].host = oneOf(protos, i, len(all)), oneOf(hosts, i, len(all))
	}
	return all[max(0, len(all)-maxForwardings):]
}

func oneOf(values []string, i, n int) string {
	switch {
	case len(values) == 0:
		return ""
	case len(values) == n:
		return values[i]
	}
	return values[len(values)-1]
}

// listed are the members of a list.
func listed(values []string) (all []string) {
	for _, v := range values {
		for s := range strings.SplitSeq(v, ",") {
			if s = strings.Trim(s, " \t"); s != "" {
				all = append(all, s)
			}
		}
	}
	return all
}

// node parses the name of a client or proxy. It fails for one that has no address: unknown, _hidden, or what is no
// name at all. RFC 7239, section 6. An address of IPv6 need not have brackets, as X-Forwarded-For has none.
func node(s string) (netip.AddrPort, bool) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.AddrPortFrom(a.Unmap(), 0), true
	}
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		a, err := netip.ParseAddr(s[1 : len(s)-1])
		return netip.AddrPortFrom(a.Unmap(), 0), err == nil && a.Is6() && a.Zone() == ""
	}
	if at, err := netip.ParseAddrPort(s); err == nil && at.Addr().Zone() == "" {
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), true
	}
	i := strings.LastIndexByte(s, ':')
	if i > 0 && strings.HasPrefix(s[i+1:], "_") { // an obfuscated port
		return node(s[:i])
	}
	return netip.AddrPort{}, false
}
