package access_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/access"
)

// A limited error is one of a limit, at a place.
type limited struct{}

func (limited) Error() string        { return "stopped" }
func (limited) Place() string        { return "app.star:3:5" }
func (limited) LimitReached() string { return "steps" }

// record is that of a request for target, with fields as Name: value.
func record(target string, status int, fields ...string) *server.Record {
	r := httptest.NewRequest("GET", target, nil)
	r.RemoteAddr = "192.0.2.7:4711"
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header[name] = []string{value}
	}
	return &server.Record{Request: r, ID: "7f-1", Status: status, Bytes: 42, Mount: "/shop", Generation: 3,
		Began: time.Date(2026, 11, 27, 22, 0, 0, 0, time.UTC), Took: 1500 * time.Microsecond}
}

// write returns what a log writes of a record.
func write(l *access.Log, rec *server.Record) string {
	var out bytes.Buffer
	l.W = &out
	l.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "time" {
			return slog.Attr{}
		}
		return a
	}}))
	l.Observer().End(rec)
	return out.String()
}

// TestForms verifies a line of each form.
func TestForms(t *testing.T) {
	rec := record("/shop/a?q=1&token=geheim", 504, "User-Agent: curl/8", "Referer: https://u:p@example.com/x?key=1&b=2#f",
		"Cookie: session=geheim", "Authorization: Bearer geheim",
		"Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	rec.Request.TLS, rec.Request.Proto = new(tls.ConnectionState), "HTTP/2.0"
	rec.Queued, rec.Ran, rec.FirstByte, rec.Steps = time.Millisecond, 250*time.Microsecond, time.Millisecond, 1234
	rec.Verdicts = []push.Verdict{{Target: "/a.css", Status: push.Promised},
		{Target: "/b.css?key=1", Status: push.Skipped, Reason: push.Diary}, {Target: "/c.css", Status: push.Hinted}}
	rec.Failure = &server.Failure{Status: 504, Code: environ.CodeLimit, Err: limited{}}
	for form, want := range map[access.Form]string{
		access.Text: `level=INFO msg="GET /shop/a?q=1&token=***" status=504 bytes=42 request=7f-1 pushed=1 hinted=1 ` +
			`limit=steps took=1.5ms proto=HTTP/2.0 queued=1ms trace=0af7651916cd43dd8448eb211c80319c`,
		access.Combined: `192.0.2.7 - - [27/Nov/2026:22:00:00 +0000] "GET /shop/a?q=1&token=*** HTTP/2" 504 42 ` +
			`"https://***@example.com/x?key=***&b=2" "curl/8"`,
		access.JSON: `{"timestamp":"2026-11-27T22:00:00.0015Z","severity_text":"ERROR","event.name":"larkspur.request",` +
			`"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","http.request.method":"GET",` +
			`"url.scheme":"https","server.address":"example.com","url.path":"/shop/a","url.query":"q=1&token=***",` +
			`"http.response.status_code":504,"http.response.body.size":42,"network.protocol.version":"2",` +
			`"client.address":"192.0.2.7","user_agent.original":"curl/8",` +
			`"http.request.header.referer":"https://***@example.com/x?key=***&b=2","error.type":"LARK0502",` +
			`"http.server.request.duration":0.0015,"larkspur.queue.duration":0.001,"larkspur.first_byte.duration":0.001,` +
			`"larkspur.app.duration":0.00025,"larkspur.app.steps":1234,"larkspur.request.id":"7f-1",` +
			`"larkspur.mount":"/shop","larkspur.app.generation":3,"larkspur.limit":"steps","larkspur.place":"app.star:3:5",` +
			`"larkspur.push.promised":1,"larkspur.push.hinted":1,` +
			`"larkspur.push.verdicts":"/a.css: promised; /b.css?key=***: skipped: diary; /c.css: hinted"}`,
	} {
		if got := write(&access.Log{Form: form}, rec); got != want+"\n" {
			t.Errorf("%s:\ngot  %swant %s", form, got, want)
		}
	}
	e, err := access.Parse([]byte(strings.TrimSpace(write(&access.Log{Form: access.JSON}, rec))))
	if err != nil || e.Took.Duration() != rec.Took || e.Steps != 1234 || e.Limit != "steps" {
		t.Errorf("read again: %+v, %v", e, err)
	}
}

// TestHostile verifies that whatever a client sends stays in its line, and steers no terminal.
func TestHostile(t *testing.T) {
	rec := record("/", 200)
	rec.Request.URL.RawQuery = "a=\x1b[2J\n{\"x\":1}\u202e\u0085\xff\x00\""
	rec.Request.URL.Path = "/" + strings.Repeat("\x1b", 30_000)
	rec.Request.Header["User-Agent"] = []string{"\x1b]0;x\a\r\n" + strings.Repeat("x", 9000) + "\u2028"}
	rec.Request.Header["Referer"] = []string{"http://x/\u009b1m\x7f\U000e0041"}
	rec.Request.Host = "evil\nhost"
	rec.Request.RemoteAddr = "a b\n:1"
	rec.ID = "id\x1b\n"
	for _, form := range []access.Form{access.Text, access.JSON, access.Combined} {
		line := write(&access.Log{Form: form}, rec)
		if strings.Count(line, "\n") != 1 || len(line) > 12_000 {
			t.Errorf("%s: %d lines, %d bytes", form, strings.Count(line, "\n"), len(line))
		}
		if i := strings.IndexFunc(strings.TrimSuffix(line, "\n"), steers); i >= 0 {
			t.Errorf("%s: %q steers a terminal", form, line[i:])
		}
		if form == access.JSON && !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
}

// steers reports whether a terminal does something else with c than to show it.
func steers(c rune) bool {
	return c < ' ' || c >= 0x7f && c < 0xa0 || c >= 0x2028 && c <= 0x202e || c >= 0x2066 && c <= 0x2069
}

// TestMask verifies which values are masked, however their names are written.
func TestMask(t *testing.T) {
	m := access.NewMask("Pin")
	for q, want := range map[string]string{
		"": "", "a=1": "a=1", "token": "token", "token=": "token=***", "TOKEN=x": "TOKEN=***",
		"%74oken=x": "%74oken=***", "a=1&password=x&b=2": "a=1&password=***&b=2", "a=1;key=x": "a=1;key=***",
		"user[token]=x": "user[token]=***", "%zz=x": "%zz=***", "pin=1": "pin=***", "pint=1": "pint=1",
		"token=a=b": "token=***", "&&": "&&", "x-amz-signature=1": "x-amz-signature=***",
	} {
		if got := m.Query(q); got != want {
			t.Errorf("%q: got %q, want %q", q, got, want)
		}
	}
	for u, want := range map[string]string{
		"": "", "/a?token=x#token=y": "/a?token=***", "https://u:p@h/x": "https://***@h/x", "//a@b": "//***@b", "x": "x",
	} {
		if got := m.URL(u); got != want {
			t.Errorf("%q: got %q, want %q", u, got, want)
		}
	}
}

// TestSample verifies that a part of the requests is logged, and of those that failed all.
func TestSample(t *testing.T) {
	l := &access.Log{Form: access.JSON, Sample: 0.1}
	count := func(rec *server.Record) (n int) {
		for range 2000 {
			if line := write(l, rec); line != "" {
				n++
			}
		}
		return n
	}
	if n := count(record("/", 200)); n < 100 || n > 320 { // 2000 of 0.1: 200, 9 deviations of 13
		t.Errorf("%d of 2000 are logged", n)
	}
	limit := record("/", 413)
	limit.Failure = &server.Failure{Err: limited{}}
	for _, rec := range []*server.Record{record("/", 500), record("/", 0), limit} {
		if n := count(rec); n != 2000 {
			t.Errorf("%d of 2000 that failed are logged", n)
		}
	}
	var line string
	for line == "" {
		line = write(l, record("/", 200))
	}
	if !strings.HasSuffix(line, `"larkspur.sample":0.1}`+"\n") {
		t.Errorf("a line does not say what part it is of: %s", line)
	}
}

// TestTrace verifies that only a traceparent as it should be is taken. W3C Trace Context, section 3.2.
func TestTrace(t *testing.T) {
	const id, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for value, want := range map[string]bool{
		"00-" + id + "-" + span + "-01": true, "cc-" + id + "-" + span + "-01-more": true,
		"00-" + id + "-" + span + "-01-more": false, "ff-" + id + "-" + span + "-01": false,
		"00-" + strings.ToUpper(id) + "-" + span + "-01":     false,
		"00-" + strings.Repeat("0", 32) + "-" + span + "-01": false,
		"00-" + id + "-" + strings.Repeat("0", 16) + "-01":   false, "": false, "00": false,
		"00-" + id + "-" + span + "-zz": false, strings.Repeat("-", 55): false,
	} {
		got := strings.Contains(write(&access.Log{Form: access.JSON}, record("/", 200, "Traceparent: "+value)), "trace_id")
		if got != want {
			t.Errorf("%q: taken %t, want %t", value, got, want)
		}
	}
}

// TestGone verifies that a log which cannot be written does nothing to requests.
func TestGone(t *testing.T) {
	l := &access.Log{Form: access.JSON, W: broken{}}
	l.Observer().End(record("/", 200))
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// FuzzParse verifies that whatever is read is read as it was written, if it is at all.
func FuzzParse(f *testing.F) {
	f.Add([]byte(write(&access.Log{Form: access.JSON}, record("/a?b=1", 200, "User-Agent: \x1b\xff"))))
	f.Add([]byte(`{"timestamp":"2026-11-27T22:00:00Z","http.request.method":"GET","url.path":"\u001b[2J"}`))
	f.Add([]byte(`{"time":1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := access.Parse(line)
		if err != nil {
			return
		}
		again := e.AppendJSON(nil)
		if !json.Valid(again) {
			t.Fatalf("no JSON: %q", again)
		}
		for _, p := range [][]byte{again, e.AppendCombined(nil)} {
			if i := bytes.IndexFunc(p, steers); i >= 0 {
				t.Fatalf("%q steers a terminal", p[i:])
			}
		}
		if _, err := access.Parse(again); err != nil && e.Time.Year() < 10000 {
			t.Fatalf("%v: %s", err, again)
		}
	})
}

// BenchmarkLine is what a line costs.
func BenchmarkLine(b *testing.B) {
	l := &access.Log{Form: access.JSON, W: new(sink)}
	rec := record("/shop/a?q=1", 200, "User-Agent: Mozilla/5.0 (X11; Linux x86_64)")
	end := l.Observer().End
	b.ReportAllocs()
	for b.Loop() {
		end(rec)
	}
}

type sink struct{}

func (sink) Write(p []byte) (int, error) { return len(p), nil }
