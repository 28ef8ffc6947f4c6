package h2_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/server/h2"
)

func ExampleConfigure() {
	proto := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }
	ts := httptest.NewUnstartedServer(http.HandlerFunc(proto))
	if err := h2.Configure(ts.Config); err != nil {
		fmt.Println(err)
		return
	}
	ts.TLS = ts.Config.TLSConfig
	ts.EnableHTTP2 = true
	ts.StartTLS()
	defer ts.Close()

	res, err := ts.Client().Get(ts.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	body, _ := io.ReadAll(res.Body)
	fmt.Printf("%s\n", body)
	// Output: HTTP/2.0
}

// What only this engine has a limit for is a field of its Server.
func ExampleServer_Configure() {
	s := &http.Server{Addr: ":443", MaxHeaderBytes: 16 << 10}
	engine := &h2.Server{
		MaxHandlers:  500,
		MaxPromises:  8,
		StallTimeout: 20 * time.Second,
	}
	if err := engine.Configure(s); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.TLSConfig.NextProtos)
	// Output: [h2 http/1.1]
}

// A page promises its style sheet before the client has read what refers to it. The client is that
// of package pushtest: browsers and Go's own client say that they take no promises.
func ExamplePromiser() {
	page := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if p, ok := w.(h2.Promiser); ok {
			if n, _ := p.Promises(); n > 0 {
				style := &http.Request{RequestURI: "/style.css"}
				header := http.Header{"Content-Type": {"text/css"}}
				body := []byte("p { color: teal }")
				if err := p.Promise(style, header, body, false, nil); err != nil {
					fmt.Println(err)
				}
			}
		}
		io.WriteString(w, `<link rel="stylesheet" href="/style.css"><p>Hello`)
	}
	ts := httptest.NewUnstartedServer(http.HandlerFunc(page))
	ts.Config.Protocols = new(http.Protocols)
	ts.Config.Protocols.SetUnencryptedHTTP2(true)
	if err := h2.Configure(ts.Config); err != nil {
		fmt.Println(err)
		return
	}
	ts.Start()
	defer ts.Close()

	c, err := pushtest.Dial(context.Background(), ts.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	x := c.Get("/")
	if err := x.WaitAll(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", x.Body)
	for _, p := range x.Promises {
		fmt.Printf("%s: %s\n", p.Request.Target, p.Body)
	}
	// Output:
	// <link rel="stylesheet" href="/style.css"><p>Hello
	// /style.css: p { color: teal }
}

// A ClientConn makes requests on a connection that is there, and sees what comes before a response.
func ExampleClientConn() {
	front, worker := net.Pipe()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload; as=style")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "hello "+r.URL.Path)
	})
	go new(h2.Server).ServeConn(context.Background(), worker, &http.Server{Handler: handler})

	c := h2.NewClientConn(front, h2.ClientConfig{})
	defer c.Close()
	r, err := http.NewRequest("GET", "http://example.com/world", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := c.Do(r, func(status int, h http.Header) error {
		fmt.Println(status, h.Get("Link"))
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	fmt.Printf("%s %s %v\n", res.Status, body, err)
	// Output:
	// 103 </style.css>; rel=preload; as=style
	// 200 OK hello /world <nil>
}
