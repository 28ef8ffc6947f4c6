package server_test

import (
	"context"
	"embed"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
)

//go:embed testdata/embed
var scripts embed.FS

// An embedder's ten lines: a program in the binary, on a server of its own.
func Example() {
	app, err := runtime.Load(&runtime.Config{FS: scripts}, "testdata/embed/app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	s := &http.Server{Handler: &server.Handler{App: app}}
	if err := server.Configure(s); err != nil { // HTTP/2, timeouts and limits
		fmt.Println(err)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go s.Serve(l)
	defer s.Close()
	show("http://" + l.Addr().String())
	// Output: 200 hello from the binary
}

// show asks for a page and prints it.
func show(url string) {
	res, err := http.Get(url)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(res.StatusCode, " ", string(text))
}

// Several programs live in one process, each with its own tree, mount and variables, beside handlers in Go.
func ExampleHandler() {
	program := func(script string) server.App {
		p, err := runtime.Load(&runtime.Config{FS: fstest.MapFS{"app.star": {Data: []byte(script)}}}, "app.star")
		if err != nil {
			fmt.Println(err)
		}
		return p
	}
	const where = `
def app(environ, start_response):
    start_response("200 OK", [])
    return [environ["blog.title"], " ", environ["SCRIPT_NAME"], " ", environ["PATH_INFO"], "\n"]
`
	blog := program(where)
	mux := http.NewServeMux()
	mux.Handle("/larks/", &server.Handler{App: blog, Mount: "/larks", Environ: map[string]string{"blog.title": "Larks"}})
	mux.Handle("/spurs/", &server.Handler{App: blog, Mount: "/spurs", Environ: map[string]string{"blog.title": "Spurs"}})
	mux.Handle("/", &server.Handler{App: program(`
def app(environ, start_response):
    start_response("404 Not Found", [])
    return ["another program\n"]
`)})
	mux.HandleFunc("/go", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "a handler in Go") })
	for _, target := range []string{"/larks/a", "/spurs/b", "/other", "/go"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 Larks /larks /a
	// 200 Spurs /spurs /b
	// 404 another program
	// 200 a handler in Go
}

// A group serves a handler until its context ends, and then answers what was begun.
func ExampleGroup_Serve() {
	app, err := runtime.Load(&runtime.Config{FS: scripts}, "testdata/embed/app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := server.Listen("http://127.0.0.1:0", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- (&server.Group{Handler: &server.Handler{App: app}}).Serve(ctx, l) }()
	show(l.URL)
	stop()
	fmt.Println(<-ended)
	// Output:
	// 200 hello from the binary
	// <nil>
}

// Listen tells the URL with the port that it was given, and says what it can take.
func ExampleListen() {
	l, err := server.Listen("http://localhost:0", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	fmt.Println(l.URL == "http://localhost:"+port, err)
	_, err = server.Listen("8000", nil)
	fmt.Println(err)
	// Output:
	// true <nil>
	// listen: "8000" is no listener: write http://HOST:PORT, https://HOST:PORT or unix:PATH, perhaps with ?mode=660&owner=USER&group=GROUP
}
