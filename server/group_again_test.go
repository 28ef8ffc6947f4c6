package server_test

import (
	"net/http"
	"testing"

	"github.com/larkspur-web/larkspur/server"
)

// TestGroupListensAgain verifies that the address of a listener that is taken away is free when Set returns.
func TestGroupListensAgain(t *testing.T) {
	url := "unix:" + t.TempDir() + "/s"
	listen := func() *server.Listener {
		t.Helper()
		l, err := server.Listen(url, nil)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	g := serveGroup(t, new(server.Group))
	for range 20 {
		g.set(http.NotFoundHandler(), listen())
		g.set(http.NotFoundHandler())
	}
	if err := g.ends(); err != nil {
		t.Error(err)
	}
}
