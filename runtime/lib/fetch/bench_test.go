package fetch_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/lib/fetch"
	"go.starlark.net/starlark"
)

// BenchmarkFetch compares a fetch, in a call of its own, with the client of net/http, in turns: the
// ratio is the time of the former by that of the latter.
func BenchmarkFetch(b *testing.B) {
	at := serve(b, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	url := "http://" + at + "/"
	p := load(b, &fetch.Grant{Hosts: []string{at}}, `
def app(url):
    return fetch(url).text()
`)
	client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
	args := starlark.Tuple{starlark.String(url)}
	ours := func() {
		err := p.Call(context.Background(), func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
			_, err := starlark.Call(t, app, args, nil)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	theirs := func() {
		res, err := client.Get(url)
		if err != nil {
			b.Fatal(err)
		}
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			b.Fatal(err)
		}
	}
	ours()
	theirs()
	var fetching, getting time.Duration
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		ours()
		between := time.Now()
		theirs()
		fetching += between.Sub(began)
		getting += time.Since(between)
	}
	b.ReportMetric(float64(fetching)/float64(b.N), "fetch-ns/op")
	b.ReportMetric(float64(getting)/float64(b.N), "net/http-ns/op")
	b.ReportMetric(float64(fetching)/float64(getting), "ratio")
}
