package server_test

import (
	"fmt"
	"testing"

	"github.com/larkspur-web/larkspur/push/pushtest"
)

// BenchmarkPushes is a page with ten small resources: pushed with the page, and asked for by the client, which is what a push has
// to be no dearer than. Both clients are in the process, and cost the same for each response.
func BenchmarkPushes(b *testing.B) {
	const source = `
LINK = ", ".join(["</%%d.css>; rel=preload" %% i for i in range(10)])
def app(environ, start_response):
    if environ["PATH_INFO"] == "/":
        start_response("200 OK", [("Content-Type", "text/html")%s])
    else:
        start_response("200 OK", [("Content-Type", "text/css")])
    return ["x" * 200]
`
	for _, pushed := range []bool{true, false} {
		name, link := "asked", ""
		if pushed {
			name, link = "pushed", `, ("Link", LINK)`
		}
		b.Run(name, func(b *testing.B) {
			s := servePushes(b, false, fmt.Sprintf(source, link), nil)
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				// A connection for each page: what the client has is not sent again.
				c := s.dial(b, pushtest.Settings{NoPush: !pushed})
				all := []*pushtest.Exchange{c.Get("/")}
				if !pushed {
					for i := range 10 {
						all = append(all, c.Get(fmt.Sprintf("/%d.css", i)))
					}
				}
				for _, x := range all {
					if err := x.WaitAll(); err != nil {
						b.Fatal(err)
					}
					n += 1 + len(x.Promises)
				}
				c.Close()
			}
			if n%11 != 0 {
				b.Fatalf("%d responses", n)
			}
		})
	}
}
