package site

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/server"
)

// redirect answers a request of a listener of [Site.Redirect].
func (s *Server) redirect(w http.ResponseWriter, r *http.Request) {
	if v := s.secure.Load(); v != nil && v.acme != nil {
		v.acme.challenges(http.HandlerFunc(s.toHTTPS)).ServeHTTP(w, r)
		return
	}
	s.toHTTPS(w, r)
}

// toHTTPS sends a client to the same target over https.
func (s *Server) toHTTPS(w http.ResponseWriter, r *http.Request) {
	target := r.URL.RequestURI()
	if !wire.Authority(r.Host) || target == "" || target[0] != '/' {
		http.Error(w, "400 Bad Request", http.StatusBadRequest)
		return
	}
	host := r.Host
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host = host[:i]
	}
	if port := s.securePort(); port != "443" {
		host = net.JoinHostPort(strings.Trim(host, "[]"), port)
	}
	w.Header().Set("Location", "https://"+host+target)
	w.Header().Set("Content-Length", "0")
	// RFC 9110, section 15.4.9: a POST stays one.
	w.WriteHeader(http.StatusPermanentRedirect)
}

// securePort is the port of the first https listener, 443 if there is none.
func (s *Server) securePort() string {
	listeners := s.Listeners()
	i := slices.IndexFunc(listeners, func(l *server.Listener) bool { return strings.HasPrefix(l.URL, "https:") })
	if i < 0 {
		return "443"
	}
	if u, err := url.Parse(listeners[i].URL); err == nil && u.Port() != "" {
		return u.Port()
	}
	return "443"
}
