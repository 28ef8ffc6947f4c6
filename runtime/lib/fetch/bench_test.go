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
	ours, theirs := rivals(b)
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

// TestAllocations: a fetch makes hardly more than the client of net/http does, that of the script included.
func TestAllocations(t *testing.T) {
	ours, theirs := rivals(t)
	fetched, got := testing.AllocsPerRun(100, ours), testing.AllocsPerRun(100, theirs)
	t.Logf("%.0f allocations, net/http %.0f, with those of the server", fetched/10, got/10)
	if fetched > 1.15*got {
		t.Errorf("a fetch has %.0f allocations, net/http %.0f", fetched/10, got/10)
	}
}

// rivals are ten fetches, and as many by the client of net/http, which sends the same head and makes a string of
// the body, too.
func rivals(tb testing.TB) (ours, theirs func()) {
	at := serve(tb, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	url := "http://" + at + "/"
	p := load(tb, &fetch.Grant{Hosts: []string{at}}, `
def app(url):
    for _ in range(10):
        fetch(url).text()
`)
	args := starlark.Tuple{starlark.String(url)}
	ours = func() {
		err := p.Call(context.Background(), func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
			_, err := starlark.Call(t, app, args, nil)
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
	theirs = func() {
		for range 10 {
			q, err := http.NewRequest(http.MethodGet, url, nil)
			if err != nil {
				tb.Fatal(err)
			}
			q.Header.Set("User-Agent", "Larkspur")
			res, err := client.Do(q)
			if err != nil {
				tb.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || string(body) != "hello" {
				tb.Fatal(string(body), err)
			}
		}
	}
	ours()
	theirs()
	return ours, theirs
}
