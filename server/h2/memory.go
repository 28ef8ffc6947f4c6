package h2

import (
	"strings"
	"unsafe"
	"weak"
)

// What the headers of requests take is bounded for a connection and for the Server.
// A client can make them much larger than what it sends: a byte stands for any field
// of HPACK's table (RFC 7541, section 7.3), and the requests of a connection have
// headers of their own, which a handler may keep until it returns.
const (
	// fieldCost is what a field takes beside its octets: its place in the
	// http.Header, and what RFC 9113, section 10.5.1, adds.
	fieldCost = 96 - entryOverhead

	// ownHeaders is what each connection may take whatever the others do.
	ownHeaders = 16 << 10

	// headerShare is the part of Server.MaxHeaderMemory that a connection may take.
	headerShare = 8
)

// cost is what the fields of the block take once they are a request's.
func (b *block) cost() int { return b.size + fieldCost*len(b.fields) }

// keepHeader counts n bytes more for the fields of st, if there is room for them.
// What is above ownHeaders counts for the Server too.
func (c *conn) keepHeader(st *stream, n int) (ok bool) {
	if !c.headerRoom(n) {
		return false
	}
	c.countHeader(n)
	st.req.cost += n
	return true
}

// headerRoom reports whether n bytes more may be taken.
func (c *conn) headerRoom(n int) bool {
	c.mu.held()
	all := c.headers + n
	if all <= ownHeaders {
		return true
	}
	most := c.lim.headerMemory
	// One header always may be as large as its own limit.
	if all > max(most/headerShare, 2*c.lim.headerBytes) {
		return false
	}
	return c.srv.headers.Load()+int64(all-max(c.headers, ownHeaders)) <= int64(most)
}

// countHeader counts n bytes more, or fewer.
func (c *conn) countHeader(n int) {
	before := max(c.headers, ownHeaders)
	c.headers += n
	if more := max(c.headers, ownHeaders) - before; more != 0 {
		c.srv.headers.Add(int64(more))
	}
}

// dropRequest lets go of the request of st, which no handler has any more, or will
// have.
func (c *conn) dropRequest(st *stream) {
	c.mu.held()
	c.countHeader(-st.req.cost)
	st.req.cost = 0
	st.req.r, st.req.trailer = nil, nil
}

// cookies finds the last Cookie field that was joined, while a request still has it:
// most requests of a connection have the same, and an attacker's are large. It belongs
// to the reader.
type cookies struct {
	last weak.Pointer[byte]
	n    int
}

// join joins the crumbs of a cookie. RFC 9113, section 8.2.3.
func (k *cookies) join(crumbs []string) string {
	if p := k.last.Value(); p != nil {
		if s := unsafe.String(p, k.n); isJoined(s, crumbs) {
			return s
		}
	}
	s := strings.Join(crumbs, "; ")
	k.last, k.n = weak.Make(unsafe.StringData(s)), len(s)
	return s
}

// isJoined reports whether s is the crumbs joined.
func isJoined(s string, crumbs []string) bool {
	for i, crumb := range crumbs {
		ok := true
		if i > 0 {
			s, ok = strings.CutPrefix(s, "; ")
		}
		if ok {
			s, ok = strings.CutPrefix(s, crumb)
		}
		if !ok {
			return false
		}
	}
	return s == ""
}
