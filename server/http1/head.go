package http1

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
	"golang.org/x/net/http/httpguts"
)

// A head is what the lines of a request's head, so far, say of how it is to be read.
type head struct {
	began   bool
	old     bool   // HTTP/1.0
	scheme  string // of the request target, if that is in absolute form
	names   string // its authority
	host    string
	hosts   int
	lengths int
	codings int
	length  int64 // of the body
	chunked bool
	upgrade bool // another protocol is asked for
}

// add adds a line, which is without its CRLF and not empty. It reports whether there is but one way
// to read it; what net/http refuses may pass.
func (h *head) add(line []byte) bool {
	if !h.began {
		h.began = true
		return h.request(string(line))
	}
	// RFC 9112, section 5.2: a folded field begins with white space, which no name does.
	name, value, found := bytes.Cut(line, []byte(":"))
	if !found || !httpguts.ValidHeaderFieldName(string(name)) || !httpguts.ValidHeaderFieldValue(string(value)) {
		return false
	}
	value = bytes.Trim(value, " \t")
	switch {
	case is(name, "Host"):
		h.hosts++
		h.host = string(value)
	case is(name, "Content-Length"):
		h.lengths++
		n, err := strconv.ParseUint(string(value), 10, 63)
		h.length = int64(n)
		return err == nil // RFC 9110, section 8.6: digits
	case is(name, "Transfer-Encoding"):
		h.codings++
		h.chunked = h.codings == 1 && is(value, "chunked")
	case is(name, "Upgrade"):
		h.upgrade = true
	}
	return true
}

func is(b []byte, name string) bool { return len(b) == len(name) && strings.EqualFold(string(b), name) }

// request adds the request line.
// RFC 9112, section 3: exactly one space between its three parts.
func (h *head) request(line string) bool {
	parts := strings.Split(line, " ")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || strings.ContainsFunc(line, isControl) {
		return false
	}
	h.old = parts[2] == "HTTP/1.0"
	h.scheme, h.names, _ = wire.Target(parts[0], parts[1])
	return true
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// plain reports whether there is but one way to read the head, now that it is whole.
func (h *head) plain() bool {
	switch {
	case !h.began:
		return false
	case h.lengths > 1, h.codings > 0 && (h.lengths > 0 || h.old):
		return false // RFC 9112, section 6.3: this is how requests are smuggled
	case h.names != "" && h.hosts > 0 && !wire.SameAuthority(h.scheme, h.names, h.host):
		return false // RFC 9112, section 3.2.2: the target wins, but a proxy may have looked at the other
	}
	return true
}
