package fetch_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/lib/fetch"
	"go.starlark.net/starlark"
)

// BenchmarkFetch compares ten fetches, in a call of their own, with as many by the client of net/http, in turns: the
// times are medians, which other work on the machine moves less, and the ratio is that of them.
func BenchmarkFetch(b *testing.B) {
	at := serve(b, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	url := "http://" + at + "/"
	p := load(b, &fetch.Grant{Hosts: []string{at}}, `
def app(url):
    for _ in range(10):
        fetch(url).text()
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
		for range 10 {
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
	}
	ours()
	theirs()
	var fetching, getting []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		ours()
		between := time.Now()
		theirs()
		fetching, getting = append(fetching, between.Sub(began)), append(getting, time.Since(between))
	}
	slices.Sort(fetching)
	slices.Sort(getting)
	fetched, got := float64(fetching[len(fetching)/2]), float64(getting[len(getting)/2])
	b.ReportMetric(fetched, "fetch-ns/10")
	b.ReportMetric(got, "net/http-ns/10")
	b.ReportMetric(fetched/got, "ratio")
}
