// Command bare serves the bytes of apps/hello.star from a handler that does nothing else, over TLS. It is what
// .ci/bench measures servers against.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"

	"github.com/larkspur-web/larkspur/server"
)

func main() {
	listen := flag.String("listen", "https://127.0.0.1:0", "where")
	xnet := flag.Bool("x-net", false, "serve HTTP/2 with the server of golang.org/x/net")
	cert := flag.String("cert", "", "PEM file of the certificate and its key")
	flag.Parse()
	pair, err := tls.LoadX509KeyPair(*cert, *cert)
	if err != nil {
		log.Fatal(err)
	}
	l, err := server.Listen(*listen, &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(os.Stderr, "listening on %s\n", l.URL)
	g := server.Group{XNet: *xnet, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "14")
		io.WriteString(w, "Hello, world!\n")
	})}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := g.Serve(ctx, l); err != nil {
		log.Fatal(err)
	}
}
