package compress_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/compress"
)

// decoded is a body without its coding.
func decoded(t *testing.T, coding string, body io.Reader) string {
	t.Helper()
	var err error
	switch coding {
	case "gzip":
		body, err = gzip.NewReader(body)
	case "br":
		body = brotli.NewReader(body)
	case "zstd":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(body, zstd.WithDecoderMaxWindow(8<<20)); err == nil { // RFC 9659
			defer d.Close()
			body = d
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var long = strings.Repeat("All work and no play makes Jack a dull boy.\n", 100)

// TestRules verifies what is compressed, by which coding, and what of the header changes with it.
func TestRules(t *testing.T) {
	const all = "gzip, br, zstd"
	for _, test := range []struct {
		name, accept string
		request      []string // fields
		response     []string
		body         string // long if empty
		coding       string
		vary         bool
	}{
		{"the best that the client takes", all, nil, []string{"Content-Type", "text/html"}, "", "zstd", true},
		{"br", "gzip, br", nil, []string{"Content-Type", "text/html; charset=utf-8"}, "", "br", true},
		{"gzip", "gzip", nil, []string{"Content-Type", "application/json"}, "", "gzip", true},
		{"by weight", "gzip, br;q=0.5", nil, []string{"Content-Type", "text/plain"}, "", "gzip", true},
		{"none", "", nil, []string{"Content-Type", "text/plain"}, "", "", true},
		{"refused", "*;q=0", nil, []string{"Content-Type", "text/plain"}, "", "", true},
		{"too small", all, nil, []string{"Content-Type", "text/plain", "Content-Length", "5"}, "small", "", false},
		{"small, of a length that is not known", all, nil, []string{"Content-Type", "text/plain"}, "small", "zstd", true},
		{"no type", all, nil, nil, "", "", false},
		{"an image", all, nil, []string{"Content-Type", "image/png"}, "", "", false},
		{"svg", all, nil, []string{"Content-Type", "image/svg+xml"}, "", "zstd", true},
		{"json by its suffix", all, nil, []string{"Content-Type", "application/problem+json"}, "", "zstd", true},
		{"an archive", all, nil, []string{"Content-Type", "application/zip"}, "", "", false},
		{"a coding that it has", all, nil, []string{"Content-Type", "text/plain", "Content-Encoding", "gzip"}, "", "", false},
		{"no-transform", all, nil, []string{"Content-Type", "text/plain", "Cache-Control", "max-age=5, no-transform"}, "", "", false},
		{"a Vary that is there", all, nil, []string{"Content-Type", "text/plain", "Vary", "accept-encoding, Cookie"}, "", "zstd", true},
		// BREACH.
		{"a page for somebody", all, []string{"Cookie", "a=b"}, []string{"Content-Type", "text/html"}, "", "", false},
		{"one with a password", all, []string{"Authorization", "Basic x"}, []string{"Content-Type", "application/json"}, "", "", false},
		{"one that sets a cookie", all, nil, []string{"Content-Type", "text/html", "Set-Cookie", "a=b"}, "", "", false},
		{"a page for everybody", all, []string{"Cookie", "a=b"},
			[]string{"Content-Type", "text/html", "Cache-Control", "public, max-age=60"}, "", "zstd", true},
		{"a script", all, []string{"Cookie", "a=b"}, []string{"Content-Type", "text/javascript"}, "", "zstd", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := test.body
			if body == "" {
				body = long
			}
			next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for pair := range slices.Chunk(test.response, 2) {
					w.Header().Set(pair[0], pair[1])
				}
				_, _ = io.WriteString(w, body)
			})
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				r := httptest.NewRequest(method, "/", nil)
				if test.accept != "" {
					r.Header.Set("Accept-Encoding", test.accept)
				}
				for pair := range slices.Chunk(test.request, 2) {
					r.Header.Set(pair[0], pair[1])
				}
				w := httptest.NewRecorder()
				(&compress.Handler{Next: next}).ServeHTTP(w, r)
				if method == http.MethodHead && w.Header().Get("Content-Length") == "" {
					continue // nothing is known of GET
				}
				want := test.coding
				if slices.Contains(test.response, "Content-Encoding") {
					want = "gzip"
				}
				if got := w.Header().Get("Content-Encoding"); got != want {
					t.Errorf("%s: Content-Encoding %q, want %q", method, got, want)
				}
				if got := strings.Contains(strings.ToLower(w.Header().Get("Vary")), "accept-encoding"); got != test.vary {
					t.Errorf("%s: Vary %q", method, w.Header()["Vary"])
				}
				if got := decoded(t, test.coding, w.Body); got != body {
					t.Errorf("%s: the body is %q", method, got)
				}
			}
		})
	}
}

