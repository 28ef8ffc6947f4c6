package fetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/fetch"
	"go.starlark.net/starlark"
)

// echo answers with what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Header.Del("Accept-Encoding")
	data, err := json.Marshal(map[string]any{"method": r.Method, "url": r.URL.String(), "headers": r.Header,
		"body": string(body), "length": r.ContentLength, "host": r.Host})
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(data)
}

// TestRequests: what a script passes is what the server gets, or an error.
func TestRequests(t *testing.T) {
	at := serve(t, echo)
	grant := &fetch.Grant{Hosts: []string{at}}
	p := load(t, grant, `
def show(r):
    r = r.json()
    fields = sorted([(k, v) for k, v in r["headers"].items() if k not in ("User-Agent", "Content-Length")])
    return (r["method"], r["url"], r["body"], r["length"], fields)

tests = {
    "plain": lambda u: show(fetch(u)),
    "query": lambda u: show(fetch(u + "a b?q=a b&é=\"#top")),
    "agent": lambda u: fetch(u).json()["headers"]["User-Agent"],
    "own agent": lambda u: fetch(u, headers = {"user-agent": "mine"}).json()["headers"]["User-Agent"],
    "lower": lambda u: show(fetch(u, "put", body = "x")),
    "fields": lambda u: show(fetch(u, headers = {"X-A": "1", "x-b": ["2", "3"]})),
    "pairs": lambda u: show(fetch(u, headers = [("X-A", "1"), ("X-A", " 2 ")])),
    "body": lambda u: show(fetch(u, body = "é")),
    "bytes": lambda u: show(fetch(u, method = "PATCH", body = b"abc", headers = {"Content-Type": "a/b"})),
    "empty": lambda u: show(fetch(u, body = "")),
    "json": lambda u: show(fetch(u, json = {"b": [1, None], "a": "é"})),
    "form": lambda u: show(fetch(u, form = {"a": "b c&", "n": [1, 2.5], "é": True})),
    "typed": lambda u: show(fetch(u, form = [("a", "1"), ("a", 2)], headers = {"content-type": "x/y"})),
    "list": lambda u: show(fetch(u, method = "PUT", body = ["ab", b"cd", "", "e"])),
    "error": lambda u: show(fetch(u, body = ["a", 1])),
    "request": lambda u: (request(u, json = 1), request("https://me:secret@x/"), request(u).method, request(u, body = b"\xff").text()),
    "two": lambda u: fetch(u, body = "a", json = 1),
    "dict": lambda u: fetch(u, body = {"a": 1}),
    "number": lambda u: fetch(u, body = 1),
    "host": lambda u: fetch(u, headers = {"host": "x"}),
    "length": lambda u: fetch(u, headers = {"Content-length": "1"}),
    "connection": lambda u: fetch(u, headers = {"Connection": "x"}),
    "injection": lambda u: fetch(u, headers = {"X": "a\r\nY: b"}),
    "zero": lambda u: fetch(u, headers = {"X": "a\x00"}),
    "name": lambda u: fetch(u, headers = {"X: a\r\nY": "b"}),
    "value": lambda u: fetch(u, headers = {"X": 1}),
    "many": lambda u: fetch(u, headers = {"X": ["1"] * 101}),
    "large": lambda u: fetch(u, headers = {"X": "1" * 70000}),
    "method": lambda u: fetch(u, "GET / HTTP/1.1\r\nX:"),
    "connect": lambda u: fetch(u, "connect"),
    "trace": lambda u: fetch(u, "TRACE"),
    "nan": lambda u: fetch(u, timeout = float("nan")),
    "never": lambda u: fetch(u, timeout = 0),
    "text": lambda u: fetch(u, timeout = "1"),
    "inf": lambda u: fetch(u, json = float("inf")),
    "unicode": lambda u: fetch(u, headers = {"X-É": "1"}),
}
def app(name, u):
    return tests[name](u)
`)
	for name, want := range map[string]string{
		"plain":      `("GET", "/", "", 0, [])`,
		"query":      `("GET", "/a%20b?q=a%20b&%C3%A9=\"", "", 0, [])`,
		"agent":      `["Larkspur"]`,
		"own agent":  `["mine"]`,
		"lower":      `("PUT", "/", "x", 1, [])`,
		"fields":     `("GET", "/", "", 0, [("X-A", ["1"]), ("X-B", ["2", "3"])])`,
		"pairs":      `("GET", "/", "", 0, [("X-A", ["1", "2"])])`,
		"body":       `("POST", "/", "é", 2, [])`,
		"bytes":      `("PATCH", "/", "abc", 3, [("Content-Type", ["a/b"])])`,
		"empty":      `("GET", "/", "", 0, [])`,
		"json":       `("POST", "/", "{\"a\":\"é\",\"b\":[1,null]}", 23, [("Content-Type", ["application/json"])])`,
		"form":       `("POST", "/", "a=b+c%26&n=1&n=2.5&%C3%A9=True", 30, [("Content-Type", ["application/x-www-form-urlencoded"])])`,
		"typed":      `("POST", "/", "a=1&a=2", 7, [("Content-Type", ["x/y"])])`,
		"list":       `("PUT", "/", "abcde", -1, [])`,
		"error":      "error: fetch: a block of the body is int: want a string or bytes",
		"request":    `(<fetch.request POST http://HOST/>, <fetch.request GET>, "GET", "` + "\uFFFD" + `")`,
		"two":        "error: fetch: pass one of body, json and form, not 2",
		"dict":       "error: fetch: for parameter body: got dict: pass it as json or as form",
		"number":     "error: fetch: for parameter body: got int, want a string, bytes, an iterable or a file",
		"host":       "error: fetch: for parameter headers: the field Host is written by fetch, not by a script",
		"length":     "error: fetch: for parameter headers: the field Content-Length is written by fetch, not by a script",
		"connection": "error: fetch: for parameter headers: the field Connection is written by fetch, not by a script",
		"injection":  "error: fetch: for parameter headers: the field X has a character that no field may have",
		"zero":       "error: fetch: for parameter headers: the field X has a character that no field may have",
		"name":       `error: fetch: for parameter headers: "X: a\r\nY" is no name of a field`,
		"value":      "error: fetch: for parameter headers: the field X is int: want a string",
		"many":       "error: fetch: for parameter headers: there are more than 100 fields, or they have more than 65536 bytes",
		"large":      "error: fetch: for parameter headers: there are more than 100 fields, or they have more than 65536 bytes",
		"method":     `error: fetch: method: "GET / HTTP/1.1\r\nX:" is none`,
		"connect":    "error: fetch: method: CONNECT is not sent",
		"trace":      "error: fetch: method: TRACE is not sent",
		"nan":        "error: fetch: timeout is nan: want seconds, more than 0 and up to a day",
		"never":      "error: fetch: timeout is 0: want seconds, more than 0 and up to a day",
		"text":       "error: fetch: for parameter timeout: got string, want seconds or a duration",
		"inf":        "error: fetch: for parameter json: cannot encode non-finite float +inf",
		"unicode":    `error: fetch: for parameter headers: "X-É" is no name of a field`,
	} {
		got, err := call(t.Context(), p, name, "http://"+at+"/")
		if err != nil {
			got = "error: " + err.Error()
		}
		if want = strings.ReplaceAll(want, "HOST", at); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// TestResponses: what the server sends is what the script sees.
func TestResponses(t *testing.T) {
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fields":
			w.Header().Add("X-A", "1")
			w.Header().Add("X-A", "2")
			w.Header().Set("Set-Cookie", "a=b")
		case "/latin":
			w.Header().Set("Content-Type", "text/plain; charset=ISO-8859-1")
			io.WriteString(w, "\xe9")
		case "/strange":
			w.Header().Set("Content-Type", "text/plain; charset=gbk")
			io.WriteString(w, "\xe9")
		case "/bytes":
			io.WriteString(w, "a\xffb")
		case "/json":
			io.WriteString(w, "\ufeff{\"a\": [1, 2.5]}")
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, "no")
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			io.WriteString(z, strings.Repeat("a", 100_000))
			z.Close()
		case "/notgzip":
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, "this is none")
		case "/nothing":
			w.WriteHeader(http.StatusNoContent)
		case "/large":
			for range 200 {
				io.WriteString(w, strings.Repeat("b", 1000))
			}
		case "/cut":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "only this")
		}
	})
	p := load(t, &fetch.Grant{Hosts: []string{at}}, `
def kind(fn, *args, **kwargs):
    _, err = catch(fn, *args, **kwargs)
    return (err.kind, err.status) if err else None

tests = {
    "fields": lambda r: (r.status, r.ok, r.reason, r.headers["x-a"], r.headers.getall("X-a"), r.headers.get("X-B", 1), "SET-cookie" in r.headers, r.url, r.text()),
    "latin": lambda r: (r.text(), r.text(encoding = "utf-8"), r.bytes()),
    "strange": lambda r: (r.bytes(), catch(r.text)[1].message),
    "bytes": lambda r: (r.text(), r.bytes()),
    "json": lambda r: (r.json(), r.json() == r.json(), r),
    "missing": lambda r: (r.status, r.ok, r.reason, r.text(), kind(r.json)),
    "gzip": lambda r: (len(r.text()), len(r.bytes()), kind(r.bytes, limit = 99999), r.headers.get("Content-Encoding")),
    "notgzip": lambda r: kind(r.bytes),
    "nothing": lambda r: (r.status, r.bytes(), list(r.blocks())),
    "large": lambda r: (kind(r.bytes, limit = 1000), kind(r.bytes)),
    "large/blocks": lambda r: (sum([len(b) for b in r.blocks()]), max([len(b) for b in r.blocks()]) if False else 0, kind(r.text), kind(lambda: list(r.blocks()))),
    "large/close": lambda r: (r.close(), r.close(), kind(r.text)),
    "large/both": lambda r: (len(r.text()), sum([len(b) for b in r.blocks()]), sum([len(b) for b in r.blocks()])),
    "large/left": lambda r: ([b for b in r.blocks()][0][:2] if False else left(r), kind(r.text)),
    "cut": lambda r: (r.status, kind(r.text)),
    "limits": lambda r: (kind(r.bytes, limit = -1), kind(r.bytes, limit = 1 << 40)),
}
def left(r):
    for b in r.blocks():
        return len(b) > 0

def sum(all):
    n = 0
    for x in all:
        n += x
    return n

def app(u, name):
    return tests[name](fetch(u + name.split("/")[0]))
`)
	for name, want := range map[string]string{
		"fields":       `(200, True, "OK", "1", ["1", "2"], 1, True, "http://HOST/fields", "")`,
		"latin":        `("é", "` + "\uFFFD" + `", b"\xe9")`,
		"strange":      `(b"\xe9", "text: unknown encoding \"gbk\"; there are utf-8, latin-1 and ascii")`,
		"bytes":        `("a` + "\uFFFD" + `b", b"a\xffb")`,
		"json":         `({"a": [1, 2.5]}, True, <fetch.response 200>)`,
		"missing":      `(404, False, "Not Found", "no", ("error", 500))`,
		"gzip":         `(100000, 100000, ("size", 502), None)`,
		"notgzip":      `("protocol", 502)`,
		"nothing":      `(204, b"", [])`,
		"large":        `(("size", 502), ("size", 502))`,
		"large/blocks": `(200000, 0, ("error", 500), None)`,
		"large/close":  `(None, None, ("error", 500))`,
		"large/both":   `(200000, 200000, 200000)`,
		"large/left":   `(True, ("error", 500))`,
		"cut":          `(200, ("protocol", 502))`,
		"limits":       `(("error", 500), ("error", 500))`,
	} {
		got, err := call(t.Context(), p, "http://"+at+"/", name)
		if name == "large/blocks" { // a loop over what has been read ends the call
			if err == nil || !strings.Contains(err.Error(), "the body is read by blocks()") {
				t.Errorf("%s: got %s, %v", name, got, err)
			}
			continue
		}
		if want = strings.ReplaceAll(want, "HOST", at); err != nil || got != want {
			t.Errorf("%s:\n got %s, %v\nwant %s", name, got, err, want)
		}
	}
}

