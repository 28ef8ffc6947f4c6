package fetch

import "net/netip"

// special are the networks of IPv4 that are not the public internet, by IANA's registry of
// special-purpose addresses, and one address of a cloud that looks public.
var special = prefixes(
	"0.0.0.0/8",        // RFC 791: this network; some systems take it for the loopback
	"10.0.0.0/8",       // RFC 1918
	"100.64.0.0/10",    // RFC 6598: between a provider and its customers; 100.100.100.200 of Alibaba
	"127.0.0.0/8",      // RFC 1122: loopback
	"168.63.129.16/32", // the wire server of Azure, which has what a virtual machine is told
	"169.254.0.0/16",   // RFC 3927: link-local, and the metadata of most clouds
	"172.16.0.0/12",    // RFC 1918
	"192.0.0.0/24",     // RFC 6890; 192.0.0.192 is the metadata of Oracle
	"192.0.2.0/24",     // RFC 5737: documentation
	"192.88.99.0/24",   // RFC 7526: relays of 6to4, which are no more
	"192.168.0.0/16",   // RFC 1918
	"198.18.0.0/15",    // RFC 2544: benchmarks
	"198.51.100.0/24",  // RFC 5737
	"203.0.113.0/24",   // RFC 5737
	"224.0.0.0/4",      // RFC 1112: multicast
	"240.0.0.0/4",      // RFC 1112: reserved, and the broadcast
)

// special6 are those of IPv6 inside of what is globally routed. Outside of that nothing is public:
// loopback, unspecified, mapped and compatible IPv4, link-local, site-local, unique-local (in which is
// the metadata of AWS), multicast.
var special6 = prefixes(
	"2001::/23",     // RFC 2928: protocols of the IETF, Teredo (RFC 4380) among them
	"2001:db8::/32", // RFC 3849: documentation
	"2002::/16",     // RFC 3056: 6to4, which carries any IPv4 address
	"3fff::/20",     // RFC 9637: documentation
)

// global is what is globally routed, RFC 4291, section 2.4. nat64 carries IPv4 addresses, RFC 6052.
var (
	global = netip.MustParsePrefix("2000::/3")
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(all ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, 0, len(all))
	for _, p := range all {
		parsed = append(parsed, netip.MustParsePrefix(p))
	}
	return parsed
}

// public reports whether an address is one of the public internet: none of this machine, its
// network or its cloud, in whatever way it is written in IPv6.
func public(a netip.Addr) bool {
	switch {
	case !a.IsValid(), a.Zone() != "", a.Is4In6():
		return false
	case a.Is4():
		return !inside(a, special)
	case nat64.Contains(a):
		b := a.As16()
		return public(netip.AddrFrom4([4]byte(b[12:])))
	}
	return global.Contains(a) && !inside(a, special6) && !isatap(a)
}

// isatap reports whether the interface is one that carries an IPv4 address, RFC 5214, section 6.1.
func isatap(a netip.Addr) bool {
	b := a.As16()
	return b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

func inside(a netip.Addr, all []netip.Prefix) bool {
	for _, p := range all {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
