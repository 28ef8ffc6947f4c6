package site

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/server"
)

// A listening is a listener, and the URL of the site that it was opened for. A site may have the
// same URL more than once, if its port is 0.
type listening struct {
	url      string
	listener *server.Listener
}

// listen returns the listeners of the site in the order of its URLs: those that are open already,
// and those that it has opened. Behind them are those that redirect. s.mu is held.
func (s *Server) listen(site *Site) (all []listening, opened []*server.Listener, err error) {
	var config *tls.Config
	if site.secure() {
		config = &tls.Config{GetConfigForClient: s.greet, NextProtos: protocols}
	}
	left := slices.Clone(s.listeners) // that no URL has yet
	for n, url := range slices.Concat(site.Listen, site.Redirect) {
		redirects := n >= len(site.Listen)
		i := slices.IndexFunc(left, func(l listening) bool {
			return l.url == url && redirects == (l.listener.Handler != nil)
		})
		switch {
		case i < 0:
			var l *server.Listener
			if l, err = s.Opened.Listen(url, config); err == nil {
				if redirects {
					l.Handler = http.HandlerFunc(s.redirect)
				}
				l.Proxies = site.Proxies
				opened = append(opened, l)
				all = append(all, listening{url, l})
			}
		case config == nil && strings.HasPrefix(left[i].listener.URL, "https:"):
			err = fmt.Errorf("listen on %s: %w", url, errNoCertificate)
		default:
			all = append(all, left[i])
			left = slices.Delete(left, i, i+1)
		}
		if err != nil {
			closeListeners(opened)
			return nil, nil, err
		}
	}
	return all, opened, nil
}

// listenersOf are the listeners alone.
func listenersOf(all []listening) []*server.Listener {
	listeners := make([]*server.Listener, len(all))
	for i, l := range all {
		listeners[i] = l.listener
	}
	return listeners
}

func closeListeners(all []*server.Listener) {
	for _, l := range all {
		l.Close()
	}
}
