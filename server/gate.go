package server

import (
	"net/http"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/server/h2"
)

// gate returns why a request must not reach an application, nil if it may: what net/http and x/net
// accept although a proxy, or the application, could take it for something else. What cannot be
// seen any more once they have read a request is refused below them: see package http1.
func gate(r *http.Request) *Failure {
	refuse := func(status int, format string, args ...any) *Failure {
		return theirs(environ.CodeGate, status, format, args...)
	}
	if !wire.Token(r.Method) {
		// RFC 9110, section 9.1.
		return refuse(http.StatusBadRequest, "the method is not a token")
	}
	if r.Method == http.MethodConnect {
		// RFC 9110, section 9.3.6: its target is an authority, which names nothing here.
		return refuse(http.StatusNotImplemented, "CONNECT is for proxies")
	}
	if failure := gateTarget(r); failure != nil {
		return failure
	}
	if r.Host == "" && r.ProtoMajor >= 2 {
		// RFC 9110, sections 4.2.1 and 7.2: a URI without a host is invalid. HTTP/1.1 is refused by
		// net/http.
		return refuse(http.StatusBadRequest, "the request has neither :authority nor Host")
	}
	if r.Host != "" && !wire.Authority(r.Host) {
		return refuse(http.StatusBadRequest, "the authority is not HOST or HOST:PORT")
	}
	if len(r.Header) > h2.DefaultMaxHeaderFields {
		// RFC 6585, section 5. The hash of a short string is public, so a client could make them
		// collide in a dict.
		return refuse(http.StatusRequestHeaderFieldsTooLarge, "there are more than %d header fields", h2.DefaultMaxHeaderFields)
	}
	length, media := r.Header["Content-Length"], r.Header["Content-Type"]
	switch {
	// RFC 9110, section 5.3: neither is a list.
	case len(length) > 1:
		return refuse(http.StatusBadRequest, "there are two Content-Length fields")
	case len(media) > 1:
		return refuse(http.StatusBadRequest, "there are two Content-Type fields")
	case len(length) == 1 && !wire.Digits(length[0]):
		// RFC 9110, section 8.6.
		return refuse(http.StatusBadRequest, "the Content-Length is not a number")
	}
	return nil
}

// gateTarget is the gate of a request's target, which only one that no server has read may lack.
func gateTarget(r *http.Request) *Failure {
	if c, bad := wire.BadOctet(r.RequestURI); bad {
		// RFC 3986, section 2: none of them is in a URI; readers differ in what they make of it.
		return theirs(environ.CodeGate, http.StatusBadRequest,
			"the request target has the octet %#02x, which must be encoded", c)
	}
	_, authority, ok := wire.Target(r.Method, r.RequestURI)
	if !ok && r.RequestURI != "" || authority != "" && r.ProtoMajor >= 2 {
		return theirs(environ.CodeGate, http.StatusBadRequest,
			"the request target is neither a path nor an http URI with a host, nor * of OPTIONS")
	}
	return nil
}
