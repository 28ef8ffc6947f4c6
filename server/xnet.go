package server

//lint:file-ignore SA1019 The server that net/http has built in serves requests that this one refuses (Host against :authority, two Host fields, an authority with blanks): golang/go#80065.

import (
	"net/http"

	"golang.org/x/net/http2"
)

// configureHTTP2 adds HTTP/2 to s, over TLS and in cleartext.
func configureHTTP2(s *http.Server) error {
	return http2.ConfigureServer(s, &http2.Server{
		MaxConcurrentStreams: maxStreams,
		MaxReadFrameSize:     maxFrame,
		IdleTimeout:          s.IdleTimeout,
		ReadIdleTimeout:      pingAfter,
		PingTimeout:          pingTimeout,
		WriteByteTimeout:     writeByteTimeout,
	})
}
