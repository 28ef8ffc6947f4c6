package http1_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/larkspur-web/larkspur/server/http1"
)

// A wire is the reading side of a connection whose peer has said all it will say.
type wire struct {
	net.Conn
	io.Reader
}

func (w wire) Read(p []byte) (int, error) { return w.Reader.Read(p) }

// passed returns what net/http gets of a connection on which text comes, by r's way to read it.
func passed(text string, way func(io.Reader) io.Reader) (string, error) {
	got, err := io.ReadAll(http1.Strict(wire{Reader: way(strings.NewReader(text))}))
	return string(got), err
}

// ways are the pieces in which a text may come: as one, or byte by byte.
var ways = map[string]func(io.Reader) io.Reader{
	"whole": func(r io.Reader) io.Reader { return r },
	"bytes": iotest.OneByteReader,
}

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// TestPlain passes what can be read in one way only, as it is.
func TestPlain(t *testing.T) {
	tests := map[string]string{
		"a request":           get,
		"several":             get + get + get,
		"a length":            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab\r\n\n" + get,
		"a length of nothing": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" + get,
		"chunks":              "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n\r\n\n\r\n0A;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\n" + get,
		"no chunk yet":        "POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\n",
		"absolute form":       "GET http://a:80/x HTTP/1.1\r\nHost: A:80\r\n\r\n",
		"a default port":      "GET http://a:80/x HTTP/1.1\r\nHost: a\r\n\r\nGET HTTPS://a HTTP/1.1\r\nHost: a:443\r\n\r\n",
		"asterisk form":       "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
		"HTTP/1.0":            "GET / HTTP/1.0\r\n\r\n",
		"octets in a value":   "GET / HTTP/1.1\r\nHost: a\r\nX: \xff\t\xe9\r\n\r\n",
		"half a head":         "GET / HTTP/1.1\r\nHost: a\r\nX-",
		"HTTP/2":              "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\n\n\n",
		"an HTTP/0.9 request": "GET /\r\n"[:5],
	}
	for name, text := range tests {
		for way, read := range ways {
			if got, err := passed(text, read); got != text || err != nil {
				t.Errorf("%s, %s: passed %q, %v", name, way, got, err)
			}
		}
	}
}

// TestRefused ends what could be read in two ways where it is found, and puts there what no reader takes.
func TestRefused(t *testing.T) {
	tests := map[string]string{ // the bar is where it ends
		"length and chunks":         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n|\r\n0\r\n\r\n" + get,
		"chunks and length":         "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: a\r\ncontent-length: 5\r\n|\r\n0\r\n\r\n" + get,
		"two lengths":               "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n|\r\n",
		"two equal lengths":         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n|\r\n",
		"a signed length":           "POST / HTTP/1.1\r\nHost: a\r\n|Content-Length: +5\r\n\r\n",
		"a list of lengths":         "POST / HTTP/1.1\r\nHost: a\r\n|Content-Length: 5, 5\r\n\r\n",
		"chunks in HTTP/1.0":        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n|\r\n0\r\n\r\n",
		"a bare LF":                 "GET / HTTP/1.1\r\n|Host: a\n\r\n",
		"a bare LF after the first": "|GET / HTTP/1.1\nHost: a\r\n\r\n",
		"a bare LF at the end":      "GET / HTTP/1.1\r\nHost: a\r\n|\n",
		"a CR in a line":            "GET / HTTP/1.1\r\n|Host: a\rX: b\r\n\r\n",
		"a folded field":            "GET / HTTP/1.1\r\nX: a\r\n| b\r\nHost: a\r\n\r\n",
		"a folded first field":      "GET / HTTP/1.1\r\n| Host: a\r\n\r\n",
		"a blank before the colon":  "GET / HTTP/1.1\r\n|Host : a\r\n\r\n",
		"a NUL":                     "GET / HTTP/1.1\r\n|X: \x00\r\n\r\n",
		"another authority":         "GET http://evil/x HTTP/1.1\r\nHost: a\r\n|\r\n",
		"another port":              "GET http://a:443/x HTTP/1.1\r\nHost: a\r\n|\r\n",
		"two blanks":                "|GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
		"an empty line without LF":  "|\r" + get,
		"an empty line without CR":  "|\n" + get,
		"a CR behind an empty line": get + "|\r\n\r\r\n" + get,
		"a chunk that is none":      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n|\r\nz\r\n\r\n",
		"a chunk with a sign":       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n|\r\n+1\r\na\r\n0\r\n\r\n",
		"a chunk with a bare LF":    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n|\r\n1\na\r\n0\r\n\r\n",
		"a chunk of 2^64 bytes":     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n|\r\n10000000000000001\r\na\r\n0\r\n\r\n",
		"after a good one":          get + "GET / HTTP/1.1\r\n|Host: a\n\r\n",
		"a line without end":        "GET / HTTP/1.1\r\nX: " + strings.Repeat("a", http1.MaxLine-3) + "|a\r\n\r\n",
	}
	for name, text := range tests {
		good, bad, _ := strings.Cut(text, "|")
		got, err := passed(good+bad, ways["whole"])
		if name != "a line without end" && got != good+"\x00\r\n\r\n" || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: passed %q, %v", name, got, err)
		}
		for way, read := range ways {
			c := bufio.NewReader(http1.Strict(wire{Reader: read(strings.NewReader(good + bad))}))
			var err error
			for err == nil {
				var r *http.Request
				if r, err = http.ReadRequest(c); err == nil {
					_, err = io.Copy(io.Discard, r.Body)
				}
			}
			if err == io.EOF {
				t.Errorf("%s, %s: it is taken for whole", name, way)
			}
		}
	}
}

