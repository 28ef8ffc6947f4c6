package wire

import "strings"

// A Field is one of a header.
type Field struct{ Name, Value string }

// Fields is a set of header fields, or a union of such sets, that a rule is about.
type Fields uint8

// The sets.
const (
	// HopByHop are the fields that belong to a connection: a gateway neither passes them on nor
	// takes them from an application. RFC 9110, section 7.6.1; PEP 3333, "Other HTTP Features".
	HopByHop Fields = 1 << iota
	// Connection are those that HTTP/2 has no place for. RFC 9113, section 8.2.2. TE, which may say
	// "trailers" there, is not among them.
	Connection
	// Framing are those that say how a message is framed or sent, and its Host.
	Framing
	// Personal are those of a request that say who asks, or on which condition. RFC 9113, section
	// 8.4: a promise is for whoever asks.
	Personal
	// Final are those that only a final response has: a 103 speaks of one and is none, and a cookie
	// that it set would be set even if the final response never came. RFC 8297, section 2.
	Final
	// early are the others that come too late after the body. RFC 9110, section 6.5.1.
	early
)

// table has every field that is in a set, in lower case.
var table = map[string]Fields{
	"accept-push-policy":  Personal,
	"authorization":       Personal,
	"cache-control":       early,
	"connection":          HopByHop | Connection,
	"content-encoding":    Framing | Final,
	"content-length":      Framing | Final,
	"content-range":       early,
	"content-type":        Final,
	"cookie":              Personal,
	"date":                Final,
	"etag":                Final,
	"expect":              Framing,
	"host":                Framing,
	"http2-settings":      HopByHop,
	"if-match":            Personal,
	"if-modified-since":   Personal,
	"if-none-match":       Personal,
	"if-range":            Personal,
	"if-unmodified-since": Personal,
	"keep-alive":          HopByHop | Connection,
	"location":            Final,
	"proxy-authenticate":  HopByHop,
	"proxy-authorization": HopByHop | Personal,
	"proxy-connection":    HopByHop | Connection,
	"range":               Personal,
	"vary":                early,
	"www-authenticate":    early,
	"referer":             Personal,
	"set-cookie":          Final,
	"te":                  HopByHop | Framing,
	"trailer":             HopByHop | Framing,
	"trailers":            HopByHop,
	"transfer-encoding":   HopByHop | Connection,
	"upgrade":             HopByHop | Connection,
}

// longest is the length of the longest name in the table.
const longest = len("if-unmodified-since")

// initials has, by length and by the last five bits of the first letter, the sets that such names
// are in, so that most names which are in none are told from them by one load.
var initials = func() (t [longest + 1][32]Fields) {
	for name, in := range table {
		t[len(name)][name[0]&31] |= in
	}
	return t
}()

// Has reports whether the field is in the set. The name may have any case.
func (f Fields) Has(name string) bool {
	return len(name) <= longest && name != "" && initials[len(name)][name[0]&31]&f != 0 &&
		f.has(name)
}

func (f Fields) has(name string) bool {
	var lower [longest]byte
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return table[string(lower[:len(name)])]&f != 0
}

// Trailing reports whether a field may stand after the body: none that says how to read that, who
// may, or what becomes of it. RFC 9110, section 6.5.1.
func Trailing(name string) bool {
	return strings.EqualFold(name, "ETag") || strings.EqualFold(name, "Server-Timing") ||
		!(HopByHop | Connection | Framing | Personal | Final | early).Has(name)
}

// Names returns the names in the set, in lower case and in no order.
func (f Fields) Names() []string {
	var names []string
	for name, in := range table {
		if in&f != 0 {
			names = append(names, name)
		}
	}
	return names
}
