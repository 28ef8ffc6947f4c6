package h2_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/larkspur-web/larkspur/server/h2"
)

// A configured server answers Go's client over HTTP/2.
func TestConfigure(t *testing.T) {
	ts := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	}))
	if err := h2.Configure(ts.Config); err != nil {
		t.Fatal(err)
	}
	ts.TLS = ts.Config.TLSConfig
	ts.EnableHTTP2 = true
	ts.StartTLS()
	defer ts.Close()
	res, err := ts.Client().Get(ts.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got, want := res.Proto, "HTTP/2.0"; got != want {
		t.Errorf("protocol %q, want %q", got, want)
	}
	if _, ok := res.Header["Date"]; !ok {
		t.Error("the response has no date")
	}
}
