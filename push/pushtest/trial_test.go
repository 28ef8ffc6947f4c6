package pushtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
)

// What a handler would push can be found out without a connection.
func ExampleTrial() {
	h := &push.Handler{Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header()["Link"] = []string{
				"</app.css>; rel=preload; as=style", "</big.png>; rel=preload; as=image; nopush",
			}
		}
	})}
	t := new(pushtest.Trial)
	h.ServeHTTP(t, httptest.NewRequest("GET", "/", nil))
	for _, r := range t.Promised {
		fmt.Println(r.Method, r.RequestURI)
	}
	// Output: GET /app.css
}
