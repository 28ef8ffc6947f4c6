package fetch

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"golang.org/x/net/idna"
)

// maxURL is how many bytes a URL may have.
const maxURL = 16 << 10

// A target is who is asked: a host in the one spelling that is compared, looked up and dialled, and a
// port.
type target struct {
	name string     // in ASCII and small letters, without a dot at its end; of an address its text
	addr netip.Addr // if the name is an address
	port uint16
}

// String writes the target as it is granted.
func (t target) String() string {
	return bracketed(t.name) + ":" + strconv.Itoa(int(t.port))
}

// bracketed is a host as it stands in a URL.
func bracketed(name string) string {
	if strings.Contains(name, ":") {
		return "[" + name + "]"
	}
	return name
}

// parseURL reads a URL that is to be fetched. The result has its host in one spelling, no fragment,
// and nothing in its query that would have to be escaped. All errors are of the kind "refused", and
// none has a query, a user or a password in it.
func parseURL(raw string) (*url.URL, target, error) {
	var t target
	if len(raw) > maxURL {
		return nil, t, failed(refused, "the URL has %d bytes: at most %d", len(raw), maxURL)
	}
	u, err := url.Parse(raw)
	if err != nil {
		// Its message has the URL, and in that may be a password.
		return nil, t, failed(refused, "the URL cannot be read: it is no URL, or has characters "+
			"that have to be escaped")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, t, failed(refused, "the URL begins with %s: it has to begin with https:// or "+
			"http://", host.Cut(strconv.Quote(u.Scheme)))
	case u.User != nil:
		return nil, t, failed(refused, "a URL with a user or a password in it is not fetched: pass "+
			"them in the field Authorization")
	case u.Opaque != "" || u.Host == "":
		return nil, t, failed(refused, "the URL has no host: write %s://HOST/", u.Scheme)
	}
	if t, err = parseTarget(u.Hostname(), u.Port(), strings.HasPrefix(u.Host, "[")); err != nil {
		return nil, t, err
	}
	usual := uint16(443)
	if u.Scheme == "http" {
		usual = 80
	}
	if t.port == 0 {
		t.port = usual
	}
	switch host := bracketed(t.name); {
	case t.port == usual:
		u.Host = host
	case u.Host != host+":"+u.Port() || u.Port()[0] == '0': // mostly it is written so already
		u.Host = t.String()
	}
	u.Fragment, u.RawFragment = "", ""
	if u.Path == "" {
		u.Path = "/"
	}
	u.RawQuery = escaped(u.RawQuery)
	return u, t, nil
}

// parseTarget reads a host and a port, 0 if there is none. quoted is whether the host stood in
// brackets.
func parseTarget(name, port string, quoted bool) (target, error) {
	t := target{name: strings.ToLower(name)}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || len(port) > 5 {
			return t, failed(refused, "%s is no port: from 1 to 65535", host.Cut(strconv.Quote(port)))
		}
		t.port = uint16(n)
	}
	if quoted {
		a, err := netip.ParseAddr(name)
		if err != nil || !a.Is6() || a.Zone() != "" || a.Is4In6() {
			return t, misspelled(name)
		}
		t.addr, t.name = a, a.String()
		return t, nil
	}
	ascii := t.name
	for i := range len(t.name) {
		if t.name[i] >= 0x80 {
			// What looks like a letter, a digit or a dot becomes one here, before it is judged.
			var err error
			if ascii, err = idna.Lookup.ToASCII(t.name); err != nil {
				return t, misspelled(name)
			}
			break
		}
	}
	t.name = strings.TrimSuffix(ascii, ".")
	if !nameable(t.name) {
		return t, misspelled(name)
	}
	if last := t.name[strings.LastIndexByte(t.name, '.')+1:]; numeric(last) {
		// https://url.spec.whatwg.org/#ends-in-a-number-checker: it is an address, or nothing. The
		// resolver of a system may know more spellings of it than we do.
		a, err := netip.ParseAddr(t.name)
		if err != nil || !a.Is4() {
			return t, misspelled(name)
		}
		t.addr = a
	}
	return t, nil
}

func misspelled(name string) error {
	return failed(refused, "%s is no address that may be written so, and no name of a host",
		host.Cut(name))
}

// nameable reports whether a text has the form of a host name: RFC 1123, section 2.1, and the _ that
// is in use.
func nameable(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			switch c := label[i]; {
			case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
			default:
				return false
			}
		}
	}
	return true
}

// numeric reports whether a label is a number as inet_aton reads it.
func numeric(label string) bool {
	hex, is := strings.CutPrefix(label, "0x")
	if is {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// escaped is a query in which nothing ends the line of the request.
func escaped(query string) string {
	const digits = "0123456789ABCDEF"
	if !strings.ContainsFunc(query, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return query
	}
	var b strings.Builder
	for i := range len(query) {
		if c := query[i]; c > ' ' && c < 0x7f {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}