// TestBombs: what is small on the wire, or has no end, is bounded in memory.
func TestBombs(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 64 {
		z.Write(zeros)
	}
	z.Close()
	over := make(chan struct{}, 10)
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Length", fmt.Sprint(bomb.Len()))
			w.Write(bomb.Bytes())
		case "/endless":
			for {
				if _, err := w.Write(zeros); err != nil {
					over <- struct{}{}
					return
				}
			}
		case "/declared":
			w.Header().Set("Content-Length", "1000000000000")
			w.Write(zeros)
		}
	})
	p := load(t, &fetch.Grant{Hosts: []string{at}}, `
def app(url):
    r = fetch(url)
    body, err = catch(r.bytes)
    again, same = catch(r.text)
    return (err.kind, err.message == same.message.replace("text:", "bytes:"), body)
`)
	for _, path := range []string{"/bomb", "/endless"} {
		if got, err := call(t.Context(), p, "http://"+at+path); got != `("size", True, None)` {
			t.Errorf("%s: got %s, %v", path, got, err)
		}
	}
	<-over // the server is told
	if got, err := call(t.Context(), p, "http://"+at+"/declared"); !strings.HasPrefix(got, `("protocol"`) {
		t.Errorf("got %s, %v", got, err)
	}
	streamed := load(t, &fetch.Grant{Hosts: []string{at}}, `
def app(url):
    n = 0
    for block in fetch(url).blocks():
        n += len(block)
        if n > 100 << 20 or len(block) > 64 << 10:
            break
    return n > 20 << 20
`)
	for _, path := range []string{"/bomb", "/endless"} {
		if got, err := call(t.Context(), streamed, "http://"+at+path); got != "True" {
			t.Errorf("%s by blocks: got %s, %v", path, got, err)
		}
	}
	<-over
}