// TestEmptyLines lets no empty line before a head pass, wherever it is cut.
func TestEmptyLines(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\r\n\r\n"
	const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n"
	tests := []struct{ name, text, want string }{
		{"first", "\r\n" + get, get},
		{"several", "\r\n\r\n\r\n" + get, get},
		{"between", get + "\r\n" + get, get + get},
		{"after a body", post + "\r\n" + get, post + get},
		{"after chunks", chunked + "\r\n\r\n" + get, chunked + get},
		{"last", get + "\r\n", get},
		{"only", "\r\n\r\n", ""},
	}
	for _, test := range tests {
		for way, read := range ways {
			if got, err := passed(test.text, read); got != test.want || err != nil {
				t.Errorf("%s, %s: passed %q, %v, want %q", test.name, way, got, err, test.want)
			}
		}
	}
}

// TestChunkLines holds the lines of chunked bodies to their grammar.
func TestChunkLines(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	good := []string{
		"1;a", "1;a=b", "1;a;b=c;d", "1;a=\"b\"", "1;a=\"\"", `1;a="\"\\ ;="`, "1;a=\"\xff\t\"",
		"1 ;a", "1\t; \ta \t=\t b ;c", "1;a=\"b\" ;c", "01", "000000000000001",
	}
	bad := []string{
		"", " 1", "1 ", "1\t", "1 2", "1,", "0x1", "1h", "-1", "+1", "1_0", "1.0", "1;", "1; ", "1;;a",
		"1;=b", "1;a=", "1;a= ", "1;a=b c", "1;a b", "1;a ", "1;a=b ", "1;a=\"b", "1;a=\"b\"c",
		"1;a=\"\x01\"", "1;a=\"\\", "1;\"a\"", "1;a=b=c", "1;a\x00", "1;a\xff", "1;a=\"b\" ",
		"10000000000000001", "1;" + strings.Repeat("a", 17<<10),
	}
	for _, line := range good {
		text := head + line + "\r\nx\r\n0;last\r\nT: \xffv \r\nU:\r\n\r\n" + get
		for way, read := range ways {
			if got, err := passed(text, read); got != text || err != nil {
				t.Errorf("%q, %s: passed %q, %v", line, way, got, err)
			}
		}
	}
	for _, line := range bad {
		bodies := []string{line + "\r\nx\r\n0\r\n\r\n", "1\r\nx\r\n" + line + "\r\nx\r\n0\r\n\r\n"}
		for _, body := range bodies {
			if got, err := passed(head+body, ways["bytes"]); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q: passed %q, %v", body, got, err)
			}
		}
	}
	for _, trailer := range []string{" a: b", "a", "a b: c", ": c", "a: \x00", "a: b\r\n c", "a : b"} {
		body := "0\r\n" + trailer + "\r\n\r\n"
		if got, err := passed(head+body, ways["bytes"]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: passed %q, %v", body, got, err)
		}
	}
}

