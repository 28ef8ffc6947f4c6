package pushtest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A Violation is something that the server must not do; with Advice, what it should not.
type Violation struct {
	Frame  int    // the number of the frame that shows it
	Stream uint32 // 0 for the connection
	Clause string // "RFC 9113, section 8.4"
	Text   string
	Advice bool

	code http2.ErrCode
}

func (v *Violation) Error() string {
	return fmt.Sprintf("frame %d, stream %d: %s (%s)", v.Frame, v.Stream, v.Text, v.Clause)
}

// Violations are those that were seen, in their order.
func (c *Client) Violations() []Violation {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Violation(nil), c.violations...)
}

// violate notes a violation by the frame that was logged last; mu is held.
func (c *Client) violate(stream uint32, code http2.ErrCode, clause, text string) *Violation {
	if !strings.HasPrefix(clause, "RFC") {
		clause = "RFC 9113, section " + clause
	}
	v := Violation{Frame: len(c.frames) + c.lost - 1, Stream: stream, Clause: clause, Text: text,
		code: code}
	if len(c.violations) < maxViolations {
		c.violations = append(c.violations, v)
	}
	return &v
}

// advise notes what a server should not do; mu is held.
func (c *Client) advise(stream uint32, clause, text string) {
	if len(c.violations) < maxViolations {
		c.violate(stream, http2.ErrCodeNo, clause, text)
		c.violations[len(c.violations)-1].Advice = true
	}
}

// broken is for a violation that ends the connection; mu is held.
func (c *Client) broken(stream uint32, code http2.ErrCode, clause, text string) {
	c.fail(c.violate(stream, code, clause, text))
}

// malformed is for a message that a client has to treat as a stream error: RFC 9113, section 8.1.1.
// mu is held.
func (c *Client) malformed(x *Exchange, clause, text string) {
	v := c.violate(x.ID, http2.ErrCodeProtocol, clause, text)
	c.end(x, v)
	c.resetStream(x, http2.ErrCodeProtocol)
}

// wrongPromise is what is wrong with a promised request; mu is held.
func (c *Client) wrongPromise(
	page, x *Exchange, fields []hpack.HeaderField,
) (clause, reason string) {
	r := x.Request
	if reason := wrongFields(fields, ":method", ":scheme", ":authority", ":path"); reason != "" {
		return "8.4.1", "a promised request: " + reason
	}
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		// Of the methods that are safe these are cacheable: RFC 9110, section 9.2.
		return "8.4",
			fmt.Sprintf("a promised request with the method %q, which is not safe and cacheable",
				r.Method)
	case r.Header.Get("Content-Length") != "" && r.Header.Get("Content-Length") != "0":
		return "8.4", "a promised request with content"
	case !validTarget(r.Target):
		return "8.3.1", fmt.Sprintf("a promised request with the path %q", clip(r.Target))
	case r.Scheme != c.scheme:
		return "8.4", fmt.Sprintf("a promised request with the scheme %q on a connection for %s",
			clip(r.Scheme), c.scheme)
	case !strings.EqualFold(r.Authority, page.Request.Authority) && !c.authoritative(r.Authority):
		return "8.4",
			fmt.Sprintf("a promised request for %q, for which the server has no authority",
				clip(r.Authority))
	}
	return "", ""
}

// authoritative reports whether the server's certificate is one for authority. RFC 9110, section
// 4.3.3.
func (c *Client) authoritative(authority string) bool {
	if c.tls == nil || len(c.tls.PeerCertificates) == 0 {
		return false
	}
	host, port := splitPort(authority)
	_, own := splitPort(c.authority)
	return port == own && c.tls.PeerCertificates[0].VerifyHostname(host) == nil
}

// splitPort takes the port from an authority; that of https may be missing.
func splitPort(authority string) (host, port string) {
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		return authority[:i], authority[i+1:]
	}
	return authority, "443"
}

// wrongFields is what is wrong with a header block that has to have exactly these pseudo fields.
func wrongFields(fields []hpack.HeaderField, pseudos ...string) string {
	seen := map[string]bool{}
	regular := false
	for _, f := range fields {
		if !f.IsPseudo() {
			regular = true
			if reason := wrongField(f); reason != "" {
				return reason
			}
			continue
		}
		known := false
		for _, p := range pseudos {
			known = known || p == f.Name
		}
		switch {
		case !known:
			return fmt.Sprintf("the field %q does not belong there", clip(f.Name))
		case regular:
			return fmt.Sprintf("%s comes after other fields", f.Name)
		case seen[f.Name]:
			return fmt.Sprintf("%s is there twice", f.Name)
		case !validValue(f.Value):
			return fmt.Sprintf("%s has the value %q", f.Name, clip(f.Value))
		}
		seen[f.Name] = true
	}
	for _, p := range pseudos {
		if !seen[p] {
			return p + " is missing"
		}
	}
	return ""
}

// wrongField is what is wrong with a field: RFC 9113, sections 8.2.1 and 8.2.2.
func wrongField(f hpack.HeaderField) string {
	switch {
	case !validName(f.Name):
		return fmt.Sprintf("%q is no field name in lower case", clip(f.Name))
	case !validValue(f.Value):
		return fmt.Sprintf("%s has the value %q", f.Name, clip(f.Value))
	}
	switch f.Name {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		return fmt.Sprintf("%s is of HTTP/1 connections", f.Name)
	case "te":
		if f.Value != "trailers" {
			return fmt.Sprintf("te has the value %q", clip(f.Value))
		}
	}
	return ""
}

// validName reports whether s is a token without upper case.
func validName(s string) bool {
	for i := range len(s) {
		switch b := s[i]; {
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9',
			strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// validValue reports whether s has no NUL, CR or LF, and no blanks around it.
func validValue(s string) bool {
	return !strings.ContainsAny(s, "\x00\r\n") && strings.Trim(s, " \t") == s
}

// validTarget reports whether s is a path with perhaps a query: RFC 3986, sections 3.3 and 3.4.
func validTarget(s string) bool {
	if !strings.HasPrefix(s, "/") {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b == '%':
			if i+2 >= len(s) || !hex(s[i+1]) || !hex(s[i+2]) {
				return false
			}
			i += 2
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9',
			strings.IndexByte("-._~!$&'()*+,;=:@/?", b) >= 0:
		default:
			return false
		}
	}
	return true
}

func hex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}

// bodiless reports whether a response has no content, whatever its fields say: RFC 9110, section 6.4.1.
func bodiless(x *Exchange) bool {
	return x.Request.Method == http.MethodHead || x.Status == http.StatusNoContent ||
		x.Status == http.StatusNotModified
}

// wrongLength reports whether the body and the Content-Length differ.
func wrongLength(x *Exchange) string {
	values := x.Header.Values("Content-Length")
	if len(values) == 0 || bodiless(x) {
		return ""
	}
	if n, err := strconv.ParseInt(values[0], 10, 64); err != nil || n != x.Size || len(values) > 1 {
		return fmt.Sprintf("%d bytes with a Content-Length of %s", x.Size,
			clip(strings.Join(values, ", ")))
	}
	return ""
}
