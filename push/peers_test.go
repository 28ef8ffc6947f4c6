package push_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/push"
)

// A peerCase is a test case of another implementation.
type peerCase struct {
	id    string
	page  string   // "/base/page" if empty
	links []string // fields; H2O's and nghttp2's have one
	req   string   // a field of the request
	want  string   // what the other expects to be promised, in order
	ours  string   // what we promise, where that differs; "-" is nothing
	why   string   // why it differs
}

// peers are the test cases of mod_h2 (test_400_push.py), nghttp2 (http2_test.cc), H2O (util.c,
// 40server-push*.t), nginx (h2_server_push.t), and nghttpx (nghttpx_http2_test.go). In all of them
// the origin is that of the page.
var peers = []peerCase{
	{id: "mod_h2 400_00"},
	{id: "mod_h2 400_01", links: []string{`</006/006.css>;rel=preload`,
		`</006/006.js>;rel=preloadX`}, want: "/006/006.css"},
	{id: "mod_h2 400_02", links: []string{`</006/006.css>;rel=preloadX, ` +
		`</006/006.js>; rel=preload`}, want: "/006/006.js"},
	{id: "mod_h2 400_03", links: []string{`</006/006.css>;rel=preloa,</006/006.js>;rel=preload`},
		want: "/006/006.js"},
	{id: "mod_h2 400_04", links: []string{`</006/006.css;rel=preload, </006/006.js>; preload`}},
	{id: "mod_h2 400_05", links: []string{`</006/006.css>;rel="preload push"`},
		want: "/006/006.css"},
	{id: "mod_h2 400_06", links: []string{`</006/006.css>;rel="push preload"`},
		want: "/006/006.css"},
	{id: "mod_h2 400_07", links: []string{`</006/006.css>;rel="abc preload push"`},
		want: "/006/006.css"},
	{id: "mod_h2 400_08", links: []string{`</006/006.css>;rel="preload"; nopush`}},
	{id: "mod_h2 400_50", links: []string{`</006/006.css>;rel=preload`},
		req: "Accept-Push-Policy: none"},
	{id: "mod_h2 400_51", links: []string{`</006/006.css>;rel=preload`},
		req: "Accept-Push-Policy: default", want: "/006/006.css"},
	{id: "mod_h2 400_52", links: []string{`</006/006.css>;rel=preload`},
		req: "Accept-Push-Policy: head", want: "HEAD /006/006.css"},
	{id: "mod_h2 400_53", links: []string{`</006/006.css>;rel=preload`},
		req: "Accept-Push-Policy: fast-load", want: "/006/006.css"},

	nghttp2(1, `<url>`, ""),
	nghttp2(2, `<url>; rel=preload`, "url"),
	nghttp2(3, `<url>; rel=preload; as=file`, "url"),
	nghttp2(4, `<url>; as=file; rel=preload`, "url"),
	nghttp2(5, `<url>; rel=preload; title="foo,bar"`, "url"),
	nghttp2(6, `<url>; title="foo,bar"; rel=preload`, "url"),
	nghttp2(7, `<url>; title="foo,bar", <url2>; rel=preload`, "url2"),
	nghttp2(8, `<url>; rel=preload, <url2>`, "url"),
	nghttp2(9, `<url>; rel=preload, <url2>; rel=preload`, "url url2"),
	nghttp2(10, `<url>, <url2>;rel=preload`, "url2"),
	nghttp2(11, `<url>;rel=preload;`, "", "url", "a parameter may be empty"),
	nghttp2(12, `<url>;rel=preload;, <url>`, "", "url", "a parameter may be empty"),
	nghttp2(13, `<url>;rel=preload,`, "url"),
	nghttp2(14, `<url>,,,<url2>;rel=preload`, "url2"),
	nghttp2(15, `url>;rel=preload`, ""),
	nghttp2(16, `<url;rel=preload`, ""),
	nghttp2(17, `<url>;rel=preload; as=`, "", "url", "a value may be empty"),
	nghttp2(18, `<url>;as=;rel=preload`, "", "url", "a value may be empty"),
	nghttp2(19, `<url>;as=, <url>;rel=preload`, "", "url", "one bad element costs no other"),
	nghttp2(20, `<url>; =file; rel=preload`, "", "url",
		"a parameter without a name is passed over"),
	nghttp2(21, `<url>;as=file;rel=preload,<url2>;rel=preload`, "url url2"),
	nghttp2(22, `<url>; as; rel=preload`, "url"),
	nghttp2(23, `<url>; foo*=bar; rel=preload`, "url"),
	nghttp2(24, `<url>; *=bar; rel=preload`, "", "url",
		"a parameter that is unknown is passed over"),
	nghttp2(25, `<url>; foo*bar=buzz; rel=preload`, "", "url",
		"a parameter that is unknown is passed over"),
	nghttp2(26, `<url>; foo*; rel=preload`, "", "url",
		"a parameter that is unknown is passed over"),
	nghttp2(27, `<url> rel=preload`, ""),
	nghttp2(28, `  <url>; rel=preload`, "url"),
	nghttp2(29, `<url>; rel=preloadx`, ""),
	nghttp2(30, `<url>; rel="preload"`, "url"),
	nghttp2(31, `<url>; rel="preload foo"`, "url"),
	nghttp2(32, `<url>; rel="foo preload"`, "url"),
	nghttp2(33, `<url>; rel="foo preload bar"`, "url"),
	nghttp2(34, `<url>; rel="foo   preload   bar"`, "url"),
	nghttp2(35, `<url>; rel="foo"`, ""),
	nghttp2(36, `<url>; rel="foo bar"`, ""),
	nghttp2(37, `<url>; rel="preload", <url2>`, "url"),
	nghttp2(38, `<url>, <url2>; rel="preload"`, "url2"),
	nghttp2(39, `<url>; rel="preload"; as="font"`, "url"),
	nghttp2(40, `<url>; rel="preload".`, "", "url",
		"RFC 8288, appendix B.3: what follows the parameters is passed over"),
	nghttp2(41, `<url>; rel="preload";`, "", "url", "a parameter may be empty"),
	nghttp2(42, `<url>; rel="preload",`, "url"),
	nghttp2(43, `<url>; rel=" preload"`, "", "url",
		"RFC 8288, section 3.3: white space separates relation types"),
	nghttp2(44, `<url>; rel="preload "`, "", "url",
		"RFC 8288, section 3.3: white space separates relation types"),
	nghttp2(45, `<url>; rel=preload; title="foo\"baz\"bar"`, "url"),
	nghttp2(46, `<url>; rel=preload; anchor=""`, "url"),
	nghttp2(47, `<url>; rel=preload; anchor="#foo"`, ""),
	nghttp2(48, `<url>; rel=preload; anchor=f`, ""),
	nghttp2(49, `<url>; rel=preload; anchor="#foo", <url2>; rel=preload`, "url2"),
	nghttp2(50, `<url>; rel=preload; loadpolicy="next"`, "", "url",
		"loadpolicy never became part of a specification"),
	nghttp2(51, `<url>; rel=preload; loadpolicy=""`, "url"),
	nghttp2(52, `<url>; rel=preload; ANCHOR="#foo", <url2>; REL=PRELOAD, `+
		`<url3>; REL="foo PRELOAD bar"`, "url2 url3"),
	nghttp2(53, `<url>; rel=preload; nopush`, ""),
	nghttp2(54, `<url>; rel=preload; nopush; foo`, ""),
	nghttp2(55, `<url>; nopush; rel=preload`, ""),
	nghttp2(56, `<url>; nopushyes; rel=preload`, "url"),
	nghttp2(57, `<url>; rel=preload; rel=preload`, "url"),

	{id: "nghttpx ServerPush",
		links: []string{`</css/main.css>; rel=preload, </foo>, </css/theme.css>; rel=preload`},
		want:  "/css/main.css /css/theme.css"},

	h2o(1, `<http://example.com:8000/otherpath>; rel=preload`, "/otherpath"),
	h2o(2, `</otherpath>; rel=preload`, "/otherpath"),
	h2o(3, `<otherpath>; rel=preload`, "/basepath/otherpath"),
	h2o(4, `<../otherpath>; rel=preload`, "/otherpath"),
	h2o(5, `<http:otherpath>; rel=preload`, "/basepath/otherpath", "-",
		"RFC 3986, section 5.2.2: a strict parser takes it for an absolute URI without authority"),
	h2o(6, `<../otherpath>; rel=author`, ""),
	h2o(7, `<http://example.com:81/otherpath>; rel=preload`, ""),
	h2o(8, `<https://example.com:8000/otherpath>; rel=preload`, ""),
	h2o(9, `<https:otherpath>; rel=preload`, ""),
	h2o(13, `<http:otherpath>; rel=preload; nopush`, ""),
	h2o(14, `<otherpath>; rel=preload; x-http2-push-only`, "/basepath/otherpath"),
	h2o(15, `<otherpath>; rel=preload; critical`, "/basepath/otherpath"),
	h2o(16, `</firstpath>; rel=preload, </secondpath>; rel=preload`, "/firstpath /secondpath"),
	h2o(17, `</firstpath>; rel=preload; nopush, </secondpath>; rel=preload`, "/secondpath"),
	h2o(18, `</firstpath>; rel=preload; nopush, </secondpath>; nopush; rel=preload; </thirdpath>`,
		""),
	h2o(19, `</firstpath>; rel=preload; nopush, <secondpath>; rel=notpreload`, ""),
	h2o(20, `</firstpath>; rel=preload, </secondpath>; rel=preload; nopush, `+
		`</thirdpath>; rel=preload`, "/firstpath /thirdpath"),
	h2o(21, `hogefoo`, ""),
	h2o(22, `</111>; rel=preload, </222>; rel=preload; nopush, `+
		`</333>; rel=preload; x-http2-push-only, </444>; rel=preload`, "/111 /333 /444"),
	{id: "H2O push-attrs", links: []string{`</a>; rel=preload, </a?1>; rel=preload, ` +
		`</a?nopush>; rel=preload; nopush`}, want: "/a /a?1"},
	{id: "H2O critical", links: []string{`</a.jpg?1>; rel=preload, </a.jpg?2>; rel=preload, ` +
		`</a.jpg?3>; rel=preload; critical,`}, want: "/a.jpg?1 /a.jpg?2 /a.jpg?3"},

	{id: "nginx preload2", links: []string{`</push>; rel=preload`, `</push2 >; rel=preload`,
		`</push3>; rel=preloadX`, `</push4>; rel="preload"`,
		`</push5>; rel="preloadX"`, `</push6>; rel=preload; nopush`, `</push7>; rel="foo"`,
		`</push7>; rel="foo preload"`}, want: "/push /push2 /push4 /push7"},
	{id: "nginx preload3", links: []string{`</push>; rel=preload, </push2>; rel=preload`,
		`</push3>, </push4>; rel=preload`}, want: "/push /push2 /push4"},
	{id: "nginx both", links: []string{`</push>; rel=preload`, `</push>; rel=preload`},
		want: "/push /push", ours: "/push", why: "one resource is one candidate"},

	{id: "Caddy params", links: []string{`</resource>;nopush;rel=next,</resource2>;nopush`}},
	{id: "Caddy no rel", links: []string{`</resource>; as=script`}, want: "/resource", ours: "-",
		why: "a link without rel=preload asks for nothing"},
	{id: "Caddy malformed", links: []string{`malformed`, `<malformed`, `,`, `;`}},
}

