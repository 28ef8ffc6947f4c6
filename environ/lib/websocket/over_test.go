package websocket_test

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev"
)

// TestOver: a WebSocket over TLS, while the application is developed, and with a handler of a
// stranger between.
func TestOver(t *testing.T) {
	pair := httptest.NewUnstartedServer(nil)
	pair.StartTLS()
	secret := &tls.Config{Certificates: pair.TLS.Certificates}
	pair.Close()
	for name, c := range map[string]struct {
		listen string
		around func(http.Handler) http.Handler
	}{
		"TLS": {"https://127.0.0.1:0", nil},
		"dev": {"http://127.0.0.1:0", dev.New("a test").Handler},
		"prefix": {"http://127.0.0.1:0", func(h http.Handler) http.Handler {
			return &server.Front{Mounts: []server.Mount{{Path: "/chat", Handler: http.StripPrefix("/chat", h)}}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &site{t: t, log: new(records), secret: strings.HasPrefix(c.listen, "https")}
			app := load(t, s.log, echo)
			var h http.Handler = &server.Handler{App: app, Logger: s.log.logger()}
			if c.around != nil {
				h = c.around(h)
			}
			l, err := server.Listen(c.listen, secret)
			if err != nil {
				t.Fatal(err)
			}
			_, s.addr, _ = strings.Cut(l.URL, "://")
			g := &server.Group{Handler: h, Logger: s.log.logger()}
			ctx, stop := context.WithCancel(context.Background())
			served := make(chan error, 1)
			go func() { served <- g.Serve(ctx, l) }()
			t.Cleanup(func() {
				stop()
				if err := <-served; err != nil {
					t.Error(err)
				}
			})
			each(t, func(t *testing.T, proto string) {
				w := s.open(t, proto)
				say(t, w, "a")
				want(t, w, "a")
				if err := w.Close(websocket.StatusCode(4000+len(proto)), ""); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestLeft: a client that is gone before its handshake is answered is no fault of the application.
func TestLeft(t *testing.T) {
	l, err := server.Listen("http://127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	log := new(records)
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	front := &server.Front{Handler: &server.Handler{App: load(t, log, echo), Logger: logger}}
	ctx, leave := context.WithCancel(context.Background())
	g := &server.Group{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leave()
		<-r.Context().Done()
		front.ServeHTTP(w, r)
	})}
	serving, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- g.Serve(serving, l) }()
	t.Cleanup(func() { stop(); <-served })
	s := &site{t: t, addr: l.URL[len("http://"):]}
	version := http.Header{"Sec-Websocket-Version": {"13"}}
	if _, _, err := s.connect(ctx, version); !errors.Is(err, context.Canceled) {
		t.Errorf("the client that left got %v", err)
	}
	log.await(t, "level=DEBUG", "the client is gone")
	if strings.Contains(log.String(), "LARK") {
		t.Errorf("logged:\n%s", log)
	}
}
