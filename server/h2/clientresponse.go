package h2

import (
	"net/http"
	"strconv"

	"github.com/larkspur-web/larkspur/environ/wire"
	"golang.org/x/net/http2"
)

// handleHeaders begins the field block of a response. RFC 9113, section 6.2.
func (r *clientReader) handleHeaders(f frame) error {
	p, err := r.beginBlock(f)
	if err != nil {
		return err
	}
	return r.decode(p, f.flags)
}

// decode decodes a part of the block, and handles the block if that was its last.
func (r *clientReader) decode(p []byte, flags http2.Flags) error {
	if err := r.decodeBlock(p, flags); err != nil || !flags.Has(flagEndHeaders) {
		return err
	}
	id, err := r.endBlock()
	if err != nil {
		return err
	}
	return r.finishBlock(id)
}

// finishBlock handles a complete block: that of an interim response, of the final one,
// or its trailers.
func (r *clientReader) finishBlock(id uint32) error {
	c, b := r.c, &r.block
	defer b.clear()
	st, err := c.opened(id)
	if st == nil {
		return err
	}
	if b.tooLarge {
		return streamError{id, http2.ErrCodeEnhanceYourCalm, "a header that is too large"}
	}
	if st.answered {
		return r.finishTrailers(st)
	}
	h := responseHead{length: -1, listed: st.listed}
	if reason := h.read(b); reason != "" {
		return streamError{id, http2.ErrCodeProtocol, reason}
	}
	if h.status >= 200 {
		return r.finishFinal(st, &h)
	}
	return r.finishInterim(st, &h)
}

// A responseHead is what a response says before its body.
type responseHead struct {
	headerMaker
	fields  []wire.Field // instead of a header, of a final response that is listed
	listed  bool
	status  int
	length  int64 // what content-length says; -1: nothing
	trailer []string
}

// read reads the fields of a block. It returns what is wrong with them: a malformed
// response is a stream error. RFC 9113, section 8.1.1.
func (h *responseHead) read(b *block) (reason string) {
	if len(b.fields) == 0 || b.fields[0].Name != ":status" {
		return "a response without :status" // RFC 9113, section 8.3.2
	}
	v := b.fields[0].Value
	n, ok := parseLength(v)
	if !ok || len(v) != 3 || n < 100 || n == http.StatusSwitchingProtocols {
		return "a :status that is none" // 101: RFC 9113, section 8.6
	}
	h.status = int(n)
	fields := b.fields[1:]
	if h.listed = h.listed && h.status >= 200; h.listed {
		h.fields = make([]wire.Field, 0, len(fields))
	} else {
		h.makeRoom(len(fields))
	}
	for i := range fields {
		// Pseudo-fields are no tokens, and so refused as well.
		name, reason := checkField(&fields[i])
		if reason != "" {
			return reason
		}
		if fields[i].Name == "content-length" {
			n, ok := parseLength(fields[i].Value)
			if !ok || h.length >= 0 && h.length != n {
				return "content-length that is no length, or two of them"
			}
			if h.length >= 0 {
				continue // the same once more: RFC 9110, section 8.6
			}
			h.length = n
		}
		switch {
		case name == "Trailer" && h.status >= 200:
			h.trailer = append(h.trailer, fields[i].Value)
		case h.listed:
			h.fields = append(h.fields, wire.Field{Name: name, Value: fields[i].Value})
		default:
			h.put(name, fields[i].Value)
		}
	}
	return ""
}

// maxInterims is how many times the largest header the interim responses of a stream may
// take that nobody has seen yet.
const maxInterims = 4

// finishInterim keeps an interim response until somebody sees it.
func (r *clientReader) finishInterim(st *clientStream, h *responseHead) error {
	if r.block.end {
		// RFC 9113, section 8.1.
		return streamError{st.id, http2.ErrCodeProtocol, "an interim response that ends the stream"}
	}
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.status == http.StatusContinue {
		st.wantBody()
	}
	if st.closed || !st.interim {
		return nil
	}
	if st.pending += r.block.cost() + fieldCost; st.pending > maxInterims*r.maxBytes {
		return streamError{st.id, http2.ErrCodeEnhanceYourCalm,
			"interim responses that nobody has seen yet are too large together"}
	}
	st.interims = append(st.interims, interim{h.status, h.header})
	st.waiter.wake()
	return nil
}

// finishFinal makes the http.Response.
func (r *clientReader) finishFinal(st *clientStream, h *responseHead) error {
	end := r.block.end
	bodiless := st.head || h.status == http.StatusNoContent || h.status == http.StatusNotModified
	if end && h.length > 0 && !bodiless {
		// RFC 9113, section 8.1.1.
		return streamError{st.id, http2.ErrCodeProtocol, "content-length without DATA"}
	}
	// Nobody else has it before answered is set.
	st.res = http.Response{
		Status: statusText(h.status), StatusCode: h.status,
		Proto: "HTTP/2.0", ProtoMajor: 2,
		Header: h.header, Trailer: trailerNames(h.trailer),
		ContentLength: h.length, Body: &st.body, Request: st.r,
	}
	if end {
		st.res.Body = http.NoBody
		if h.length < 0 && !st.head {
			st.res.ContentLength = 0
		}
	}
	st.fields = h.fields
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if st.closed {
		return nil
	}
	st.answered, st.bodiless, st.declared = true, bodiless, h.length
	st.wantBody() // a body that nobody wants is reset
	if end {
		c.end(st)
	} else {
		st.waiter.wake()
	}
	return nil
}

// finishTrailers takes the trailers, and ends the response. RFC 9113, section 8.1.
func (r *clientReader) finishTrailers(st *clientStream) error {
	if !r.block.end {
		return streamError{st.id, http2.ErrCodeProtocol, "trailers without END_STREAM"}
	}
	var h headerMaker
	h.makeRoom(len(r.block.fields))
	for i := range r.block.fields {
		name, reason := checkField(&r.block.fields[i])
		if reason != "" {
			return streamError{st.id, http2.ErrCodeProtocol, reason}
		}
		h.put(name, r.block.fields[i].Value)
	}
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if st.closed {
		return nil
	}
	st.trailer = h.header
	return c.endBody(st)
}

// statusTexts are http.Response.Status of the statuses that have a text.
var statusTexts = func() (t [512]string) {
	for i := range t {
		t[i] = strconv.Itoa(i) + " " + http.StatusText(i)
	}
	return t
}()

// statusText is http.Response.Status: "200 OK".
func statusText(status int) string {
	if status < len(statusTexts) {
		return statusTexts[status]
	}
	return strconv.Itoa(status) + " " + http.StatusText(status)
}
