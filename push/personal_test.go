package push_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/push"
)

// TestDepends has what makes an answer unfit for a promise, of what it was made from, the fields of
// the page's request and those of its response; and that what was found out for one page holds for
// another only as far as it is the same there.
func TestDepends(t *testing.T) {
	const star = "*" // all may have been read
	for _, c := range []struct {
		name, read string
		request    string // a field of the page's
		response   string // a field of the page's
		want       bool   // it is promised
	}{
		{"who asks", "Cookie", "", "", false},
		{"who asks, and did", "Cookie", "Cookie: a", "", false},
		{"a password", "Authorization", "", "", false},
		{"a page before", "Referer", "", "", false},
		{"another field", "X-Tenant", "", "", true},
		{"another field that the page has", "X-Tenant", "X-Tenant: a", "", false},
		{"what is copied", "Accept-Language", "Accept-Language: de", "", true},
		{"a condition", "If-None-Match", `If-None-Match: "a"`, "", true},
		{"a priority", "Priority", "", "", true},
		{"a priority that the page has", "Priority", "Priority: u=1", "", false},
		{"all", star, "", "", true},
		{"all, and who asks", star, "Cookie: a", "", false},
		{"all, and a cookie that is set", star, "", "Set-Cookie: a=b", false},
		{"all, and another field", star, "X-Tenant: a", "", false},
		{"all, and a priority", star, "Priority: u=1", "", true},
		{"all, and a policy", star, "Accept-Push-Policy: default", "", true},
		{"all, and trailers", star, "Te: trailers", "", true},
		{"all, and a field of the connection", star, "Keep-Alive: 1", "", true},
		{"all, and a condition", star, `If-None-Match: "a"`, "", true},
		{"all, and a reload", star, "Cache-Control: no-cache", "", true},
		{"all, and a place for the page", star, "Sec-Fetch-Dest: document", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			response := ""
			h := &push.Handler{Policy: new(push.Policy), Next: http.HandlerFunc(
				func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/" {
						if name, value, ok := strings.Cut(response, ": "); ok {
							w.Header().Set(name, value)
						}
						page("</a>; rel=preload")(w, r)
						return
					}
					if c.read == star {
						push.Depends(r.Context(), nil, true)
					} else {
						push.Depends(r.Context(), []string{c.read}, false)
					}
				})}
			view := func(request, of string) bool {
				conn := newConn()
				var fields []string
				if request != "" {
					fields = append(fields, request)
				}
				response = of
				conn.get(t, h, "GET", "/", fields...)
				return len(conn.promises) == 1
			}
			bare := view("", "")
			if got := view(c.request, c.response); got != c.want {
				t.Errorf("promised: %v, want %v", got, c.want)
			}
			if again := view("", ""); again != bare {
				t.Errorf("a page with nothing: promised %v, and then %v", bare, again)
			}
			if got := view(c.request, c.response); got != c.want {
				t.Errorf("promised later: %v, want %v", got, c.want)
			}
		})
	}
}

// TestPersonalVerdict verifies what is said of an answer that was made from who asks, and that a
// Vary which names the field does not make it fit: it would be kept for requests without the
// field.
func TestPersonalVerdict(t *testing.T) {
	for vary, want := range map[string]string{
		"": "skipped: personal: it was made from Cookie, which the promised request has not got from " +
			"the page, and which no Vary names",
		"Cookie": "skipped: unverified: it varies on Cookie, which the promised request has not got " +
			"from the page",
	} {
		var got []string
		h := &push.Handler{Policy: &push.Policy{Observe: func(_ *http.Request, v push.Verdict) {
			got = append(got, v.Outcome()+": "+v.Detail)
		}}, Next: site{"/": page("</a>; rel=preload"),
			"/a": func(w http.ResponseWriter, r *http.Request) {
				push.Depends(r.Context(), []string{"Cookie"}, false)
				if vary != "" {
					w.Header().Set("Vary", vary)
				}
			}}}
		newConn().get(t, h, "GET", "/")
		if fmt.Sprint(got) != fmt.Sprint([]string{want}) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
