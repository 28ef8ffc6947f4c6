package environ

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
)

// A Request is the one source of the facts about a request that its message does not say, or that a
// message which came over other hops says wrongly: who the peer is, over which protocol the client
// speaks, on which address, and under which id the request is logged. The environ is made from it,
// and nothing else reads these facts from an http.Request.
//
// It belongs to the goroutine that serves the request.
type Request struct {
	// Message is the request as it was read: method, target, fields and body. Middleware may put
	// another in its place, as http.StripPrefix does.
	Message *http.Request
	// ScriptName is the path under which the application is mounted, as the client sees it: "" for
	// the root, or a path that begins with a slash and does not end with one. What middleware has
	// taken off the path, as http.StripPrefix does, is a part of it, whether it is here or not.
	ScriptName string

	source *Source
	serial uint64
	id     string // made when it is first asked for
}

// A Source numbers requests, and keeps the strings that come again in one request after the other.
// The zero value is ready, and one serves all the mounts of a server. It is safe for concurrent
// use, and must not be copied.
type Source struct {
	values  values
	serials atomic.Uint64 // the requests so far
	run     atomic.Pointer[string]
}

// Request returns the facts of a request that a server of net/http, or one like it, has read from
// the client itself.
func (s *Source) Request(r *http.Request) Request {
	if r == nil {
		panic("environ: the facts of a nil *http.Request")
	}
	return Request{Message: r, source: s, serial: s.serials.Add(1)}
}

// FromHTTP returns the facts of a single request, as [Source.Request] does those of many.
func FromHTTP(r *http.Request) *Request {
	made := new(Source).Request(r)
	return &made
}

// Stripped is what middleware has taken off the path of the message since it was read, as
// http.StripPrefix does, without a slash at its end. It is "" if nothing was, or if the path is
// another one altogether.
func (r *Request) Stripped() string {
	prefix, _ := r.changed()
	return strings.TrimSuffix(prefix, "/")
}

// Mount is SCRIPT_NAME: the path under which the application is mounted, with what middleware has taken
// off the path.
func (r *Request) Mount() string {
	name, _ := r.split()
	return name
}

// Rewritten reports whether middleware has made the path of the message another one altogether.
func (r *Request) Rewritten() bool {
	_, another := r.changed()
	return another
}

// changed is what middleware has done to the path: taken a prefix off it, or made it another one.
func (r *Request) changed() (prefix string, another bool) {
	target, path := r.Message.RequestURI, r.Message.URL.Path
	if rest, ok := strings.CutPrefix(target, path); ok && (rest == "" || rest[0] == '?') {
		return "", false // as almost always
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return "", false // a request that no server has read
	}
	prefix, ok := strings.CutSuffix(u.Path, path)
	if !ok {
		return "", true
	}
	return prefix, false
}

// split returns SCRIPT_NAME and PATH_INFO.
func (r *Request) split() (scriptName, pathInfo string) {
	stripped, path := r.Stripped(), r.Message.URL.Path
	if stripped == "" && r.ScriptName != "" && !Within(path, r.ScriptName) {
		// Behind the mount it was made another path, which is one of the application all the same.
		stripped = r.ScriptName
	}
	scriptName, pathInfo = stripped, path // more was taken off than the mount, or it is another path
	// What of the mount is in the path of the message.
	if left, ok := strings.CutPrefix(r.ScriptName, stripped); ok && Within(path, left) {
		scriptName, pathInfo = r.ScriptName, path[len(left):]
	}
	if stripped != "" && pathInfo != "" && pathInfo[0] != '/' {
		pathInfo = "/" + pathInfo // http.StripPrefix took the slash too
	}
	return scriptName, pathInfo
}

// Identify gives the request the id under which another process has it in its log.
func (r *Request) Identify(id string) { r.id = id }

// ID is an id that no other request of any process has, but for one that [Request.Identify] was
// given: random for the source, counted in it.
func (r *Request) ID() string {
	r.begin()
	if r.id == "" {
		var buf [40]byte
		b := append(buf[:0], r.source.prefix()...)
		r.id = string(strconv.AppendUint(b, r.serial, 10))
	}
	return r.id
}

// begin gives a request that was made by hand a source of its own.
func (r *Request) begin() {
	if r.source == nil {
		r.source, r.serial = new(Source), 1
	}
}

// prefix is what the ids of the source begin with.
func (s *Source) prefix() string {
	for {
		if run := s.run.Load(); run != nil {
			return *run
		}
		var b [6]byte
		rand.Read(b[:])
		run := hex.EncodeToString(b[:]) + "-"
		s.run.CompareAndSwap(nil, &run)
	}
}

// Scheme is "http" or "https".
func (r *Request) Scheme() string {
	if r.Message.TLS != nil {
		return "https"
	}
	return "http"
}

// TLS is the state of the client's connection, nil in cleartext. It is not to be changed.
func (r *Request) TLS() *tls.ConnectionState { return r.Message.TLS }

// Protocol is that of the client: HTTP/1.1 is (1, 1).
func (r *Request) Protocol() (major, minor int) {
	return r.Message.ProtoMajor, r.Message.ProtoMinor
}

// AtLeast reports whether the client speaks this version of HTTP or a later one.
func (r *Request) AtLeast(major, minor int) bool {
	m, n := r.Protocol()
	return m > major || m == major && n >= minor
}

// Peer is the address and the port of the other end of the client's connection; "" if it has none,
// as on a unix socket.
func (r *Request) Peer() string {
	if strings.LastIndexByte(r.Message.RemoteAddr, ':') <= 0 {
		return "" // the peer on a unix socket is "@" or nothing
	}
	return r.Message.RemoteAddr
}

// Local is the address on which the client reached the server; nil and 0 if it is not one of IP.
// The address is nil too if it is that of a socket which takes packets for all of the machine's, as
// servers of HTTP/3 have it.
func (r *Request) Local() (ip net.IP, port int) {
	switch a := r.Message.Context().Value(http.LocalAddrContextKey).(type) {
	case *net.TCPAddr:
		ip, port = a.IP, a.Port
	case *net.UDPAddr: // HTTP/3
		ip, port = a.IP, a.Port
	case net.Addr: // of a listener that is not one of package net
		at, _ := netip.ParseAddrPort(a.String())
		ip, port = net.IP(at.Addr().AsSlice()), int(at.Port())
	}
	if ip.IsUnspecified() || len(ip) == 0 {
		return nil, port
	}
	return ip, port
}
