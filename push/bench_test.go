package push_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/larkspur-web/larkspur/push"
)

// A void is an http.ResponseWriter of a client that takes no promises.
type void struct{ header http.Header }

func (v *void) Header() http.Header         { return v.header }
func (v *void) Write(b []byte) (int, error) { return len(b), nil }
func (v *void) WriteHeader(int)             {}

// BenchmarkHandler compares a handler that pushes nothing, bare and in a Handler, for a client that
// takes no promises: the difference is what a Handler costs where it has nothing to do.
func BenchmarkHandler(b *testing.B) {
	body := []byte("hello")
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		w.Write(body)
	})
	for _, c := range []struct {
		name string
		h    http.Handler
	}{{"bare", bare}, {"wrapped", &push.Handler{Next: bare, Policy: new(push.Policy)}}} {
		b.Run(c.name, func(b *testing.B) {
			w := &void{header: http.Header{}}
			r := httptest.NewRequest("GET", "/", nil)
			r.ProtoMajor = 2
			b.ReportAllocs()
			for b.Loop() {
				c.h.ServeHTTP(w, r)
			}
		})
	}
}
