package fetch_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/lib/fetch"
)

// TestRedirects: what is sent where a response leads to, by its status.
func TestRedirects(t *testing.T) {
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			http.Redirect(w, r, "http://"+r.URL.Query().Get("to")+"/show", http.StatusTemporaryRedirect)
			return
		}
		show(w, r)
	})
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		name, value, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
		switch name {
		case "show":
			show(w, r)
		case "loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "steps":
			n, _ := strconv.Atoi(value)
			if n == 0 {
				show(w, r)
				return
			}
			http.Redirect(w, r, fmt.Sprintf("/steps/%d", n-1), http.StatusFound)
		case "to": // the status and where
			status, err := strconv.Atoi(value)
			if err != nil {
				status = http.StatusNotFound
			}
			w.Header()["Location"] = []string{r.URL.Query().Get("where")}
			w.WriteHeader(status)
			io.WriteString(w, "look there")
		case "two": // 303, and then 307
			http.Redirect(w, r, "/to/307?where=/show", http.StatusSeeOther)
		}
	})
	p := load(t, &fetch.Grant{Hosts: []string{at, other}}, `
def app(url, method, body, follow):
    r, err = catch(fetch, url, method = method, follow = not follow, body = [body] if method == "STREAM" else body or None,
        headers = {"Authorization": "Basic c2VjcmV0", "Cookie": "a=b", "X-Own": "1", "Content-Type": "text/x"})
    return (err.kind, err.message) if err else (r.status, r.text(), r.url)
`)
	at2 := "http://" + at
	for _, test := range []struct{ path, method, body, want string }{
		{"/to/301?where=/show", "GET", "", `(200, "GET auth cookie own 0 text/x", "HOST/show")`},
		{"/to/302?where=show", "GET", "", `(404, `},
		{"/to/302?where=../show", "GET", "", `(200, "GET auth cookie own 0 text/x", "HOST/show")`},
		{"/to/301?where=/show", "POST", "abc", `(200, "GET auth cookie own 0 ", "HOST/show")`},
		{"/to/302?where=/show", "POST", "abc", `(200, "GET auth cookie own 0 ", "HOST/show")`},
		{"/to/302?where=/show", "PUT", "abc", `(200, "PUT auth cookie own 3 text/x", "HOST/show")`},
		{"/to/303?where=/show", "PUT", "abc", `(200, "GET auth cookie own 0 ", "HOST/show")`},
		{"/to/307?where=/show", "POST", "abc", `(200, "POST auth cookie own 3 text/x", "HOST/show")`},
		{"/to/308?where=/show", "DELETE", "", `(200, "DELETE auth cookie own 0 text/x", "HOST/show")`},
		{"/two", "POST", "abc", `(200, "GET auth cookie own 0 ", "HOST/show")`},
		{"/to/304?where=/show", "GET", "", `(304, "", `}, {"/to/300?where=/show", "GET", "", `(300, "look there", `}, {"/to/302?where=", "GET", "", `(302, "look there", `},
		{"/to/302?where=http://" + other + "/show", "GET", "", `(200, "GET own 0 text/x", "http://` + other + `/show")`},
		{"/to/307?where=http://" + other + "/show", "POST", "abc", `(200, "POST own 3 text/x", "http://` + other + `/show")`},
		// What was left out stays out, though it comes back to where it began.
		{"/to/307?where=http://" + other + "/back%3fto=" + at, "GET", "", `(200, "GET own 0 text/x", "HOST/show")`},
		{"/steps/10", "GET", "", `(200, "GET auth cookie own 0 text/x", "HOST/steps/0")`},
		{"/steps/11", "GET", "", `("redirect", "fetch: GET HOST/steps/11: it was redirected more than 10 times")`},
		{"/loop", "GET", "", `("redirect", "fetch: GET HOST/loop: it was redirected more than 10 times")`},
		{"/to/302?where=http://a b/", "GET", "", `("redirect", "fetch: GET HOST/to/302: redirected: the Location of the response is no URL")`},
		{"/to/302?where=http://me:secret@" + at + "/show", "GET", "", `("refused", "fetch: GET HOST/to/302: redirected: a URL with a user or a password in it is not fetched: pass them in the field Authorization")`},
		{"/to/302?where=http://secret.example/?q=1", "GET", "", `("refused", "fetch: GET HOST/to/302: redirected: secret.example is not granted; grant fetch=secret.example")`},
		{"/to/302?where=file:///etc/passwd", "GET", "", `("refused", "fetch: GET HOST/to/302: redirected: the URL begins with \"file\": it has to begin with https:// or http://")`},
		{"/to/307?where=/show", "STREAM", "abc", `("redirect", "fetch: STREAM HOST/to/307: redirected: to where the body would have to be sent again, and it is made as it is sent: pass it as bytes")`},
		{"/to/303?where=/show", "STREAM", "abc", `(200, "GET auth cookie own 0 ", "HOST/show")`},
		{"/to/303?where=/show", "HEAD", "", `(200, "", "HOST/show")`},
	} {
		got, err := call(t.Context(), p, at2+test.path, test.method, test.body, "")
		if want := strings.ReplaceAll(test.want, "HOST", at2); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%s %s:\n got %s, %v\nwant %s", test.method, test.path, got, err, want)
		}
	}
	got, err := call(t.Context(), p, at2+"/to/302?where=/show", "GET", "", "do not")
	if err != nil || !strings.HasPrefix(got, `(302, "look there", `) {
		t.Errorf("not followed: %s, %v", got, err)
	}
}

// show answers with what was sent.
func show(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprint(w, r.Method, " ")
	for _, field := range [][2]string{{"Authorization", "auth "}, {"Cookie", "cookie "}, {"X-Own", "own "}} {
		if r.Header.Get(field[0]) != "" {
			fmt.Fprint(w, field[1])
		}
	}
	fmt.Fprint(w, len(body), " ", r.Header.Get("Content-Type"))
}
