package server_test

import (
	"fmt"
	"strconv"
	"syscall"
	"testing"
)

// BenchmarkPushes is a page with ten small resources: pushed with the page; asked for once the page is there; and asked for
// together with it, which is what a push has to be no dearer than. What counts is cpu-ns/op.
func BenchmarkPushes(b *testing.B) {
	const source = `
def app(environ, start_response):
    query = environ["QUERY_STRING"]
    if environ["PATH_INFO"] == "/":
        link = ", ".join(["</%d.css?" % i + query + ">; rel=preload" for i in range(10)])
        start_response("200 OK", [("Content-Type", "text/html"), ("Link", link)])
    else:
        start_response("200 OK", [("Content-Type", "text/css")])
    return ["x" * 200]
`
	for _, name := range []string{"asked", "together", "pushed"} {
		b.Run(name, func(b *testing.B) {
			s := servePushes(b, false, source, nil)
			s.quiet()
			push := uint32(0)
			if name == "pushed" {
				push = 1
			}
			c := dialPlain(b, s.URL, push)
			b.ReportAllocs()
			before := used()
			defer func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }()
			n := 0
			for b.Loop() {
				n++
				query := strconv.Itoa(n) // what the client has is not sent again
				c.ask("/?" + query)
				if push == 0 {
					if name == "asked" {
						c.await(b, 1) // the page says what to ask for
					}
					for i := range 10 {
						c.ask(fmt.Sprintf("/%d.css?%s", i, query))
					}
					if name == "asked" {
						c.await(b, 10)
					} else {
						c.await(b, 11)
					}
				} else {
					c.await(b, 11)
				}
			}
		})
	}
}

// used is the time of processors that the process has used, in nanoseconds.
func used() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it cannot fail for the process itself
	return u.Utime.Nano() + u.Stime.Nano()
}
