package site

import (
	"crypto/tls"
	"errors"

	"github.com/larkspur-web/larkspur/server"
)

// listen returns the listeners of the site by their URLs: those that are open already, and those
// that it has opened. s.mu is held.
func (s *Server) listen(site *Site) (all map[string]*server.Listener, opened []*server.Listener,
	err error) {
	var config *tls.Config
	if site.Certificate != nil {
		config = &tls.Config{GetCertificate: s.certificate}
	}
	all = make(map[string]*server.Listener)
	for _, url := range site.Listen {
		l := s.listeners[url]
		if l == nil {
			if l, err = server.Listen(url, config); err != nil {
				closeListeners(opened)
				return nil, nil, err
			}
			opened = append(opened, l)
		}
		all[url] = l
	}
	return all, opened, nil
}

// certificate is that of the site which serves now, so that a listener can stay when it changes.
func (s *Server) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c := s.current.Load(); c != nil {
		return c.current.Load(), nil
	}
	return nil, errors.New("site: no certificate")
}

func closeListeners(all []*server.Listener) {
	for _, l := range all {
		l.Close()
	}
}
