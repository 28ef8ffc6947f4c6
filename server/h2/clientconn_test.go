package h2_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/larkspur-web/larkspur/server/h2"
)

func TestClientConnHello(t *testing.T) {
	client, server := net.Pipe()
	go new(h2.Server).ServeConn(context.Background(), server, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Write(append([]byte("hello "+r.Method+r.URL.String()), b...))
	})})
	c := h2.NewClientConn(client, h2.ClientConfig{})
	defer c.Close()
	r, _ := http.NewRequest("GET", "http://a/x?y", nil)
	res, err := c.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	t.Log(res, string(b), err)
}
