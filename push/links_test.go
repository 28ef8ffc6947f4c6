package push_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/push"
)

// TestLinks runs the corpus of Link fields: what is promised for each, in order.
func TestLinks(t *testing.T) {
	var corpus struct {
		Page  string
		Cases []struct {
			Name   string
			Link   []string
			Early  [][]string
			Status int
			Method string
			Req    []string
			Want   []string
			Why    string
		}
	}
	text, err := os.ReadFile("testdata/links.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &corpus); err != nil {
		t.Fatal(err)
	}
	if len(corpus.Cases) < 90 {
		t.Fatalf("the corpus has %d cases", len(corpus.Cases))
	}
	origin := func(links []string) (out []string) {
		for _, l := range links {
			out = append(out, strings.ReplaceAll(l, "127.0.0.1:PORT", "example.com:8000"))
		}
		return out
	}
	for _, c := range corpus.Cases {
		t.Run(c.Name, func(t *testing.T) {
			method, status := http.MethodGet, http.StatusOK
			if c.Method != "" {
				method = c.Method
			}
			if c.Status != 0 {
				status = c.Status
			}
			target := corpus.Page + "?case=" + c.Name
			h := &push.Handler{Policy: &push.Policy{},
				Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.RequestURI != target {
						w.Write([]byte("resource"))
						return
					}
					for _, early := range c.Early {
						w.Header()["Link"] = origin(early)
						w.WriteHeader(http.StatusEarlyHints)
					}
					w.Header()["Link"] = origin(c.Link)
					w.WriteHeader(status)
				})}
			conn := newConn()
			w := conn.get(t, h, method, target, c.Req...)
			if got := conn.targets(); !slices.Equal(got, c.Want) {
				t.Errorf("%q: promised %q, want %q (%s)", c.Link, got, c.Want, c.Why)
			}
			if w.Code != status {
				t.Errorf("status %d, want %d", w.Code, status)
			}
		})
	}
}
