package server

// That of net/http serves requests that this one refuses (Host against :authority, two Host fields,
// an authority with blanks): https://go.dev/issue/80065.
//
//lint:file-ignore SA1019 the server of net/http takes requests that this one refuses

import (
	"net/http"

	"golang.org/x/net/http2"
)

// ConfigureXNet is [Configure] with the HTTP/2 server of golang.org/x/net in the place of
// Larkspur's: for comparison, and for those who must have it. It makes no pushes.
func ConfigureXNet(s *http.Server) error {
	_ = harden(s, new(conns))
	return configureXNet(s)
}

func configureXNet(s *http.Server) error {
	return http2.ConfigureServer(s, &http2.Server{IdleTimeout: s.IdleTimeout})
}
