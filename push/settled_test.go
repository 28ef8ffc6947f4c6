package push_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/push"
)

// TestSettled verifies that what becomes of each promise is told, with the page that it was for: it
// was sent, after a while, and then reset all the same.
func TestSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		h := &push.Handler{Next: site{"/": page("</a.css>; rel=preload", "</b.css>; rel=preload")},
			Settled: func(r *http.Request, v push.Verdict, took time.Duration, err error) {
				told = append(told, fmt.Sprint(r.URL.Path, " ", v.Target, " ", v.Outcome(), " ", v.Bytes, " ", took, " ", err))
			}}
		conn := newConn()
		conn.outcome = func(string) error { return errPending }
		conn.get(t, h, "GET", "/")
		if len(told) != 0 || len(conn.promises) != 2 {
			t.Fatalf("told %q of %d promises that are under way", told, len(conn.promises))
		}
		time.Sleep(time.Second)
		conn.promises[0].settled(nil)
		conn.promises[1].settled(errors.New("CANCEL"))
		time.Sleep(time.Second)
		conn.promises[0].settled(errors.New("CANCEL"))
		want := "[/ /a.css promised 12 1s <nil> / /b.css promised 12 1s CANCEL / /a.css promised 12 2s CANCEL]"
		if got := fmt.Sprint(told); got != want {
			t.Errorf("told %s\nwant %s", got, want)
		}
	})
}
