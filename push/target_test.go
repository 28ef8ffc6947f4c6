package push_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/push"
)

// request makes the request for a page. page is a URL.
func request(page string) *http.Request {
	scheme, rest, _ := strings.Cut(page, "://")
	host, target, _ := strings.Cut(rest, "/")
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RequestURI, r.Host = "/"+target, host
	r.URL = &url.URL{Path: "/"}
	if scheme == "https" {
		r.TLS = &tls.ConnectionState{}
	}
	return r
}

func TestResolve(t *testing.T) {
	const invalid, foreign = "invalid", "foreign"
	for _, c := range []struct {
		page  string
		cases []struct{ ref, want string }
	}{
		{"http://h/b/c/d;p?q", []struct{ ref, want string }{
			// RFC 3986, section 5.4.1
			{"g:h", foreign}, {"g", "/b/c/g"}, {"./g", "/b/c/g"}, {"g/", "/b/c/g/"}, {"/g", "/g"},
			{"//g", foreign},
			{"?y", "/b/c/d;p?y"}, {"g?y", "/b/c/g?y"}, {"#s", "/b/c/d;p?q"}, {"g#s", "/b/c/g"},
			{"g?y#s", "/b/c/g?y"},
			{";x", "/b/c/;x"}, {"g;x", "/b/c/g;x"}, {"g;x?y#s", "/b/c/g;x?y"}, {"", "/b/c/d;p?q"},
			{".", "/b/c/"}, {"./", "/b/c/"},
			{"..", "/b/"}, {"../", "/b/"}, {"../g", "/b/g"}, {"../..", "/"}, {"../../", "/"},
			{"../../g", "/g"},
			// section 5.4.2
			{"../../../g", "/g"}, {"../../../../g", "/g"}, {"/./g", "/g"}, {"/../g", "/g"},
			{"g.", "/b/c/g."}, {".g", "/b/c/.g"},
			{"g..", "/b/c/g.."}, {"..g", "/b/c/..g"}, {"./../g", "/b/g"}, {"./g/.", "/b/c/g/"},
			{"g/./h", "/b/c/g/h"}, {"g/../h", "/b/c/h"},
			{"g;x=1/./y", "/b/c/g;x=1/y"}, {"g;x=1/../y", "/b/c/y"}, {"g?y/./x", "/b/c/g?y/./x"},
			{"g?y/../x", "/b/c/g?y/../x"},
			{"g#s/./x", "/b/c/g"}, {"g#s/../x", "/b/c/g"}, {"http:g", foreign},
		}},
		{"http://example.com:8000/d/e/page.html", []struct{ ref, want string }{
			// the origin
			{"http://example.com:8000/a", "/a"}, {"HTTP://EXAMPLE.com:8000/a", "/a"},
			{"http://example.com:8000", "/"}, {"http://example.com:8000?q", "/?q"},
			{"//example.com:8000/a", "/a"}, {"//example.com:8000", "/"},
			{"http://example.com:8000#f", "/"},
			{"http://example.com/a", foreign}, {"http://example.com:80/a", foreign},
			{"http://example.com:8001/a", foreign}, {"https://example.com:8000/a", foreign},
			{"http://user@example.com:8000/a", foreign},
			{"http://example.com:8000@other/a", foreign},
			{"http://example.com:8000.other/a", foreign},
			{"http://example%2ecom:8000/a", foreign}, {"http://example.com.:8000/a", foreign},
			{"http://example.com:08000/a", foreign},
			{"//", foreign}, {"///a", foreign}, {"////a", foreign}, {"http:///a", foreign},
			{"http:/a", foreign}, {"http:a", foreign}, {"http:", foreign},
			{"https:a", foreign}, {"data:text/css,a", foreign}, {"javascript:a", foreign},
			{"ftp://example.com:8000/a", foreign}, {"x+y-1.z:a", foreign},
			{"1:a", "/d/e/1:a"}, {"a/b:c", "/d/e/a/b:c"}, {":a", "/d/e/:a"},
			{"é:a", "/d/e/%C3%A9:a"},
			// what is left as it is, and what is encoded
			{"/a%20b", "/a%20b"}, {"/a b", "/a%20b"}, {"/é", "/%C3%A9"}, {"/%c3%a9", "/%c3%a9"},
			{"/a?b=é ", "/a?b=%C3%A9"}, {"/a?b[]=|", "/a?b%5B%5D=%7C"},
			{"/a?", "/a?"}, {"/a??b?c", "/a??b?c"}, {"/a?b/c", "/a?b/c"}, {"/%61", "/%61"},
			{"/a'b", "/a'b"}, {`/a"b`, "/a%22b"}, {"/a^`{}", "/a%5E%60%7B%7D"},
			{" /a ", "/a"}, {"\t/a\t", "/a"}, {"*", "/d/e/*"}, {"/a//b", "/a//b"},
			// what could be read in two ways, or cannot be read
			{`\a`, invalid}, {`/\other/a`, invalid}, {`/a\..\b`, invalid}, {"/a\x00b", invalid},
			{"/a\r\nb", invalid}, {"/a\tb", invalid}, {"/a\x7fb", invalid},
			{"/a\xff", invalid}, {"/\xc3", invalid}, {"/a%", invalid}, {"/a%2", invalid},
			{"/a%zz", invalid}, {"/a?%", invalid}, {"/a%00b", invalid},
			{"/a%2f../b", invalid}, {"/a/%2e%2e/b", "/b"}, {"/a/.%2E/b", "/b"},
			{"/a/%2e/b", "/a/b"}, {"/a/%2e%2e%2fb", invalid}, {"/a/..%2fb", invalid},
			{"/%2e%2e%5cb", invalid},
			{"/a/..%5cb", invalid}, {"/a/%2e%2e", "/"}, {"/%2fother/a", invalid},
			{"/%5cother/a", invalid}, {"/.//other/a", invalid}, {"/a/..//other/a", invalid},
			{"..//..//..//other", "/d//other"},
			{"/a/..../b", "/a/..../b"}, {"/a/.../b", "/a/.../b"}, {"/a%2fb", "/a%2fb"},
			{"/%252e%252e/a", invalid},
			{"/" + strings.Repeat("x", 9000), invalid}, {"/" + strings.Repeat("é", 4000), invalid},
		}},
		{"https://Example.COM/a/?x", []struct{ ref, want string }{
			{"https://example.com/b", "/b"}, {"https://example.com:443/b", "/b"},
			{"https://example.com:/b", "/b"}, {"//EXAMPLE.com:443", "/"},
			{"http://example.com/b", foreign}, {"https://example.com:80/b", foreign}, {"b", "/a/b"},
			{"?y", "/a/?y"},
		}},
		{"http://[::1]:8000/", []struct{ ref, want string }{
			{"http://[::1]:8000/a", "/a"}, {"http://[::1]/a", foreign},
			{"http://[::2]:8000/a", foreign},
		}},
		// HTTP/1.0 without Host
		{"http:///a/b", []struct{ ref, want string }{
			{"c", "/a/c"}, {"///c", foreign}, {"http:///c", foreign},
		}},
		{"http://h//x/y", []struct{ ref, want string }{{"z", invalid}, {"/z", "/z"}}},
	} {
		r := request(c.page)
		for _, cc := range c.cases {
			target, reason := push.Resolve(r, cc.ref)
			if got := target + string(reason); got != cc.want {
				t.Errorf("%s: Resolve(%.50q) = %.50q, want %.50q", c.page, cc.ref, got, cc.want)
			}
		}
	}
}

