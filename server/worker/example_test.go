package worker_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/worker"
)

// greeter makes the application of a worker, as main tells it to, first thing:
//
//	worker.Main(greeter)
func greeter(config []byte) (*worker.Application, error) {
	program, err := runtime.Load(&runtime.Config{FS: fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["site.greeting"], "!"]
`)}}}, "app.star")
	if err != nil {
		return nil, err
	}
	gateway := &server.Gateway{App: program, Environ: map[string]string{"site.greeting": string(config)}}
	return &worker.Application{Handler: &server.Front{Hop: true, MaxBody: -1, Handler: gateway}}, nil
}

// A pool has an application answer in other processes. It is an http.Handler like any other.
func Example() {
	pool := &worker.Pool{Workers: 2, Config: []byte("Good day")}
	if err := pool.Start(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	front := httptest.NewServer(&server.Front{Handler: pool})
	defer front.Close()
	res, err := http.Get(front.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	stats := pool.Stats()
	fmt.Printf("%s %d processes, of generation %d\n", text, len(stats.Workers), stats.Generation)
	// Output: Good day! 2 processes, of generation 1
}
