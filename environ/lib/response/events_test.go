package response_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/body"
	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// A message is an event as an EventSource gives it to a page.
type message struct{ event, data, id string }

// parse reads a stream as browsers do: HTML Living Standard, section 9.2.6, "Interpreting an event
// stream".
func parse(stream string) (all []message, retry string) {
	stream = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(stream)
	var m message
	var data strings.Builder
	for line := range strings.SplitSeq(stream, "\n") {
		if line == "" {
			if text := data.String(); text != "" {
				m.data = strings.TrimSuffix(text, "\n")
				all = append(all, m)
			}
			data.Reset()
			m = message{id: m.id}
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			m.event = value
		case "data":
			data.WriteString(value + "\n")
		case "id":
			m.id = value
		case "retry":
			retry = value
		}
	}
	return all, retry
}

// stream returns what the response of an expression sends.
func stream(t testing.TB, r starlark.Value) (string, error) {
	t.Helper()
	start := starlark.NewBuiltin("start", func(*starlark.Thread, *starlark.Builtin,
		starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
		return starlark.None, nil
	})
	v, err := starlark.Call(new(starlark.Thread), r, starlark.Tuple{starlark.NewDict(0), start}, nil)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	iter := v.(starlark.Iterable).Iterate()
	defer iter.Done()
	var block starlark.Value
	for iter.Next(&block) {
		s, _ := host.Octets(block)
		text.WriteString(s)
	}
	return text.String(), host.IterError(iter)
}

// TestEvents compares what an EventSource gets, or what is refused.
func TestEvents(t *testing.T) {
	for _, c := range []struct {
		expr string
		want []message
		err  string
	}{
		{`events([])`, nil, ""},
		{`events(["a", b"b"])`, []message{{data: "a"}, {data: "b"}}, ""},
		{`events(["a\nb\r\nc\rd", "\n", " x"])`,
			[]message{{data: "a\nb\nc\nd"}, {data: "\n"}, {data: " x"}}, ""},
		{`events(["a\n\ndata: b\nid: 7"])`, []message{{data: "a\n\ndata: b\nid: 7"}}, ""},
		{`events([{"event": "e", "data": {"x": [1]}, "id": 7}, "next"])`,
			[]message{{"e", `{"x":[1]}`, "7"}, {"", "next", "7"}}, ""},
		{`events([{"data": 1}, {"data": None}, None, True])`,
			[]message{{data: "1"}, {data: "null"}, {data: "true"}}, ""},
		{`events([{"event": "e"}, {"id": "9"}, {"retry": 10}, {}])`, []message{{event: "e"}}, ""},
		{`events([{"event": None, "id": None, "retry": None, "data": "a"}])`, []message{{data: "a"}}, ""},
		{`events([b"\xff"])`, []message{{data: "\uFFFD"}}, ""},
		{`events(lambda: ["a"])`, []message{{data: "a"}}, ""},

		{`events(["a", {"event": "e\ndata: x"}])`, []message{{data: "a"}}, "LARK0403: events: event has a line break"},
		{`events([{"id": "1\r2"}])`, nil, "LARK0403: events: id has a line break"},
		{`events([{"id": "1\0002"}])`, nil, "LARK0403: events: id has a line break or a NUL"},
		{`events([{"id": 1.5}])`, nil, "LARK0403: events: id is float, not a string"},
		{`events([{"retry": "1\ndata: x"}])`, nil, "LARK0403: events: retry is"},
		{`events([{"retry": -1}])`, nil, "LARK0403: events: retry is -1"},
		{`events([{"dat": "x"}])`, nil, `LARK0403: events: an event has data, event, id and retry, not "dat"`},
		{`events([len])`, nil, "LARK0403: events: data: "},
		{`events(lambda: 1)`, nil, "LARK0403: events: lambda returned int, not an iterable"},
		{`events(lambda: 1 // 0)`, nil, "division by zero"},
	} {
		r, err := eval(t, c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		text, err := stream(t, r)
		got, _ := parse(text)
		if len(got) != len(c.want) || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: got %q, %v", c.expr, got, err)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: got %q, want %q", c.expr, got[i], c.want[i])
			}
		}
	}
}

// FuzzEvent verifies that an event is read as what it was, and as no other.
func FuzzEvent(f *testing.F) {
	f.Add("e", "a\nb", "7")
	f.Add("e\r\ndata: x", "\r\n\r\n", "\x00")
	f.Add("", ":", "\n")
	vars, err := response.Module().Values(new(host.Load))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, event, data, id string) {
		d := starlark.NewDict(3)
		for key, value := range map[string]string{"event": event, "data": data, "id": id} {
			if err := d.SetKey(starlark.String(key), starlark.String(value)); err != nil {
				t.Fatal(err)
			}
		}
		r, err := starlark.Call(new(starlark.Thread), vars["events"],
			starlark.Tuple{starlark.NewList([]starlark.Value{d})}, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := stream(t, r)
		got, retry := parse(text)
		clean := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
		lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(clean(data))
		want := message{clean(event), lines, clean(id)}
		switch {
		case strings.ContainsAny(event+id, "\r\n\x00"):
			if err == nil || len(got) > 0 {
				t.Errorf("%q is sent as %q", event+"|"+id, text)
			}
		case err != nil || len(got) != 1 || got[0] != want || retry != "":
			t.Errorf("got %q, %v of %q, want %q", got, err, text, want)
		}
	})
}

