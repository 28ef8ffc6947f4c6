package dev_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"go.starlark.net/syntax"
)

// saved makes a request that fails, has it saved, and returns what was written.
func saved(t *testing.T, method string, target *url.URL, host, body string, header http.Header) string {
	t.Helper()
	s, dir := develop(t, slog.New(slog.DiscardHandler))
	r := &http.Request{Method: method, URL: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Host: host, RemoteAddr: "127.0.0.1:40000", Header: header, RequestURI: target.RequestURI(),
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
	s.ServeHTTP(final{httptest.NewRecorder()}, r)
	if w := ask(s, "POST", "/_larkspur/requests/1/save", ""); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*_test.star"))
	if err != nil || len(names) != 1 {
		t.Fatalf("saved as %q (%v)", names, err)
	}
	text, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSaveMasks verifies that what the inspector masks is not written into a test either, where it
// says so, and how to fill it in.
func TestSaveMasks(t *testing.T) {
	header := http.Header{"Authorization": {"Bearer hush"}, "Cookie": {"id=hush"},
		"X-Csrf-Token": {"hush"}, "Accept": {"text/html"}}
	text := saved(t, "GET", &url.URL{Path: "/fail"}, "localhost:8000", "", header)
	if strings.Contains(text, "hush") {
		t.Errorf("a secret is saved:\n%s", text)
	}
	for _, want := range []string{
		`            ("Accept", "text/html"),` + "\n", "            # Masked: ", "made for tests",
		"\n" + `            # ("Authorization", "•••••• (11 bytes, masked)"),` + "\n",
		`            # ("Cookie", "`, `            # ("X-Csrf-Token", "`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
	if n := strings.Count(text, "Masked"); n != 1 {
		t.Errorf("it says %d times what is masked", n)
	}
}

// TestSaveRefused verifies that a request that was refused is wanted to be: it is the client's fault.
func TestSaveRefused(t *testing.T) {
	text := saved(t, "GET", &url.URL{Path: "/", RawQuery: "\xff"}, "localhost", "", http.Header{})
	for _, want := range []string{
		`        b"/?\xff",` + "\n", "    # It was refused: LARK0505: ", "    eq(r.status, 400)\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
	text = saved(t, "GET", &url.URL{Path: "/fail"}, "localhost", "", http.Header{})
	if !strings.Contains(text, "    # It failed: ") || !strings.Contains(text, "    eq(r.status, 200)\n") {
		t.Errorf("what fails is not wanted to succeed:\n%s", text)
	}
}

// TestSaveWebSocket has a WebSocket shown with its status, and saved as one that opens.
func TestSaveWebSocket(t *testing.T) {
	s, dir := developOther(t, slog.New(slog.DiscardHandler), `load("@response", "websocket")
app = websocket(lambda ws: ws.recv())`)
	listening := httptest.NewServer(s)
	c, err := net.Dial("tcp", listening.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "GET /talk?a=b HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: b\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: x, y\r\n\r\n")
	if res, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", res, err)
	}
	c.Close()
	listening.Close()
	if got := ask(s, "GET", "/_larkspur/", "").Body.String(); !strings.Contains(got, ">101</span>") {
		t.Errorf("the list lacks 101:\n%s", got)
	}
	ask(s, "POST", "/_larkspur/requests/1/save", "")
	names, _ := filepath.Glob(filepath.Join(dir, "*_test.star"))
	if len(names) != 1 {
		t.Fatalf("saved as %q", names)
	}
	text, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	want := `    ws = c.websocket(
        "/talk?a=b",
        headers = [
            ("X-A", "b"),
        ],
        subprotocols = ["x", "y"],
    )
`
	if !strings.Contains(string(text), want) || !strings.HasSuffix(string(text), "    ws.close()\n    eq(ws.error, None)\n") {
		t.Errorf("got\n%s", text)
	}
}

// FuzzSave saves a request that a client made as it liked, and that failed with a message of the
// client's: what is saved parses, has the statements of a test and no other, and their literals have
// the values that were sent. No comment ends before its line, and no line before its text.
func FuzzSave(f *testing.F) {
	for _, s := range []string{"x", "x\rprint(1)", "\n", "\r\nprint(1)", "\u2028print(1)\u2029",
		"\u0085print(1)", "\x00", "\xff\xfe", `"); print(1) #`, `\"`, `"""`, "'\\", "\u202e", "\U000e0001",
		"é\u00a0\ufeff", strings.Repeat("long\r", 20000)} {
		f.Add("/"+s, s, s, "localhost:8000", "X-Plain", s)
		f.Add("/a", "q", s, "localhost:8000", "X-Plain", "v")
		f.Add("/a", "q", "v", s, "X", "")
	}
	f.Fuzz(func(t *testing.T, path, query, body, host, name, value string) {
		body, query = clip(body, 64<<10), clip(query, 10000)
		target := &url.URL{Path: "/raise" + clip(path, 10000), RawQuery: query}
		header := http.Header{}
		if name != "" {
			header[clip(name, 1000)] = []string{clip(value, 10000)}
		}
		text := saved(t, "POST", target, clip(host, 1000), body, header)
		tree, err := syntax.LegacyFileOptions().Parse("saved", text, syntax.RetainComments)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if len(tree.Stmts) != 4 || len(tree.Stmts[3].(*syntax.DefStmt).Body) != 3 {
			t.Fatalf("it has other statements:\n%s", text)
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
			for _, r := range line {
				if !strconv.IsPrint(r) {
					t.Fatalf("%q is in the line %q", r, line)
				}
			}
		}
		if !utf8.ValidString(text) {
			t.Fatalf("it is no text: %q", text)
		}
		if strings.Contains(text, " of which 0 were read") {
			body = "" // the server has refused the request
		}
		checkCall(t, tree, target.RequestURI(), body)
	})
}

// checkCall checks what the call in a saved test asks with.
func checkCall(t *testing.T, tree *syntax.File, target, body string) {
	t.Helper()
	call := tree.Stmts[3].(*syntax.DefStmt).Body[1].(*syntax.AssignStmt).RHS.(*syntax.CallExpr)
	literal := func(e syntax.Expr) string { return e.(*syntax.Literal).Value.(string) }
	if got := literal(call.Args[0]); got != "POST" {
		t.Errorf("the method is %q", got)
	}
	if got := literal(call.Args[1]); got != target {
		t.Errorf("the target is %q, want %q", got, target)
	}
	sent := ""
	for _, arg := range call.Args[2:] {
		pair := arg.(*syntax.BinaryExpr)
		if pair.X.(*syntax.Ident).Name == "body" {
			sent = literal(pair.Y)
		}
	}
	if sent != body {
		t.Errorf("the body is %q, want %q", clip(sent, 100), clip(body, 100))
	}
}

func clip(s string, n int) string { return s[:min(len(s), n)] }
