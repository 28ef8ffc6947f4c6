package pushtest_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/push/pushtest"
)

func TestPage(t *testing.T) {
	for _, secure := range []bool{false, true} {
		url, config := serve(t, secure, site(t))
		c := dial(t, url, &pushtest.Settings{TLS: config})
		page := c.Get("/page")
		if err := page.WaitAll(); err != nil {
			t.Fatal(err)
		}
		for _, f := range c.Frames() {
			t.Log(f)
		}
		t.Log(c.Violations())
		for _, p := range page.Promises {
			t.Log(p.Request, p.Status, string(p.Body), p.Wait())
		}
	}
}
