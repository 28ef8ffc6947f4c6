package response_test

import (
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

// BenchmarkHello compares an application that answers by start_response with one that answers with
// a response, made for each request or once.
func BenchmarkHello(b *testing.B) {
	for _, c := range []struct{ name, source string }{
		{"bare", `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [b"hello"]
`},
		{"text", `
load("@response", "text")
def app(environ, start_response):
    return text("hello")(environ, start_response)
`},
		{"once", `
load("@response", "text")
app = text("hello")
`},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, err := runtime.Load(&runtime.Config{
				FS:      fstest.MapFS{"app.star": {Data: []byte(c.source)}},
				Modules: []*host.Module{response.Module()},
			}, "app.star")
			if err != nil {
				b.Fatal(err)
			}
			h := &server.Gateway{App: p}
			r := httptest.NewRequest("GET", "/", nil)
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