// serveEvents serves an application with a predeclared function closed.
func serveEvents(t *testing.T, source string, closed func()) *httptest.Server {
	t.Helper()
	p, err := runtime.Load(&runtime.Config{
		FS:          fstest.MapFS{"app.star": {Data: []byte(source)}},
		Modules:     []*host.Module{response.Module(), body.Module()},
		Predeclared: starlark.StringDict{"closed": host.Func("closed", closed)},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&server.Handler{App: p, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(s.Close)
	return s
}

// TestEventStream verifies that a client hears of a stream before its first event, hears heart-beats
// while it waits, and ends it by leaving.
func TestEventStream(t *testing.T) {
	for name, source := range map[string]string{
		"an iterable": `
load("@response", "events")
load("@body", "body", "ticks")
def app(environ, start_response):
    return events(body(ticks(1000), close = closed), heartbeat = 0.01)(environ, start_response)
`,
		"a function": `
load("@response", "events")
load("@body", "body", "ticks")
app = events(lambda: body(ticks(1000), close = closed), heartbeat = 0.01)
`,
		"a function that sends": `
load("@response", "events")
load("@body", "ticks")
def feed(out):
    catch(wait, out)
def wait(out):
    for n in ticks(1000):
        out.send(str(n))
def app(environ, start_response):
    environ["larkspur.on_finish"](lambda status, error: closed())
    return events(feed, heartbeat = 0.01)(environ, start_response)
`,
	} {
		t.Run(name, func(t *testing.T) {
			over := make(chan struct{})
			s := serveEvents(t, source, func() { close(over) })
			ctx, leave := context.WithCancel(t.Context())
			r, err := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
				t.Errorf("got %s", got)
			}
			heard := make([]byte, 4*len(":\n\n"))
			if _, err := io.ReadFull(res.Body, heard); err != nil || string(heard) != strings.Repeat(":\n\n", 4) {
				t.Errorf("got %q, %v", heard, err)
			}
			leave()
			<-over
		})
	}
}

// TestEventsByPushing has a function send events, each of which is there before the next is made.
func TestEventsByPushing(t *testing.T) {
	s := serveEvents(t, `
load("@response", "events")
load("@body", "ticks")
def feed(out):
    out.send("first")
    for n in ticks(0.001, count = 2):
        out.send({"event": "tick", "id": n, "data": {"n": n}})
    out.send({"id": "a\nb"})
app = events(feed)
`, func() {})
	res, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	got, _ := parse(string(text))
	want := []message{{data: "first"}, {"tick", `{"n":0}`, "0"}, {"tick", `{"n":1}`, "1"}}
	if err == nil || len(got) != len(want) {
		t.Fatalf("got %q, %v; want %q and an end that is none", got, err, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
}

// TestEventStreamsAreMany has one client stop to read: others hear all the same, and what it was to
// get does not pile up.
func TestEventStreamsAreMany(t *testing.T) {
	s := serveEvents(t, `
load("@response", "events")
load("@body", "ticks", "body_map")
app = events(lambda: body_map(lambda n: "x" * 100000, ticks(0.0001)), heartbeat = 0.01)
`, func() {})
	stuck, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Body.Close() // and nothing is read of it
	res, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for n := 0; n < 50; {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "data: ") {
			n++
		}
	}
}

// TestJSONOfEvents verifies that the data of an event is the JSON that it was made of.
func TestJSONOfEvents(t *testing.T) {
	r, err := eval(t, `events([{"data": {"s": "a\nb\u2028", "t": [1, 2.5, None]}}])`)
	if err != nil {
		t.Fatal(err)
	}
	text, err := stream(t, r)
	got, _ := parse(text)
	var data map[string]any
	if err != nil || len(got) != 1 || json.Unmarshal([]byte(got[0].data), &data) != nil || data["s"] != "a\nb\u2028" {
		t.Errorf("got %q, %v", text, err)
	}
}

// TestAbortClosesTheBody verifies that a body which ends with an abort before anything was sent is
// closed, once, before what answers in its place, and that clean-up sees that.
func TestAbortClosesTheBody(t *testing.T) {
	closed, log := 0, &strings.Builder{}
	p, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@response", "stream")
load("@http", "abort")
load("@body", "body", "body_map")
def app(environ, start_response):
    environ["larkspur.on_finish"](lambda status, error: finished(status, str(error)))
    blocks = body(body_map(lambda _: abort(410, "gone"), ["a"]), close = closed)
    return stream(blocks, "text/plain")(environ, start_response)
`)}},
		Modules: []*host.Module{response.Module(), body.Module(), libhttp.Module()},
		Predeclared: starlark.StringDict{
			"closed":   host.Func("closed", func() { closed++ }),
			"finished": host.Func("finished", func(status int, err string) { fmt.Fprint(log, status, " ", err) }),
		},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	h := &server.Handler{App: p, Logger: slog.New(slog.NewTextHandler(&said, nil))}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 410 || w.Body.String() != "410 Gone\ngone\n" || closed != 1 || log.String() != "410 None" || said.Len() > 0 {
		t.Errorf("got %d %q, closed %d times, finished with %s; the log has %s", w.Code, w.Body, closed, log, &said)
	}
}
