package h2

import (
	"net/http"
	"net/textproto"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
)

// handleTrailers handles a field block on a stream that was opened before: the
// trailers of a request, or an error. RFC 9113, section 8.1.
func (r *reader) handleTrailers(id uint32) error {
	c := r.c
	// st may be closed after this, but nobody else changes remoteDone.
	c.mu.Lock()
	st := c.streams.open[id]
	how := c.streams.closed.how(id)
	done := st != nil && st.state.remoteDone
	c.mu.Unlock()
	if st == nil {
		return lateHeaders(id, how)
	}
	switch {
	case done:
		return streamError{id, http2.ErrCodeStreamClosed, "HEADERS after END_STREAM"}
	case !r.block.end:
		return streamError{id, http2.ErrCodeProtocol, "trailers without END_STREAM"}
	case r.block.tooLarge:
		return streamError{id, http2.ErrCodeEnhanceYourCalm, "trailers that are too large"}
	}
	trailer := http.Header{}
	for i := range r.block.fields {
		f := &r.block.fields[i]
		// Pseudo-fields are no tokens, and so refused as well.
		name, reason := checkField(f)
		if reason != "" {
			return streamError{id, http2.ErrCodeProtocol, reason}
		}
		trailer[name] = append(trailer[name], f.Value)
	}
	c.mu.Lock()
	wanted := st.req.r != nil // not if its handler has returned, or it is closed
	refused := wanted && !c.keepHeader(st, r.block.cost())
	if wanted && !refused {
		st.req.trailer = trailer
	}
	c.mu.Unlock()
	if refused {
		return streamError{id, http2.ErrCodeEnhanceYourCalm, "trailers that find no memory"}
	}
	return r.endBody(st)
}

// lateHeaders returns the error for HEADERS on a stream that is not open, by how it
// was closed. It may never have been opened: then the client has opened a higher
// one.
func lateHeaders(id uint32, how uint8) error {
	switch how {
	case byLocal:
		return nil // they may have been under way
	case byPeer:
		return streamError{id, http2.ErrCodeStreamClosed, "HEADERS on a stream that it reset"}
	case byEnd:
		// RFC 9113, section 5.1.
		return connError{http2.ErrCodeStreamClosed, "HEADERS on a closed stream"}
	}
	// RFC 9113, section 5.1.1: a new stream is above all that are or were.
	return protocolError("HEADERS on a stream below others")
}

// copyTrailers copies the trailers that the request has announced to the
// http.Request. The handler's Read calls it before it returns io.EOF. It locks
// c.mu.
func (st *stream) copyTrailers() {
	st.c.mu.Lock()
	r, trailer := st.req.r, st.req.trailer
	st.req.trailer = nil
	st.c.mu.Unlock()
	for name, values := range trailer {
		if _, ok := r.Trailer[name]; ok {
			r.Trailer[name] = values
		}
	}
}

// maxTrailerNames is how many trailers a request may announce.
const maxTrailerNames = 100

// trailerNames are the names that Trailer fields announce, as keys without values, as
// http.Request.Trailer has them before the body is read. nil: none. Those above
// maxTrailerNames are left out: a name costs more than its octets.
func trailerNames(announced []string) http.Header {
	var t http.Header
	n := 0
	for _, v := range announced {
		for name := range strings.SplitSeq(v, ",") {
			if n++; n > maxTrailerNames {
				break
			}
			name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name))
			if !httpguts.ValidTrailerHeader(name) {
				continue
			}
			if t == nil {
				t = http.Header{}
			}
			t[name] = nil
		}
	}
	return t
}
