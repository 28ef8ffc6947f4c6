package pushtest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/larkspur-web/larkspur/push/pushtest"
	"golang.org/x/net/http2"
)

// blog is a site that pushes its style sheet.
func blog() *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		if p, ok := w.(http.Pusher); ok {
			_ = p.Push("/a.css", nil)
		}
		fmt.Fprint(w, "<title>blog</title>")
	})
	mux.HandleFunc("/a.css", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "body { color: green }")
	})
	s := httptest.NewUnstartedServer(mux)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	return s
}

func ExampleDial() {
	server := blog()
	defer server.Close()

	c, err := pushtest.Dial(context.Background(), server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	page := c.Get("/")
	if err := page.WaitAll(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.Status, string(page.Body))
	for _, p := range page.Promises {
		fmt.Println(p.Request.Method, p.Request.Target, p.Status, string(p.Body))
	}
	fmt.Println(len(c.Violations()), "violations")
	// Output:
	// 200 <title>blog</title>
	// GET /a.css 200 body { color: green }
	// 0 violations
}

// A client may refuse what it is promised.
func ExampleRefuse() {
	server := blog()
	defer server.Close()

	c, err := pushtest.Dial(context.Background(), server.URL, &pushtest.Settings{OnPromise: pushtest.Refuse})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	page := c.Get("/")
	err = page.WaitAll()
	fmt.Println(page.Status, err)
	for _, p := range page.Promises {
		fmt.Println(p.Request.Target, p.Wait())
	}
	// Output:
	// 200 <nil>
	// /a.css the client reset stream 2 with REFUSED_STREAM
}

// A client may change its mind in mid-connection.
func ExampleClient_Change() {
	server := blog()
	defer server.Close()

	c, err := pushtest.Dial(context.Background(), server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	if err := c.Change(http2.Setting{ID: http2.SettingEnablePush, Val: 0}); err != nil {
		fmt.Println(err)
		return
	}
	page := c.Get("/")
	err = page.WaitAll()
	fmt.Println(page.Status, len(page.Promises), "promises", err)
	// Output:
	// 200 0 promises <nil>
}

// A test waits for a frame instead of sleeping.
func ExampleClient_Until() {
	server := blog()
	defer server.Close()

	c, err := pushtest.Dial(context.Background(), server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	c.Get("/")
	promise, err := c.Until(func(f pushtest.Frame) bool { return f.Type == http2.FramePushPromise })
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(promise.Stream, "promises", promise.Promised, promise.Value(":path"))
	// Output:
	// 1 promises 2 /a.css
}

// The log has a frame in each line.
func ExampleClient_Frames() {
	server := blog()
	defer server.Close()

	c, err := pushtest.Dial(context.Background(), server.URL, &pushtest.Settings{NoPush: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	page := c.Get("/")
	err = page.Wait()
	for _, f := range c.Frames() {
		if f.Stream == page.ID && !f.Sent {
			fmt.Println(f)
		}
	}
	fmt.Println(err)
	// Output:
	// < HEADERS       1 :status="200" content-type="text/html; charset=utf-8" content-length="19"
	// < DATA          1 19 bytes end
	// <nil>
}