// nghttp2 makes a case of test_http2_parse_link_header, whose targets are relative.
func nghttp2(n int, link, want string, differs ...string) peerCase {
	return peer("nghttp2", n, "/d/page", link, under("/d/", want), differs, "/d/")
}

// h2o makes a case of extract_push_path. Cases 10 to 12 are about a request that H2O sends on to
// another URL: there is no such thing here.
func h2o(n int, link, want string, differs ...string) peerCase {
	return peer("H2O", n, "/basepath/", link, want, differs, "")
}

func peer(name string, n int, page, link, want string, differs []string, dir string) peerCase {
	c := peerCase{id: name + " " + string(rune('0'+n/10)) + string(rune('0'+n%10)), page: page,
		links: []string{link}, want: want}
	if len(differs) == 2 {
		c.ours, c.why = under(dir, differs[0]), differs[1]
		if differs[0] == "-" {
			c.ours = "-"
		}
	}
	return c
}

func under(dir, targets string) string {
	words := strings.Fields(targets)
	for i := range words {
		words[i] = dir + words[i]
	}
	return strings.Join(words, " ")
}

func TestPeers(t *testing.T) {
	for _, c := range peers {
		target := c.page
		if target == "" {
			target = "/base/page"
		}
		conn := newConn()
		s := site{target: page(c.links...)}
		var fields []string
		if c.req != "" {
			fields = []string{c.req}
		}
		conn.get(t, &push.Handler{Next: s, Policy: new(push.Policy)}, http.MethodGet, target,
			fields...)
		want := c.want
		if c.ours != "" {
			if c.why == "" {
				t.Errorf("%s differs for no reason", c.id)
			}
			if want = c.ours; want == "-" {
				want = ""
			}
			if want == c.want {
				t.Errorf("%s does not differ", c.id)
			}
		}
		if got := strings.Join(conn.targets(), " "); got != want {
			t.Errorf("%s: %q: promised %q, want %q", c.id, c.links, got, want)
		}
	}
}

