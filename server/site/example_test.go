package site_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime/suite"
	"github.com/larkspur-web/larkspur/server/site"
)

// An application of a directory is served, and served anew whenever one of its files is saved.
func Example() {
	health := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "well") }
	s := &site.Server{Watch: true}
	err := s.Set(&site.Site{
		Listen: []string{"http://127.0.0.1:0"},
		Mounts: []site.Mount{
			{App: site.Dir("testdata/garden", "app.star")},
			{Path: "/health", Handler: http.HandlerFunc(health)},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- s.Serve(ctx) }()

	for _, path := range []string{"/?name=Ada", "/health"} {
		res, err := http.Get(s.Listeners()[0].URL + path)
		if err != nil {
			log.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		fmt.Println(string(text))
	}
	stop()
	fmt.Println(<-served)
	// Output:
	// Good day, Ada!
	// well
	// <nil>
}

// Reload has a changed script serve, as Watch does by itself; what does not load leaves the last
// good version.
func ExampleServer_Reload() {
	dir, err := os.MkdirTemp("", "larkspur")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	save := func(body string) {
		script := "def app(environ, start_response):\n" +
			"    start_response(\"200 OK\", [])\n    return [" + body + "]\n"
		if err := os.WriteFile(filepath.Join(dir, "app.star"), []byte(script), 0o666); err != nil {
			log.Fatal(err)
		}
	}
	save(`"first"`)
	s := &site.Server{Logger: slog.New(slog.DiscardHandler)}
	if err := s.Set(&site.Site{Mounts: []site.Mount{{App: site.Dir(dir, "app.star")}}}); err != nil {
		log.Fatal(err)
	}
	for _, body := range []string{`"second"`, `"third`} {
		save(body)
		fmt.Println(s.Reload() == nil)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "/", nil)) // on a server that somebody owns
		fmt.Println(w.Body)
	}
	// Output:
	// true
	// second
	// false
	// second
}

// With Develop the site is that of larkspur dev: errors in the browser, pages that follow the
// files, the inspector.
func ExampleServer_develop() {
	s := &site.Server{Watch: true, Develop: true, Logger: slog.New(slog.DiscardHandler)}
	broken := &site.Application{FS: fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    return 1 // 0
`)}}}
	err := s.Set(&site.Site{
		Listen: []string{"http://127.0.0.1:0"},
		Mounts: []site.Mount{{App: broken}},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- s.Serve(ctx) }()

	request, _ := http.NewRequest("GET", s.Listeners()[0].URL, nil)
	request.Header.Set("Accept", "text/html")
	res, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	page, _ := io.ReadAll(res.Body)
	fmt.Println(res.Status)
	for _, part := range []string{"floored division by zero", "app.star:3:14"} {
		fmt.Println(strings.Contains(string(page), part))
	}
	stop()
	fmt.Println(<-served)
	// Output:
	// 500 Internal Server Error
	// true
	// true
	// <nil>
}

// The tests of a directory run in those of a Go package.
func ExampleApplication_Tests() {
	app := site.Dir("testdata/garden", "app.star")
	tests, err := app.Tests(slog.New(slog.DiscardHandler))
	if err != nil {
		log.Fatal(err)
	}
	files, err := suite.Find(app.FS, ".")
	if err != nil {
		log.Fatal(err)
	}
	err = tests.Run(context.Background(), files, func(r *suite.Result) {
		fmt.Println(r.File, r.Name, r.Err)
	})
	fmt.Println(err)
	// Output:
	// app_test.star test_greeting <nil>
	// <nil>
}
