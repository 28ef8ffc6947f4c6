package live

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestPolicyInMeta sends pages, whole and byte by byte, whose metas have policies.
func TestPolicyInMeta(t *testing.T) {
	const deny = "default-src 'none'"
	const admitted = `content="default-src &#39;none&#39;; script-src-elem S; connect-src E"`
	style := "<style>" + strings.Repeat("p{}<meta>", 1000) + "</style>"
	for _, tt := range []struct{ head, want string }{
		{`<meta http-equiv=Content-Security-Policy content="` + deny + `">`,
			`<meta http-equiv=Content-Security-Policy ` + admitted + `>`},
		{`<META content="` + deny + `" HTTP-EQUIV = ' content-security-policy '/>`,
			`<META ` + admitted + ` HTTP-EQUIV = ' content-security-policy '/>`},
		{`<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;">`,
			`<meta http-equiv="Content-Security-Policy" ` + admitted + `>`},
		{"<meta charset=utf-8>\n<!-- <meta> --><title>a <meta> b</title>" + style +
			`<meta http-equiv=content-security-policy content="` + deny + `">`,
			"<meta charset=utf-8>\n<!-- <meta> --><title>a <meta> b</title>" + style +
				`<meta http-equiv=content-security-policy ` + admitted + `>`},
		{`<meta http-equiv=content-security-policy content=default-src&#32;x><meta http-equiv=` +
			`content-security-policy content="default-src 'self'">`,
			`<meta http-equiv=content-security-policy content="default-src x; script-src-elem x S; ` +
				`connect-src x E"><meta http-equiv=content-security-policy ` +
				`content="default-src &#39;self&#39;">`},
		// What is no policy of the document.
		{`<meta http-equiv=Content-Security-Policy>`, ""},
		{`<meta name=Content-Security-Policy content="` + deny + `">`, ""},
		{`<meta http-equiv=refresh content="1">`, ""},
		{`<script>"<meta http-equiv=content-security-policy content=x>"</script>`, ""},
		{`</head><meta http-equiv=content-security-policy content=x>`, ""},
		{`<body><meta http-equiv=content-security-policy content=x>`, ""},
		{`<p><meta http-equiv=content-security-policy content=x>`, ""},
		{`text<meta http-equiv=content-security-policy content=x>`, ""},
		{`<meta http-equiv=content-security-policy content="x`, ""},
		{`<title>never ends <meta`, ""},
		{`<!-- never ends`, ""},
		{`<meta "=' http-equiv == content>`, ""},
		{`<`, ""},
		{``, ""},
	} {
		if tt.want == "" {
			tt.want = tt.head
		}
		doc := "<!doctype html><html><head>" + tt.head
		for _, size := range []int{1, 7, len(doc)} {
			w := httptest.NewRecorder()
			h := NewHub()
			p := h.Inject(w, httptest.NewRequest("GET", "http://localhost:8000/", nil))
			p.Header().Set("Content-Type", "text/html")
			p.Header().Set("Content-Length", fmt.Sprint(len(doc)))
			for rest := doc; rest != ""; {
				n := min(size, len(rest))
				if wrote, err := p.Write([]byte(rest[:n])); wrote != n || err != nil {
					t.Fatalf("%q: wrote %d, %v", doc, wrote, err)
				}
				rest = rest[n:]
			}
			p.End()
			_, got, _ := strings.Cut(w.Body.String(), "</script>")
			got = strings.NewReplacer(
				"http://localhost:8000"+ScriptPath, "S", "http://localhost:8000"+EventsPath, "E",
			).Replace(got)
			if got != tt.want {
				t.Errorf("in pieces of %d:\n%q, want\n%q", size, got, tt.want)
			}
			if n := w.Header().Get("Content-Length"); n != "" {
				t.Errorf("Content-Length %s of a page that is another", n)
			}
		}
	}
}

// TestPageHasNoValidator asks for a page that a browser has, from before a change.
func TestPageHasNoValidator(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("If-None-Match", `"a"`)
	r.Header.Set("If-Modified-Since", "Fri, 02 Jan 2026 03:04:05 GMT")
	if Whole(r) != r {
		t.Error("a client that says nothing of documents loses its conditions")
	}
	r.Header.Set("Sec-Fetch-Dest", "document")
	if got := Whole(r).Header; got.Get("If-None-Match")+got.Get("If-Modified-Since") != "" {
		t.Errorf("got %v", got)
	}
	if r.Header.Get("If-None-Match") == "" {
		t.Error("the request itself was changed")
	}
	w := httptest.NewRecorder()
	p := NewHub().Inject(w, r)
	p.Header().Set("Content-Type", "text/html")
	p.Header().Set("Etag", `"a"`)
	p.Header().Set("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT")
	p.WriteHeader(200)
	if w.Header().Get("Etag")+w.Header().Get("Last-Modified") != "" || !p.Live() {
		t.Errorf("got %v", w.Header())
	}
}

// TestFailuresAreBounded fails more pages than are kept.
func TestFailuresAreBounded(t *testing.T) {
	h := NewHub()
	h.Failed(1, new(Overlay))
	first := h.State()
	for i := range uint64(3 * maxFailures) {
		h.Failed(i+2, new(Overlay))
	}
	s := h.State()
	if len(s.Failures) != maxFailures || s.Failures[maxFailures-1].Page != 3*maxFailures+1 {
		t.Errorf("%d are kept, the last %d", len(s.Failures), s.Failures[len(s.Failures)-1].Page)
	}
	if len(first.Failures) != 1 || first.Failures[0].Page != 1 || s.Change != first.Change {
		t.Errorf("the state before became %+v", first)
	}
}