// TestPeersFiltered is H2O's extract_push_path and 40server-push-attrs.t: what the client sees of
// the Link field.
func TestPeersFiltered(t *testing.T) {
	for _, c := range []struct {
		links, want []string
	}{
		{[]string{`</a>; rel=preload; x-http2-push-only`}, nil},
		{[]string{`</111>; rel=preload, </222>; rel=preload; nopush, ` +
			`</333>; rel=preload; x-http2-push-only, </444>; rel=preload`},
			[]string{`</111>; rel=preload, </222>; rel=preload; nopush, </444>; rel=preload`}},
		{[]string{`</a>; rel=preload; x-http2-push-only`, `</b>; rel=preload`},
			[]string{`</b>; rel=preload`}},
		{[]string{`</a>; rel=preload;x-http2-push-only=1 , junk, </b>; rel=next;`},
			[]string{`</b>; rel=next`}},
		// nothing is to be hidden: it stays as it is
		{[]string{`</a>; rel=preload, junk,`}, []string{`</a>; rel=preload, junk,`}},
		{[]string{`</a>; rel=next; x-http2-push-only`},
			[]string{`</a>; rel=next; x-http2-push-only`}},
	} {
		for _, conn := range []*conn{newConn(), {off: true}} {
			w := conn.get(t, &push.Handler{Next: site{"/": page(c.links...)},
				Policy: new(push.Policy)}, http.MethodGet, "/")
			if got := w.Result().Header["Link"]; !slices.Equal(got, c.want) {
				t.Errorf("%q becomes %q, want %q", c.links, got, c.want)
			}
		}
	}
}