// TestRefusalStatus has net/http answer what is refused, in turn, with what is wrong with it, and
// the client hear that although it goes on to send.
func TestRefusalStatus(t *testing.T) {
	long := strings.Repeat("x", http1.MaxLine)
	tests := []struct {
		name, request string
		status        int
	}{
		{"a field", "GET / HTTP/1.1\r\nHost: a\r\nX: " + long + long + "\r\n\r\n", 431},
		{"a name", "GET / HTTP/1.1\r\nHost: a\r\n" + long + long + ": x\r\n\r\n", 431},
		{"a field without end", "GET / HTTP/1.1\r\nHost: a\r\nX: " + long + long, 431},
		{"a target", "GET /" + long + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
		{"a query", "GET /?" + long + long + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
		{"a target without end", "GET /" + long + long, 414},
		{"a method", long + long + " / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"a bare LF", "GET / HTTP/1.1\nHost: a\r\n\r\n" + long + long, 400},
		{"HTTP/3.0", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{MaxHeaderBytes: http1.MaxLine,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })}
	go s.Serve(strictly{l})
	defer s.Close()
	for _, test := range tests {
		for _, before := range []string{"", get} {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			go io.WriteString(c, before+test.request)
			r := bufio.NewReader(c)
			want := []int{204, test.status}
			if before == "" {
				want = want[1:]
			}
			for _, status := range want {
				res, err := http.ReadResponse(r, nil)
				if err != nil || res.StatusCode != status {
					t.Errorf("%s: %v, %v, want %d", test.name, res, err, status)
					break
				}
				if _, err := io.Copy(io.Discard, res.Body); err != nil {
					t.Errorf("%s: %v", test.name, err)
				}
			}
			if _, err := r.ReadByte(); err != io.EOF {
				t.Errorf("%s: the connection ends with %v", test.name, err)
			}
		}
	}
}

// strictly is a listener whose connections are strict.
type strictly struct{ net.Listener }

func (s strictly) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return http1.Strict(c), nil
}

// TestLateChunk ends a body with an error at a chunk that is none.
func TestLateChunk(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	got, err := passed(head+"1\r\na\r\nz\r\n", iotest.OneByteReader)
	if want := head + "1\r\na\r\n"; got != want || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("passed %q, %v; want %q and an unexpected end", got, err, want)
	}
}

// TestUpgrade passes everything once a 101 was sent to a request that asked for one.
func TestUpgrade(t *testing.T) {
	const upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
	for _, tt := range []struct {
		answer string
		passes bool
	}{{"HTTP/1.1 101 Switching Protocols\r\n\r\n", true}, {"HTTP/1.1 200 OK\r\n\r\n", false}} {
		near, far := net.Pipe()
		c := http1.Strict(near)
		go func() {
			io.WriteString(far, upgrade)
			io.ReadFull(far, make([]byte, len(tt.answer)))
			io.WriteString(far, "\n\nno head\n")
			far.Close()
		}()
		io.ReadFull(c, make([]byte, len(upgrade)))
		io.WriteString(c, tt.answer)
		got, _ := io.ReadAll(c)
		if (string(got) == "\n\nno head\n") != tt.passes {
			t.Errorf("after %q, passed %q", tt.answer, got)
		}
	}
}

// FuzzStrict verifies that what passes is a beginning of what came, but for empty lines, that all of it passes if nothing is refused, and
// that net/http reads no request from it that has chunks in HTTP/1.0.
func FuzzStrict(f *testing.F) {
	f.Add(get)
	f.Add("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" + get)
	f.Add("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na" + get)
	f.Add("GET / HTTP/1.1\nHost: a\r\n\r\n")
	f.Add("\r\n" + get + "\r\n\r\n" + get)
	f.Fuzz(func(t *testing.T, text string) {
		whole, err := passed(text, ways["whole"])
		kept, _ := strings.CutSuffix(whole, "\x00\r\n\r\n")
		lines := strings.NewReplacer("\r", "", "\n", "") // empty ones may not pass
		if !strings.HasPrefix(lines.Replace(text), lines.Replace(kept)) {
			t.Fatalf("passed %q of %q", whole, text)
		}
		r := bufio.NewReader(strings.NewReader(whole))
		for {
			request, e := http.ReadRequest(r)
			if e != nil {
				break
			}
			if len(request.TransferEncoding) > 0 && !request.ProtoAtLeast(1, 1) {
				t.Fatalf("%q passed with chunks in HTTP/1.0", whole)
			}
			if _, e := io.Copy(io.Discard, request.Body); e != nil {
				return // cut off in a body
			}
		}
		if err == nil && lines.Replace(whole) != lines.Replace(text) {
			t.Fatalf("passed %q of %q without an error", whole, text)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	head := "GET /hello?x=1 HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.5\r\nCookie: session=0123456789abcdef\r\n\r\n"
	r := strings.NewReader("")
	c := http1.Strict(wire{Reader: r})
	p := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(head)
		if n, err := c.Read(p); n != len(head) || err != nil {
			b.Fatal(n, err)
		}
	}
}
