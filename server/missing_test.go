package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
)

// What a server cannot do without is an error by name.
func TestServeSaysWhatIsMissing(t *testing.T) {
	listener := func() *server.Listener {
		t.Helper()
		l, err := server.Listen("http://127.0.0.1:0", nil)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	var none context.Context
	open := listener()
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"Configure", server.Configure(nil), "server: Configure: nil http.Server"},
		{"Serve", new(server.Group).Serve(none, open), "server: Serve: nil context.Context: context.Background() never ends"},
		{"Serve", new(server.Group).Serve(context.Background(), listener(), nil), "server: a nil Listener: the error of Listen says why"},
		{"Set", new(server.Group).Set(nil, nil), "server: a nil Listener: the error of Listen says why"},
	} {
		if got := fmt.Sprint(test.err); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
	if _, err := open.Accept(); err == nil {
		t.Error("the listener is open after Serve")
	}
}

// A Handler without an App says so at each request; one whose program did not load answers 500, and
// the log says why.
func TestHandlerSaysWhatIsMissing(t *testing.T) {
	func() {
		defer func() {
			if got, want := fmt.Sprint(recover()), "server: the Gateway, or the Handler, has no App"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}()
		new(server.Handler).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	}()
	for _, app := range []server.App{(*runtime.Program)(nil), (*runtime.Live)(nil)} {
		var log strings.Builder
		w := httptest.NewRecorder()
		h := &server.Handler{App: app, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != http.StatusInternalServerError || !strings.Contains(log.String(), "the program is nil: the error of loading it says why") {
			t.Errorf("%T: got %d, and in the log %s", app, w.Code, &log)
		}
	}
}
