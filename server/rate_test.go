package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/server"
)

// TestRates bounds what each client asks, and what all ask of a mount: one too many is told when to come again, others
// are not, and then it is answered.
func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {})
		f := &server.Front{Logger: silence, ClientRate: &server.Rate{PerSecond: 0.5, Burst: 2},
			Mounts: []server.Mount{{Path: "/slow", Handler: ok, Rate: &server.Rate{PerSecond: 1}}, {Handler: ok}}}
		ask := func(peer, path string) string {
			r := httptest.NewRequest("GET", path, nil)
			r.RemoteAddr = peer
			w := httptest.NewRecorder()
			f.ServeHTTP(w, r)
			return fmt.Sprintf("%d%s", w.Code, w.Header().Get("Retry-After"))
		}
		for i, test := range []struct{ peer, path, want string }{
			{"192.0.2.1:1", "/", "200"}, {"192.0.2.1:2", "/", "200"}, {"192.0.2.1:3", "/", "4292"},
			{"192.0.2.2:1", "/", "200"},
			{"[2001:db8::1]:1", "/", "200"}, {"[2001:db8::2]:1", "/", "200"}, {"[2001:db8::3]:1", "/", "4292"},
			{"[2001:db8:0:1::1]:1", "/slow", "200"}, {"192.0.2.3:1", "/slow", "5031"}, {"192.0.2.3:1", "/", "200"},
		} {
			if got := ask(test.peer, test.path); got != test.want {
				t.Errorf("%d: %s of %s: got %s, want %s", i, test.path, test.peer, got, test.want)
			}
		}
		time.Sleep(2 * time.Second)
		for _, peer := range []string{"192.0.2.1:1", "[2001:db8::9]:1"} {
			if got := ask(peer, "/slow"); got != "200" {
				t.Errorf("later, %s gets %s", peer, got)
			}
			time.Sleep(time.Second)
		}
	})
}