// TestResolveAbsolute is for the absolute form of a request target.
func TestResolveAbsolute(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "http://example.com/d/page?q", nil)
	if target, reason := push.Resolve(r, "a.css"); target != "/d/a.css" || reason != "" {
		t.Errorf("%q, %q", target, reason)
	}
}

func FuzzResolve(f *testing.F) {
	for _, page := range []string{"/", "/d/e/page.html?x=1", "//x/..", `/a\b/%2e`} {
		for _, ref := range []string{"a", "/a", "../../a", "//example.com/a",
			"http://example.com/%2e%2e/", "/a/%2e%2e%2f", `\`, "/é?é#é", "?", "#", "/.//x", "%",
		} {
			f.Add(page, ref)
		}
	}
	f.Fuzz(func(t *testing.T, page, ref string) {
		if !strings.HasPrefix(page, "/") || len(page) > 1<<16 {
			t.Skip()
		}
		r := request("http://example.com" + page)
		target, reason := push.Resolve(r, ref)
		if reason != "" {
			if target != "" || reason != push.Invalid && reason != push.Foreign {
				t.Fatalf("%q, %q", target, reason)
			}
			return
		}
		checkTarget(t, ref, target)
		// It is a target of this authority: resolved again, as a path and as a URL, it is the same.
		for _, again := range []string{target, "http://example.com" + target} {
			if got, reason := push.Resolve(r, again); got != target || reason != "" {
				t.Fatalf("%q again is %q, %q", again, got, reason)
			}
		}
	})
}

// checkTarget verifies that what ref was resolved to can be sent as a :path, and leads where it
// says.
func checkTarget(t *testing.T, ref, target string) {
	t.Helper()
	if !utf8.ValidString(ref) || strings.ContainsAny(ref, "\x00\r\n") {
		t.Fatalf("%q is accepted as %q", ref, target)
	}
	if target[0] != '/' || strings.HasPrefix(target, "//") || strings.Contains(target, "#") {
		t.Fatalf("%q is no :path", target)
	}
	for _, c := range []byte(target) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"<>\^{|}`+"`", c) >= 0 {
			t.Fatalf("%q has %q", target, c)
		}
	}
	u, err := url.ParseRequestURI(target)
	if err != nil || u.Host != "" || u.Scheme != "" {
		t.Fatalf("%q: %v, %v", target, u, err)
	}
	for segment := range strings.FieldsFuncSeq(u.Path,
		func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			t.Fatalf("%q leads through %q", target, segment)
		}
	}
	if strings.ContainsRune(u.Path, 0) {
		t.Fatalf("%q has a NUL", target)
	}
}
