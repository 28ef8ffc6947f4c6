package site

import (
	"crypto/tls"
	"errors"
	"fmt"
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

// errNoCertificate is the error of an https listener of a site that has none.
var errNoCertificate = errors.New("no certificate")

// listen returns the listeners of the site in the order of its URLs: those that are open already,
// and those that it has opened. s.mu is held.
func (s *Server) listen(site *Site) (all []listening, opened []*server.Listener, err error) {
	var config *tls.Config
	if site.Certificate != nil {
		config = &tls.Config{GetCertificate: s.certificate}
	}
	left := slices.Clone(s.listeners) // that no URL has yet
	for _, url := range site.Listen {
		i := slices.IndexFunc(left, func(l listening) bool { return l.url == url })
		switch {
		case i < 0:
			var l *server.Listener
			if l, err = s.Opened.Listen(url, config); err == nil {
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

// certificate is that of the site which serves now, so that a listener can stay when it changes.
func (s *Server) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c := s.current.Load(); c != nil {
		return c.current.Load(), nil
	}
	return nil, errNoCertificate
}

func closeListeners(all []*server.Listener) {
	for _, l := range all {
		l.Close()
	}
}
