package h2_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/larkspur-web/larkspur/server/h2"
)

func ExampleConfigure() {
	ts := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto)
	}))
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

func ExampleStreamOf() {
	style := &h2.Answer{Header: http.Header{"Content-Type": {"text/css"}}, Body: []byte("body { color: teal }")}
	page := func(w http.ResponseWriter, r *http.Request) {
		if st, ok := h2.StreamOf(w); ok && st.Promises() > 0 {
			st.Promise(h2.Promise{Target: "/style.css", Answer: style})
		}
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, `<link rel="stylesheet" href="/style.css">Hello`)
	}
	s := &http.Server{Addr: ":8443", Handler: http.HandlerFunc(page)}
	if err := h2.Configure(s); err != nil {
		fmt.Println(err)
	}
}