// raw serves bytes as they are, for what no server of Go sends. The connection stays open.
func raw(t *testing.T, write func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				io.ReadAtLeast(conn, make([]byte, 4096), 1)
				write(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// TestRude: servers that are no servers of HTTP, or never get to the point.
func TestRude(t *testing.T) {
	forever := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, text); err != nil {
					return
				}
			}
		}
	}
	once := func(text string) func(net.Conn) {
		return func(c net.Conn) { io.WriteString(c, text) }
	}
	hang := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			io.WriteString(c, text)
			io.Copy(io.Discard, c)
		}
	}
	for name, test := range map[string]struct {
		write func(net.Conn)
		want  string
	}{
		"silence":            {hang(""), `("timeout", 504, "fetch: GET http://HOST/: no answer within 250ms")`},
		"closes":             {once(""), `("protocol", 502, "fetch: GET http://HOST/: the server broke off")`},
		"another protocol":   {once("SSH-2.0-OpenSSH_9.2\r\n"), `("protocol", 502, `},
		"half a head":        {hang("HTTP/1.1 200 OK\r\nX: "), `("timeout", 504, `},
		"a head that breaks": {once("HTTP/1.1 200 OK\r\nX: "), `("protocol", 502, `},
		"half a body":        {hang("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), `("timeout", 504, `},
		"endless fields":     {func(c net.Conn) { once("HTTP/1.1 200 OK\r\n")(c); forever("X: y\r\n")(c) }, `("size", 502, "fetch: GET http://HOST/: the head of the response is larger than 65536 bytes")`},
		"an endless field":   {func(c net.Conn) { once("HTTP/1.1 200 OK\r\nX: ")(c); forever("yyyyyyyyyyyy")(c) }, `("size", 502, `},
		"endless 1xx":        {forever("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), `("size", 502, `},
		"a wrong length":     {once("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), `("protocol", 502, `},
		"two lengths":        {once("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), `("protocol", 502, `},
		"a wrong chunk":      {once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), `("protocol", 502, `},
		"another protocol's": {once("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), `("protocol", 502, `},
	} {
		at := raw(t, test.write)
		timeout := "20"
		if strings.HasPrefix(test.want, `("timeout"`) {
			timeout = "0.25"
		}
		got := run(t, &fetch.Grant{Hosts: []string{at}}, `
def app(url):
    _, err = catch(lambda: fetch(url, timeout = `+timeout+`).bytes())
    return err and (err.kind, err.status, err.message)
`, "http://"+at+"/")
		if want := strings.ReplaceAll(test.want, "HOST", at); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// TestTrickle: a body that comes drop by drop is bounded by the time of the request when it is read
// whole, and block by block when it is read so.
func TestTrickle(t *testing.T) {
	next := make(chan struct{})
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for i := 0; ; i++ {
			if _, err := io.WriteString(w, "x"); err != nil || r.Context().Err() != nil {
				return
			}
			w.(http.Flusher).Flush()
			if r.URL.Path == "/stops" && i == 2 {
				<-r.Context().Done()
				return
			}
			select {
			case <-next:
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	whole := run(t, &fetch.Grant{Hosts: []string{at}, Timeout: 200 * time.Millisecond}, `
def app(url):
    return catch(lambda: fetch(url).text())[1].kind
`, "http://"+at+"/")
	if whole != `"timeout"` {
		t.Errorf("got %s", whole)
	}
	blocks := run(t, &fetch.Grant{Hosts: []string{at}, Timeout: 5 * time.Second}, `
def app(url):
    n = 0
    for b in fetch(url).blocks():
        n += 1
        if n == 300:
            return n
`, "http://"+at+"/")
	if blocks != "300" {
		t.Errorf("got %s", blocks)
	}
	stops := run(t, &fetch.Grant{Hosts: []string{at}, Timeout: 500 * time.Millisecond}, `
def app(url):
    n = 0
    for b in fetch(url).blocks():
        n += len(b)
    return n
`, "http://"+at+"/stops")
	if !strings.Contains(stops, "no answer within 500ms") {
		t.Errorf("got %s", stops)
	}
}

// TestHTTP2: over TLS it is HTTP/2, on one connection, in both directions.
func TestHTTP2(t *testing.T) {
	var mu sync.Mutex
	connections := map[string]bool{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		connections[r.RemoteAddr] = true
		mu.Unlock()
		if r.URL.Path != "/" {
			for i := range map[string]int{"/over": 1500, "/bomb": 5000}[r.URL.Path] {
				w.Header().Set(fmt.Sprintf("X-%d", i), "0123456789")
			}
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d %s", r.Proto, r.Method, r.ContentLength, body)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	at := strings.TrimPrefix(s.URL, "https://")
	roots := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	grant := &fetch.Grant{Hosts: []string{at}, Roots: roots}
	got := run(t, grant, `
def app(url):
    one = [fetch(url).text(), fetch(url, body = "abc").text(), fetch(url, body = ["a", "b"]).text()]
    one += [r.text() for r in fetch_all([url] * 20)][:1]
    return one + [catch(fetch, url + path)[1].kind for path in ("over", "bomb")]
`, s.URL+"/")
	if want := `["HTTP/2.0 GET 0 ", "HTTP/2.0 POST 3 abc", "HTTP/2.0 POST -1 ab", "HTTP/2.0 GET 0 ", "size", "protocol"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(connections) > 2 { // the head that is too large ends one
		t.Errorf("there were %d connections", len(connections))
	}
	stranger := run(t, &fetch.Grant{Hosts: []string{at}}, caught, s.URL+"/")
	if !strings.HasPrefix(stranger, `("tls", "fetch: GET https://`+at+`/: no secure connection to `+at+`: tls: failed to verify`) {
		t.Errorf("a certificate of nobody: %s", stranger)
	}
}

// TestReuse: connections are used again, also after an error, and by all programs of a grant.
func TestReuse(t *testing.T) {
	var mu sync.Mutex
	connections := map[string]int{}
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		connections[r.RemoteAddr]++
		mu.Unlock()
		http.NotFound(w, r)
	})
	grant := &fetch.Grant{Hosts: []string{at}}
	for range 2 {
		p := load(t, grant, caught)
		for range 10 {
			if got, err := call(t.Context(), p, "http://"+at+"/"); err != nil {
				t.Fatal(got, err)
			}
		}
	}
	if len(connections) > 5 { // a loaded machine may take too long to write a request for its connection to be kept
		t.Errorf("20 requests had the connections %v", connections)
	}
}

// TestProxy: what the environment says of proxies is not heeded.
func TestProxy(t *testing.T) {
	at := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "direct") })
	proxy := newCanary(t)
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, "http://127.0.0.1:"+proxy.port)
	}
	t.Setenv("NO_PROXY", "")
	got := run(t, &fetch.Grant{Hosts: []string{"app.internal:" + strings.Split(at, ":")[1]},
		Lookup: (&resolver{names: map[string][]string{"app.internal": {"127.0.0.1"}}}).lookup},
		caught, "http://app.internal:"+strings.Split(at, ":")[1]+"/")
	if got != `(200, "direct")` || proxy.hits.Load() > 0 {
		t.Errorf("got %s, %d connections to the proxy", got, proxy.hits.Load())
	}
}

// TestWhileLoading: what is read while a module is loaded is there for all requests; what is not is
// given up.
func TestWhileLoading(t *testing.T) {
	at := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", 100_000)) })
	grant := &fetch.Grant{Hosts: []string{at}}
	p := load(t, grant, `
read = fetch("http://`+at+`/")
read.text()
unread = fetch("http://`+at+`/")
def app():
    return (len(read.text()), len(read.bytes()), catch(unread.text)[1].message)
`)
	if n := grant.Running(); n != 0 {
		t.Errorf("%d requests run on", n)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			got, err := call(t.Context(), p)
			if err != nil || !strings.HasPrefix(got, `(100000, 100000, "text: this response was fetched while a module`) {
				t.Error(got, err)
			}
		})
	}
	all.Wait()
}

// An observer keeps what it is told.
type observer struct{ all []host.Work }

func (o *observer) Observe(w host.Work) { o.all = append(o.all, w) }
func (o *observer) Wait(ctx context.Context, f func(ctx context.Context) error) error {
	return f(ctx)
}

// TestObserved: each request is told of, without what is secret in it.
func TestObserved(t *testing.T) {
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/from":
			http.Redirect(w, r, "/to?token=secret", http.StatusFound)
		case "/large":
			io.WriteString(w, strings.Repeat("x", 200_000))
		default:
			io.WriteString(w, "hello")
		}
	})
	p := load(t, &fetch.Grant{Hosts: []string{at}}, `
def app():
    fetch("http://`+at+`/from?key=secret", body = "secret")
    fetch("http://`+at+`/large").close()
    fetch_all(["http://`+at+`/a", "http://`+at+`/large"])
    catch(fetch, "http://other.example/?secret")
`)
	o := new(observer)
	err := p.Call(t.Context(), func(_ context.Context, th *starlark.Thread, app starlark.Callable) error {
		host.CallOf(th).(host.Yielder).Yield(o)
		_, err := starlark.Call(th, app, nil, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range o.all {
		if w.Began.IsZero() || w.Took <= 0 {
			t.Errorf("it has no time: %+v", w)
		}
		got = append(got, fmt.Sprintf("%s %s %d %s %v", w.Kind, strings.ReplaceAll(w.Text, at, "HOST"), w.Count, w.Unit, w.Err))
	}
	want := []string{"fetch POST http://HOST/from 0 bytes <nil>", "fetch GET http://HOST/to 5 bytes <nil>", "fetch GET http://HOST/large 0 bytes <nil>",
		"fetch GET http://HOST/a 5 bytes <nil>", "fetch GET http://HOST/large 200000 bytes <nil>",
		"fetch GET http://other.example/ 0 bytes other.example is not granted; grant fetch=other.example"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestMisgranted: what is no grant of this module is said when a program loads it.
func TestMisgranted(t *testing.T) {
	for _, grant := range []any{"*", fetch.Grant{}, &fetch.Grant{Hosts: []string{"a b"}}} {
		if _, err := fetch.Module().Values(&host.Load{Grant: grant}); err == nil {
			t.Errorf("%v is taken for a grant", grant)
		}
	}
	values, err := fetch.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	_, err = starlark.Call(new(starlark.Thread), values["fetch"], starlark.Tuple{starlark.String("http://127.0.0.1/")}, nil)
	if host.KindOf(err) != "refused" || host.StatusOf(err) != 500 || host.TimedOut(err) {
		t.Errorf("without a grant: %v", err)
	}
	if errors.Is(err, context.Canceled) {
		t.Error("a refusal looks like the end of the call")
	}
}

// TestFiles: a file is sent as it is read, with its length.
func TestFiles(t *testing.T) {
	at := serve(t, echo)
	p := load(t, &fetch.Grant{Hosts: []string{at}}, `
def app(file):
    file.read(2)
    r = fetch("http://`+at+`/", method = "PUT", body = file).json()
    return (len(r["body"]), r["length"], r["method"])
`)
	tree := fstest.MapFS{"a": {Data: []byte(strings.Repeat("z", 200_002))}}
	f, err := tree.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	var got starlark.Value
	err = p.Call(t.Context(), func(_ context.Context, th *starlark.Thread, app starlark.Callable) error {
		file := host.NewFile(f, "a", 200_002)
		file.Own(th)
		var err error
		got, err = starlark.Call(th, app, starlark.Tuple{file}, nil)
		return err
	})
	if err != nil || got.String() != `(200000, 200000, "PUT")` {
		t.Errorf("got %v, %v", got, err)
	}
}