// TestParse verifies how compression is said in words.
func TestParse(t *testing.T) {
	for _, test := range []struct {
		how     string
		off     bool
		codings string
		secrets bool
		fails   bool
	}{
		{how: "", off: true},
		{how: "off", off: true},
		{how: "on"},
		{how: "gzip", codings: "gzip"},
		{how: "br, gzip", codings: "br gzip"},
		{how: "on,secrets", secrets: true},
		{how: "gzip,secrets", codings: "gzip", secrets: true},
		{how: "deflate", fails: true},
		{how: "off,secrets", fails: true},
		{how: "off,gzip", fails: true},
		{how: "gzip,gzip", fails: true},
		{how: "gzip,", fails: true},
	} {
		f, err := compress.Parse(test.how)
		switch {
		case test.fails || err != nil:
			if !test.fails || err == nil {
				t.Errorf("Parse(%q): %v", test.how, err)
			}
		case test.off != (f == nil):
			t.Errorf("Parse(%q) = %v", test.how, f)
		case f != nil && (strings.Join(f.Codings, " ") != test.codings || f.Secrets != test.secrets):
			t.Errorf("Parse(%q) = %v, %v", test.how, f.Codings, f.Secrets)
		}
	}
}

// TestValidators verifies the ETags of what is compressed, and that conditions are asked in the words of the
// handler.
func TestValidators(t *testing.T) {
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Etag", r.URL.Query().Get("etag"))
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(long))
	})
	for _, test := range []struct {
		name, etag, field, value string
		status                   int
		want                     string // the ETag
	}{
		{"first", `"x"`, "", "", 200, `"x--gzip"`},
		{"weak", `W/"x"`, "", "", 200, `W/"x--gzip"`},
		{"not changed", `"x"`, "If-None-Match", `"x--gzip"`, 304, `"x--gzip"`},
		{"not changed, of several", `"x"`, "If-None-Match", `"y,z", "x--gzip"`, 304, `"x--gzip"`},
		{"not changed, that came without a coding", `"x"`, "If-None-Match", `"x"`, 304, `"x"`},
		{"changed", `"x"`, "If-None-Match", `"y--gzip"`, 200, `"x--gzip"`},
		{"the same to write on", `"x"`, "If-Match", `"x--gzip"`, 200, `"x--gzip"`},
		{"another to write on", `"x"`, "If-Match", `"y--gzip"`, 412, `"x"`},
		{"a range is of what has no coding", `"x"`, "Range", "bytes=0-4", 206, `"x"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/?etag="+strings.ReplaceAll(test.etag, `"`, "%22"), nil)
			r.Header.Set("Accept-Encoding", "gzip")
			if test.field != "" {
				r.Header.Set(test.field, test.value)
			}
			w := httptest.NewRecorder()
			(&compress.Handler{Next: next}).ServeHTTP(w, r)
			if got := w.Header().Get("Etag"); w.Code != test.status || got != test.want {
				t.Errorf("got %d %s, want %d %s", w.Code, got, test.status, test.want)
			}
			if w.Code == 200 && w.Header().Get("Content-Length") != "" {
				t.Error("a length is said that is not that of the body")
			}
		})
	}
	// If-Range with such an ETag is none of the handler's: all of it is sent.
	r := httptest.NewRequest(http.MethodGet, "/?etag=%22x%22", nil)
	r.Header = http.Header{"Accept-Encoding": {"gzip"}, "Range": {"bytes=0-4"}, "If-Range": {`"x--gzip"`}}
	w := httptest.NewRecorder()
	(&compress.Handler{Next: next}).ServeHTTP(w, r)
	if w.Code != 200 || decoded(t, "gzip", w.Body) != long {
		t.Errorf("If-Range: got %d", w.Code)
	}
}

// TestStreams verifies that what an application yields is with the client before the next block is asked
// for, and that there are no more streams than may be.
func TestStreams(t *testing.T) {
	program, err := runtime.Load(&runtime.Config{FS: fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    def body(stream):
        stream.write("data: one\n\n")
        stream.read()
        stream.write("data: two\n\n")
    return body
`)}}}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	front := &server.Front{Mounts: []server.Mount{{Handler: &server.Gateway{App: program},
		Filter: (&compress.Filter{Streams: 1}).Begin}}, Logger: slog.New(slog.DiscardHandler)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	s := &http.Server{Handler: front}
	if err := server.Configure(s); err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	defer stop()
	begin := func() (*http.Response, *io.PipeWriter) {
		more, end := io.Pipe()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+l.Addr().String(), more)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", "zstd")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		return resp, end
	}
	first, end := begin()
	defer first.Body.Close()
	if got := first.Header.Get("Content-Encoding"); got != "zstd" {
		t.Fatalf("Content-Encoding %q", got)
	}
	d, err := zstd.NewReader(first.Body)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	event := make([]byte, 11)
	if _, err := io.ReadFull(d, event); err != nil || string(event) != "data: one\n\n" { // the script waits for us
		t.Fatalf("got %q (%v)", event, err)
	}
	second, endSecond := begin()
	defer second.Body.Close()
	if got := second.Header.Get("Content-Encoding"); got != "" {
		t.Errorf("a second stream has the coding %s", got)
	}
	endSecond.Close()
	end.Close()
	if rest, err := io.ReadAll(d); err != nil || !bytes.Equal(rest, []byte("data: two\n\n")) {
		t.Errorf("then %q (%v)", rest, err)
	}
}
