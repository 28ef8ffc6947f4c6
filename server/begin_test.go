package server_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"

	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/h2"
)

// keeper is a writer between with a header of its own, whose fields are the response's in the end.
type keeper struct {
	http.ResponseWriter
	own http.Header
}

func (k keeper) Unwrap() http.ResponseWriter { return k.ResponseWriter }
func (k keeper) Header() http.Header         { return k.own }
func (k keeper) WriteHeader(status int) {
	for name := range k.own {
		k.ResponseWriter.Header().Set(name, k.own.Get(name))
	}
	k.ResponseWriter.WriteHeader(status)
}

// TestBegin has a header that becomes the response's as it is, or is copied: into one that has fields, or
// that somebody keeps, or where the server is not the engine.
func TestBegin(t *testing.T) {
	for version := 1; version <= 2; version++ {
		s := httptest.NewUnstartedServer(begins(t))
		if s.EnableHTTP2 = version == 2; s.EnableHTTP2 {
			if err := h2.Configure(s.Config); err != nil {
				t.Fatal(err)
			}
		}
		s.StartTLS()
		defer s.Close()
		for _, path := range []string{"/", "/set", "/kept"} {
			res, err := s.Client().Get(s.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			h := res.Header
			if res.ProtoMajor != version || !slices.Equal(h["X-Own"], []string{path}) || h.Get("X-After") != "1" ||
				path != "/" && h.Get("X-Before") != "1" {
				t.Errorf("%s %s: %v", res.Proto, path, h)
			}
		}
	}
}

// begins answers with the header X-Own.
func begins(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		header := http.Header{"X-Own": {r.URL.Path}}
		switch r.URL.Path {
		case "/set":
			w.Header().Set("X-Before", "1")
		case "/kept":
			w = keeper{w, http.Header{"X-Before": {"1"}}}
		}
		h := server.Begin(w, header)
		taken := reflect.ValueOf(h).Pointer() == reflect.ValueOf(header).Pointer()
		if want := r.ProtoMajor == 2 && r.URL.Path == "/"; taken != want {
			t.Errorf("%s %s: taken is %v", r.Proto, r.URL.Path, taken)
		}
		h.Set("X-After", "1")
		w.WriteHeader(http.StatusNoContent)
	}
}
