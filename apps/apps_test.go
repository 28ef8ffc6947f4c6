package apps_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/apps"
	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/lib/files"
	"github.com/larkspur-web/larkspur/runtime/state"
	"github.com/larkspur-web/larkspur/server"
	libsite "github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
)

// A tree is the embedded one with files of the test's own in front of it.
type tree struct{ over fstest.MapFS }

func (t tree) Open(name string) (fs.File, error) {
	if f, err := t.over.Open(name); err == nil && t.over[name] != nil {
		return f, nil
	}
	return apps.FS.Open(name)
}

// A site is a program that is served.
type site struct {
	*httptest.Server
	log *logBuffer
}

// A logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// kept are the directories of all applications of the tests.
var kept = files.Temporary()

// shared is the state of all applications of the tests.
var shared = new(state.Grant)

// granted is what else they may reach: databases in memory, and no server.
var granted = grant.Everything()

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "larkspur-apps-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	shared.Dir = dir
	code := browsertest.Browsers{M: m}.Run()
	if err := errors.Join(kept.Close(), shared.Close(), os.RemoveAll(dir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// load loads a program of the embedded tree, or of a source that is put into its root as test.star.
func load(entry, source string, logger *slog.Logger) (*runtime.Program, error) {
	app := &libsite.Application{FS: tree{fstest.MapFS{"test.star": {Data: []byte(source)}}}}
	granted.To(app)
	app.Grants[files.Name] = kept
	for _, m := range state.Modules() {
		app.Grants[m.Name] = shared
	}
	app.Grants["middleware"] = shared // for limits of all processes
	return runtime.Load(app.Config(logger), entry)
}

// serve serves a program below the path mount.
func serve(t *testing.T, entry, source, mount string) *site {
	t.Helper()
	s := &site{log: new(logBuffer)}
	logger := slog.New(slog.NewTextHandler(s.log, nil))
	program, err := load(entry, source, logger)
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewUnstartedServer(&server.Handler{App: program, Mount: mount, Logger: logger, Push: &push.Policy{HintHTTP1: true}})
	if err := server.Configure(s.Config); err != nil {
		t.Fatal(err)
	}
	return s
}

// start serves a program over HTTP/1.1.
func start(t *testing.T, entry, source string) *site {
	t.Helper()
	s := serve(t, entry, source, "")
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// linted is the source that puts an application of the tree under lint.
func linted(entry string) string {
	return fmt.Sprintf("load(\"lint.star\", \"lint\")\nload(%q, _app = \"app\")\napp = lint(_app)\n", "//"+entry)
}

// A request asks for something that a user would see.
type request struct {
	app    string // a file of the tree
	method string // "" for GET
	path   string
	header string // NAME: VALUE
	body   string

	status int
	kind   string   // the Content-Type, of which this is the beginning
	length int      // Content-Length; -1 if none may be declared; 0 if it does not matter
	want   []string // each is part of the answer
	lacks  string   // is not
}

const (
	text       = "text/plain"
	page       = "text/html; charset=utf-8"
	urlencoded = "Content-Type: application/x-www-form-urlencoded"
)

var requests = []request{
	{app: "hello.star", path: "/", status: 200, kind: text, length: 14, want: []string{"Hello, world!\n"}},
	{app: "hello.star", path: "/any/where", method: "HEAD", status: 200, kind: text, length: 14},

	{app: "environ.star", path: "/caf%C3%A9?x=1&x=2", header: "X-Bird: lark", status: 200, kind: text,
		want: []string{`PATH_INFO: "/café"`, `QUERY_STRING: "x=1&x=2"`, `HTTP_X_BIRD: "lark"`, "wsgi.version: (1, 0)", "wsgi.input_terminated: True"}},
	{app: "environ.star", path: "/", method: "POST", body: "a body\n", status: 200, kind: text,
		want: []string{`REQUEST_METHOD: "POST"`, `CONTENT_LENGTH: "7"`, "\n\na body\n"}},

	{app: "form.star", path: "/", status: 200, kind: page, want: []string{"<form method=\"post\">", "Ada &lt;3"}},
	{app: "form.star", path: "/", method: "POST", header: urlencoded, body: "name=%3Cscript%3E%26%22&likes=larks&likes=spurs", status: 200, kind: page,
		want: []string{"<th>name</th><td>&lt;script&gt;&amp;&quot;", "<th>likes</th><td>larks", "<th>likes</th><td>spurs"}, lacks: "<script>"},
	{app: "form.star", path: "/", method: "POST", header: urlencoded, body: "name=%zz&likes=100%", status: 200, kind: page,
		want: []string{"<th>name</th><td>%zz", "<th>likes</th><td>100%"}},
	{app: "form.star", path: "/", method: "POST", header: "Content-Type: multipart/form-data", status: 400, kind: text},
	{app: "form.star", path: "/", method: "DELETE", status: 405, kind: text, want: []string{"GET or POST"}},

	{app: "upload.star", path: "/", status: 200, kind: page, want: []string{`enctype="multipart/form-data"`}},
	{app: "upload.star", path: "/lark.txt", method: "PUT", body: strings.Repeat("lark", 100_000), status: 201, kind: text, want: []string{"/f/"}},
	{app: "upload.star", path: "/", method: "PUT", body: strings.Repeat("lark", 3<<20), status: 413, kind: text},
	{app: "upload.star", path: "/", method: "DELETE", status: 405, kind: text},

	{app: "tour/examples/mounted.star", path: "/", status: 200, kind: text, want: []string{"This is home.", `SCRIPT_NAME: ""`, `PATH_INFO: "/"`}},
	{app: "tour/examples/mounted.star", path: "/blog", status: 200, kind: text, want: []string{"This is the blog.", `SCRIPT_NAME: "/blog"`, `PATH_INFO: ""`}},
	{app: "tour/examples/mounted.star", path: "/blog/admin/x", status: 200, kind: text, want: []string{"back room", `SCRIPT_NAME: "/blog/admin"`, `PATH_INFO: "/x"`}},
	{app: "tour/examples/mounted.star", path: "/blogs", status: 200, kind: text, want: []string{"This is home.", `PATH_INFO: "/blogs"`}},
	{app: "tour/examples/mounted.star", path: "/blog//x", status: 200, kind: text, want: []string{`SCRIPT_NAME: "/blog"`, `PATH_INFO: "//x"`}},

	{app: "tour/examples/catch.star", path: "/", status: 200, kind: text, want: []string{"100 / 7 = 14.28"}},
	{app: "tour/examples/catch.star", path: "/?by=0", status: 400, kind: text, want: []string{"division by zero", "Traceback", "catch.star:"}},
	{app: "tour/examples/catch.star", path: "/?by=seven", status: 400, kind: text, want: []string{"invalid literal"}},
	{app: "tour/examples/catch.star", path: "/uncaught?by=0", status: 500, kind: text, lacks: "Traceback"},

	{app: "tour/examples/broken.star", path: "/", status: 200, kind: page, want: []string{"the status is int, not a string"}},
	{app: "tour/examples/broken.star", path: "/?app=headers", status: 200, kind: page, want: []string{"the headers are dict, not a list"}},
	{app: "tour/examples/broken.star", path: "/?app=line_break", status: 200, kind: page, want: []string{"has a control character"}},
	{app: "tour/examples/broken.star", path: "/?app=connection", status: 200, kind: page, want: []string{"Connection belongs to the connection"}},
	{app: "tour/examples/broken.star", path: "/?app=text", status: 200, kind: page, want: []string{"returned string, which is a block and no body"}},
	{app: "tour/examples/broken.star", path: "/?app=nothing", status: 200, kind: page, want: []string{"returned None"}},
	{app: "tour/examples/broken.star", path: "/?app=number", status: 200, kind: page, want: []string{"item 1 of the body is int"}},
	{app: "tour/examples/broken.star", path: "/?app=length", status: 200, kind: page, want: []string{"more than the 5 bytes"}},
	{app: "tour/examples/broken.star", path: "/?app=%3Cb%3E", status: 200, kind: page, want: []string{"no such application"}, lacks: "<b>"},

	{app: "tour/examples/reload.star", path: "/", status: 200, kind: text, want: []string{"Hello! I was loaded at "}},

	{app: "tour/examples/site.star", path: "/tour.css", status: 200, kind: "text/css", want: []string{"color-scheme"}},
	{app: "tour/examples/site.star", path: "/larkspur.svg", header: "Range: bytes=0-3", status: 206, kind: "image/svg+xml", length: 4, want: []string{"<svg"}},
	{app: "tour/examples/site.star", path: "/tour.css", method: "HEAD", status: 200, kind: "text/css"},
	{app: "tour/examples/site.star", path: "/../app.star", status: 404, kind: text},

	{app: "tour/examples/hints.star", path: "/", status: 200, kind: page, want: []string{`<link rel="stylesheet" href="/hints.css?`}},
	{app: "tour/examples/hints.star", path: "/hints.css", status: 200, kind: "text/css"},

	{app: "httpbin/app.star", path: "/", status: 200, kind: page, want: []string{"/status/{codes}"}},
	{app: "httpbin/app.star", path: "/forms/post", status: 200, kind: page, want: []string{`action="/post"`}},
	{app: "httpbin/app.star", path: "/links/3/1", status: 200, kind: page, want: []string{`<a href="/links/3/2">`}},
	{app: "httpbin/app.star", path: "/html", status: 200, kind: page},
	{app: "httpbin/app.star", path: "/encoding/utf8", status: 200, kind: page},
	{app: "httpbin/app.star", path: "/status/418", status: 418, kind: text, want: []string{"teapot"}},
	{app: "httpbin/app.star", path: "/anything", method: "DELETE", body: "x", status: 200, kind: "application/json", want: []string{`"data": "x"`}},
	{app: "api/app.star", path: "/", status: 200, kind: page, want: []string{`data-path="/books/{id}"`}},
	{app: "api/app.star", path: "/openapi.json", status: 200, kind: "application/json", want: []string{`"openapi": "3.1.0"`}},
	{app: "api/app.star", path: "/books?author=2", status: 200, kind: "application/json", want: []string{"Solaris"}},
	{app: "api/app.star", path: "/books?author=x", status: 400, kind: "application/problem+json"},
	{app: "api/app.star", path: "/books/99", status: 404, kind: "application/problem+json"},
	{app: "api/app.star", path: "/books/1", method: "PATCH", header: "If-Match: *", body: "x", status: 415, kind: "application/problem+json"},
	{app: "api/app.star", path: "/books/1", method: "DELETE", status: 428, kind: "application/problem+json"},
	{app: "links/app.star", path: "/", status: 200, kind: page, want: []string{"will be listed here"}},
	{app: "links/app.star", path: "/", method: "POST", header: urlencoded, body: "url=https://example.com/", status: 201, kind: text, want: []string{"http://127.0.0.1:"}},
	{app: "links/app.star", path: "/", method: "POST", header: urlencoded, body: "url=javascript:alert(1)", status: 422, kind: text, want: []string{"http:// or https:// only"}},
	{app: "links/app.star", path: "/nothing", status: 404, kind: text},
	{app: "mock/app.star", path: "/", status: 200, kind: page, want: []string{"/teas/{id}"}},
	{app: "mock/app.star", path: "/teas/assam", status: 200, kind: "application/json", want: []string{"Assam"}},

	{app: "wiki/app.star", path: "/", status: 200, kind: page, want: []string{`<h1 dir="auto">Home</h1>`, `href="/p/Shopping_list" class="missing"`}},
	{app: "wiki/app.star", path: "/p/Home/history", status: 200, kind: page, want: []string{"Version 1"}},
	{app: "wiki/app.star", path: "/p/Home/v/1", status: 200, kind: page, want: []string{"<b>Version 1 of 1</b>"}},
	{app: "wiki/app.star", path: "/p/Home/diff", status: 200, kind: page, want: []string{"They are the same."}},
	{app: "wiki/app.star", path: "/p/Home/edit", status: 200, kind: page, want: []string{"<h1>Log in</h1>", `name="page" value="Home"`}},
	{app: "wiki/app.star", path: "/p/%3Cb%3E", status: 404, kind: page, want: []string{"<h1 dir=\"auto\">&lt;b&gt;</h1>"}, lacks: "<b>"},
	{app: "wiki/app.star", path: "/search?q=%22a+OR+(+wiki", status: 200, kind: page, want: []string{"No page has all of these words."}},
	{app: "wiki/app.star", path: "/search?q=welcome", status: 200, kind: page, want: []string{"<mark>Welcome</mark>"}},
	{app: "wiki/app.star", path: "/recent", status: 200, kind: page, want: []string{"The first page"}},
	{app: "wiki/app.star", path: "/pages", status: 200, kind: page, want: []string{`<a href="/p/Home">Home</a>`}},
	{app: "wiki/app.star", path: "/register", status: 200, kind: page, want: []string{"new-password"}},
	{app: "wiki/app.star", path: "/p/Home/edit", method: "POST", header: urlencoded, body: "text=%3Cscript%3E&version=1&note=%22", status: 403, kind: page,
		want: []string{"You are not logged in any more.", "\n&lt;script&gt;</textarea>"}, lacks: "<script"},
	{app: "wiki/app.star", path: "/p/Home/edit", method: "POST", header: "Sec-Fetch-Site: cross-site", status: 403, kind: text},
	{app: "wiki/app.star", path: "/wiki.css", status: 200, kind: "text/css", want: []string{"color-scheme"}},

	{app: "chat/app.star", path: "/", status: 200, kind: page, want: []string{"Say what you want to be called", "nobody is there"}},
	{app: "chat/app.star", path: "/rooms/hall", status: 200, kind: page, want: []string{"Say what you want to be called"}},
	{app: "chat/app.star", path: "/rooms/hall", method: "POST", header: urlencoded, body: "text=hello", status: 403, kind: text},
	{app: "chat/app.star", path: "/rooms/hall/live", status: 403, kind: text},

	{app: "poll/app.star", path: "/", status: 200, kind: page, want: []string{"Ask around"}},
	{app: "poll/app.star", path: "/", method: "POST", header: urlencoded, body: "question=Tea&answer=yes&answer=no", status: 200, kind: page, want: []string{"Tea</h1>", "0 votes in all"}},
	{app: "poll/app.star", path: "/", method: "POST", header: urlencoded, body: "question=%22%3Cb%3E", status: 422, kind: page, want: []string{"2 to 8 answers"}, lacks: "<b>"},
	{app: "poll/app.star", path: "/aaaaaaaaaaa", status: 404, kind: text},

	{app: "jobs/app.star", path: "/", status: 200, kind: page, want: []string{`enctype="multipart/form-data"`}},
	{app: "jobs/app.star", path: "/", method: "POST", header: urlencoded, body: "texts=x", status: 422, kind: page, want: []string{"Choose a text first."}},
	{app: "jobs/app.star", path: "/aaaaaaaaaaa/again", method: "POST", status: 404, kind: text},

	{app: "dash/app.star", path: "/", status: 200, kind: page, want: []string{"All numbers", `data-place="requests.ended"`}},
	{app: "dash/app.star", path: "/dash.js", status: 200, kind: "text/javascript", want: []string{"EventSource"}},

	{app: "push.star", path: "/", status: 200, kind: page, want: []string{`<link rel="stylesheet" href="push.css">`, "takes no pushes"}},
	{app: "push.star", path: "/push.css", status: 200, kind: "text/css"},
	{app: "push.star", path: "/facts.json", status: 200, kind: "application/json"},
	{app: "push.star", path: "/nowhere.png", status: 404, kind: text},

	{app: "app.star", path: "/", status: 200, kind: page, want: []string{"<title>Larkspur, by example</title>"}},
	{app: "app.star", path: "/favicon.ico", status: 200, kind: "image/svg+xml"},
	{app: "app.star", path: "/nowhere/%3Cb%3E", status: 404, kind: page, want: []string{"Not here"}, lacks: "<b>"},
	{app: "app.star", path: "/hello", method: "POST", status: 405, kind: text},
}

// TestApps asks each application what a user would, bare and under lint, which must make no difference.
func TestApps(t *testing.T) {
	sites := make(map[string]*site)
	for _, wrap := range []string{"bare", "linted", "linted twice"} {
		for _, r := range requests {
			key := wrap + " " + r.app
			if sites[key] == nil {
				switch wrap {
				case "bare":
					sites[key] = start(t, r.app, "")
				case "linted":
					sites[key] = start(t, "test.star", linted(r.app))
				default:
					sites[key] = start(t, "test.star", strings.Replace(linted(r.app), "lint(_app)", "lint(lint(_app))", 1))
				}
			}
			t.Run(fmt.Sprintf("%s %s%s", key, r.method, r.path), func(t *testing.T) { sites[key].check(t, r) })
		}
	}
	for key, s := range sites {
		if strings.Contains(s.log.String(), "lint:") {
			t.Errorf("%s: lint complains:\n%s", key, s.log)
		}
	}
}

func (s *site) check(t *testing.T, r request) {
	t.Helper()
	method := r.method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequest(method, s.URL+r.path, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	if name, value, ok := strings.Cut(r.header, ": "); ok {
		req.Header.Set(name, value)
	}
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != r.status {
		t.Errorf("status %d, want %d\n%s\n%s", res.StatusCode, r.status, got, s.log)
	}
	if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, r.kind) {
		t.Errorf("Content-Type %q, want %q", kind, r.kind)
	}
	if r.length != 0 && res.ContentLength != int64(r.length) {
		t.Errorf("Content-Length %d, want %d", res.ContentLength, r.length)
	}
	if strings.HasPrefix(r.kind, page) && method != http.MethodHead {
		for _, fault := range invalid(string(got)) {
			t.Errorf("not valid HTML: %s\n%s", fault, got)
		}
	}
	for _, want := range r.want {
		if !strings.Contains(string(got), want) {
			t.Errorf("the answer lacks %q:\n%s", want, got)
		}
	}
	if r.lacks != "" && strings.Contains(string(got), r.lacks) {
		t.Errorf("the answer has %q:\n%s", r.lacks, got)
	}
}

// TestUpload sends a file in a form, whose name and content are HTML, and looks at its page.
func TestUpload(t *testing.T) {
	for _, entry := range []string{"upload.star", "test.star"} {
		s := start(t, entry, linted("upload.star"))
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		part, err := w.CreateFormFile("files", "<i>.html")
		if err == nil {
			_, err = io.WriteString(part, "<b>bold</b>\n")
		}
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		s.check(t, request{path: "/", method: "POST", header: "Content-Type: " + w.FormDataContentType(), body: form.String(), status: 200, kind: page,
			want: []string{"&lt;i&gt;.html</h1>", "12 bytes · text/html", ">&lt;b&gt;bold&lt;/b&gt;\n</pre>"}, lacks: "<b>"})
	}
}

// TestStream verifies that a line has arrived before the next one is made.
func TestStream(t *testing.T) {
	for _, entry := range []string{"stream.star", "test.star"} {
		s := start(t, entry, linted("stream.star"))
		for _, path := range []string{"/", "/written"} {
			res, err := s.Client().Get(s.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(res.Body)
			if _, err := lines.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			arrived := time.Now().Format("15:04:05.000")
			second, err := lines.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			_, made, _ := strings.Cut(strings.TrimSpace(second), "made at ")
			// A clock that has passed midnight meanwhile starts again.
			if made < arrived && !strings.HasPrefix(made, "00:00:0") {
				t.Errorf("%s%s: line 2 was made at %s, line 1 arrived at %s", entry, path, made, arrived)
			}
			if res.ContentLength >= 0 {
				t.Errorf("%s%s: Content-Length %d of a stream", entry, path, res.ContentLength)
			}
			res.Body.Close()
		}
	}
}

// TestEarlyHints verifies that the example's 103 comes before its answer, and names what the page loads.
func TestEarlyHints(t *testing.T) {
	for _, entry := range []string{"tour/examples/hints.star", "test.star"} {
		s := start(t, entry, linted("tour/examples/hints.star"))
		var hint string
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			hint = fmt.Sprint(code, " ", header.Get("Link"))
			return nil
		}}
		req, err := http.NewRequest(http.MethodGet, s.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.Client().Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		sheet, _, _ := strings.Cut(strings.TrimPrefix(hint, "103 <"), ">")
		if sheet == hint || !strings.HasPrefix(sheet, "/hints.css?") || !strings.Contains(string(answer), fmt.Sprintf("href=%q", sheet)) {
			t.Errorf("hint %q, page:\n%s", hint, answer)
		}
	}
}

// TestMount holds what mount says of what cannot be mounted, and that nothing answers elsewhere.
func TestMount(t *testing.T) {
	const head = "load(\"mount.star\", \"mount\")\nload(\"hello.star\", \"app\")\nhello = app\n"
	for mounts, want := range map[string]string{
		`{"blog": hello}`:               `mount: the prefix "blog" does not begin with a slash: write "/blog"`,
		`{1: hello}`:                    "mount: the prefix 1 does not begin with a slash",
		`{"/blog": "hello"}`:            "mount: at /blog is string, not an application",
		`{"/a": hello, "/a/": hello}`:   "mount: two applications at /a/: leave one out",
		`{"/": hello, "": hello}`:       "mount: two applications at /: leave one out",
		`{"/a": hello, "/b": [hello]}`:  "mount: at /b is list, not an application",
		`{"/a": hello, "/b": hello(1)}`: "missing 1 argument",
	} {
		_, err := load("test.star:site", head+"site = mount("+mounts+")\n", nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("mount(%s): %v, want %q", mounts, err, want)
		}
	}
	s := start(t, "test.star:site", head+`site = mount({"/a": hello, "/a/b/": hello})`)
	for path, status := range map[string]int{"/": 404, "/a": 200, "/a/": 200, "/a/b": 200, "/a/b/c": 200, "/ab": 404, "/b": 404} {
		s.check(t, request{path: path, status: status, kind: text})
	}
}

// TestScripts verifies that every script says what it is, and that every application is asked above.
func TestScripts(t *testing.T) {
	var scripts []string
	err := fs.WalkDir(apps.FS, ".", func(name string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(name, ".star") {
			scripts = append(scripts, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	asked := make(map[string]bool)
	for _, r := range requests {
		asked[r.app] = true
	}
	for _, name := range scripts {
		source, err := fs.ReadFile(apps.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(source, []byte(`"""`)) && !strings.HasPrefix(name, "tour/pages/") {
			t.Errorf("%s does not begin with a sentence that says what it is", name)
		}
		if bytes.Contains(source, []byte("\ndef app(")) && name != "stream.star" && !asked[name] {
			t.Errorf("%s is an application that no test asks; those asked are %v", name, slices.Sorted(maps.Keys(asked)))
		}
	}
}

// readSource returns a file of the tree without the blanks around it.
func readSource(t *testing.T, name string) string {
	t.Helper()
	source, err := fs.ReadFile(apps.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(source))
}

// TestList verifies that what can be asked for by name is there, under names that differ.
func TestList(t *testing.T) {
	seen := make(map[string]bool)
	for _, a := range apps.List() {
		if seen[a.Name] || a.About == "" {
			t.Errorf("%q is listed twice, or without a word about it", a.Name)
		}
		seen[a.Name] = true
		if _, err := load(a.Entry, "", nil); err != nil {
			t.Errorf("%s: %v", a.Name, err)
		}
	}
}