// TestPeersHints is mod_h2's test_401_early_hints.py, and what Go's server_push_test.go says of
// http.Pusher.
func TestPeersHints(t *testing.T) {
	const link = `</006/006.css>;rel=preload;as=style`
	early := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", link)
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.Write([]byte("page"))
	}
	final := page(link)
	for _, c := range []struct {
		id    string
		h     http.HandlerFunc
		off   bool
		want  string
		hints []string
	}{
		// mod_h2 401_31 and 401_33 send a 103 besides the promise: the client would be told twice,
		// so we do not.
		{"401_31, 401_33", early, false, "/006/006.css", nil},
		{"401_32", final, false, "/006/006.css", nil},
		{"401_34", early, true, "", []string{link}},
		{"H2Push off", final, true, "", nil},
	} {
		conn := newConn()
		w := conn.get(t, &push.Handler{Next: site{"/": c.h}, Policy: &push.Policy{Off: c.off}},
			http.MethodGet, "/")
		if got := strings.Join(conn.targets(), " "); got != c.want {
			t.Errorf("%s: promised %q, want %q", c.id, got, c.want)
		}
		var hints []string
		for _, h := range w.hints {
			hints = append(hints, h["Link"]...)
		}
		if !slices.Equal(hints, c.hints) || w.Code != http.StatusOK {
			t.Errorf("%s: status %d, hints %q, want %q", c.id, w.Code, hints, c.hints)
		}
	}
}

func TestPeersPusher(t *testing.T) {
	for _, c := range []struct {
		name, target string
		o            *http.PushOptions
		conn         *conn
		want         string
	}{
		{"success", "http://example.com:8000/a",
			&http.PushOptions{Header: http.Header{"X-Variant": {"b"}}}, newConn(), ""},
		{"head", "/a", &http.PushOptions{Method: "HEAD"}, newConn(), ""},
		{"relative", "../a", nil, newConn(), ""}, // Go refuses it; we resolve it against the page
		{"disabled", "/a", nil, &conn{off: true}, "feature not supported"},
		{"limit", "/a", nil, &conn{room: 0}, "push: /a: skipped: limit (call)"},
		{"wrong scheme", "https://example.com:8000/a", nil, newConn(),
			"push: https://example.com:8000/a: skipped: foreign (call)"},
		{"no host", "https:pushed", nil, newConn(), "push: https:pushed: skipped: foreign (call)"},
		{"method", "/a", &http.PushOptions{Method: "POST"}, newConn(),
			"push: /a: skipped: invalid (call): only GET and HEAD can be promised"},
		{"content-length", "/a", &http.PushOptions{Header: http.Header{"Content-Length": {"1"}}},
			newConn(), "push: /a: skipped: invalid (call): a promised request cannot have the " +
				"field Content-Length"},
		{"pseudo-header", "/a", &http.PushOptions{Header: http.Header{":authority": {"x"}}},
			newConn(), "push: /a: skipped: invalid (call): a promised request cannot have the " +
				"field :authority"},
		{"cookie", "/a", &http.PushOptions{Header: http.Header{"cookie": {"x"}}}, newConn(),
			"push: /a: skipped: invalid (call): a promised request cannot have the field cookie"},
		{"value", "/a", &http.PushOptions{Header: http.Header{"X": {"a\r\nb"}}}, newConn(),
			"push: /a: skipped: invalid (call): a promised request cannot have the field X"},
	} {
		var err error
		s := site{"/": func(w http.ResponseWriter, _ *http.Request) {
			err = w.(http.Pusher).Push(c.target, c.o)
		}}
		c.conn.get(t, &push.Handler{Next: s, Policy: &push.Policy{NoHints: true}}, http.MethodGet,
			"/")
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if (len(c.conn.promises) == 1) != (c.want == "") {
			t.Errorf("%s: promised %q", c.name, c.conn.targets())
		}
	}
}
