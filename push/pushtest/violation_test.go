package pushtest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/push/pushtest"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A rogue is a server that sends what a test tells it to.
type rogue struct {
	*http2.Framer
	encoder *hpack.Encoder
	block   bytes.Buffer
}

// fields are pairs of name and value as a header block.
func (r *rogue) fields(pairs ...string) []byte {
	r.block.Reset()
	for i := 0; i < len(pairs); i += 2 {
		_ = r.encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return bytes.Clone(r.block.Bytes())
}

func (r *rogue) headers(stream uint32, end bool, pairs ...string) {
	_ = r.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, EndHeaders: true, EndStream: end, BlockFragment: r.fields(pairs...)})
}

// promise promises a path on stream 1, or with pairs a whole request.
func (r *rogue) promise(stream uint32, path string, pairs ...string) {
	if pairs == nil {
		pairs = []string{":method", "GET", ":scheme", "http", ":authority", "rogue.test", ":path", path}
	}
	_ = r.WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: stream, EndHeaders: true, BlockFragment: r.fields(pairs...)})
}

// dialRogue connects to a server that says SETTINGS, and begins a request on stream 1; then it does what act says.
func dialRogue(t testing.TB, s pushtest.Settings, act func(*rogue)) (*pushtest.Client, *pushtest.Exchange) {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { theirs.Close() })
	s.DialContext = func(context.Context, string, string) (net.Conn, error) { return ours, nil }
	s.Timeout = 10 * time.Second
	requested := make(chan bool)
	go func() {
		defer close(requested)
		if _, err := io.ReadFull(theirs, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		fr := http2.NewFramer(nil, theirs)
		told := false
		for {
			f, err := fr.ReadFrame()
			if err != nil {
				return
			}
			if f.Header().Type == http2.FrameHeaders && !told {
				told = true
				requested <- true
			}
		}
	}()
	r := &rogue{Framer: http2.NewFramer(theirs, nil)}
	r.AllowIllegalWrites = true
	r.encoder = hpack.NewEncoder(&r.block)
	go func() {
		_ = r.WriteSettings()
		_ = r.WriteSettingsAck()
		if <-requested {
			act(r)
		}
	}()
	c, err := pushtest.Dial(t.Context(), "http://rogue.test/", &s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, c.Get("/")
}

// TestViolations has a server do what it must not, and last something that ends the exchange.
func TestViolations(t *testing.T) {
	request := func(pairs ...string) func(*rogue) {
		return func(r *rogue) { r.promise(2, "", pairs...) }
	}
	large := strings.Repeat("x", 20_000)
	for name, tc := range map[string]struct {
		settings pushtest.Settings
		act      func(*rogue)
		want     string // of the first violation
		ends     bool   // the connection
	}{
		"odd promise":       {act: func(r *rogue) { r.promise(3, "/a") }, want: "stream 3 is promised after 0: it has to be even, and higher (RFC 9113, section 5.1.1)", ends: true},
		"promise twice":     {act: func(r *rogue) { r.promise(4, "/a"); r.promise(4, "/b") }, want: "stream 4 is promised after 4", ends: true},
		"promise backwards": {act: func(r *rogue) { r.promise(4, "/a"); r.promise(2, "/b") }, want: "stream 2 is promised after 4", ends: true},
		"promise unwanted":  {settings: pushtest.Settings{NoPush: true}, act: func(r *rogue) { r.promise(2, "/a") }, want: "a promise, though ENABLE_PUSH is 0", ends: true},
		"promise after end": {act: func(r *rogue) { r.headers(1, true, ":status", "200"); r.promise(2, "/a") }, want: "not an open request", ends: true},
		"promise on a promise": {act: func(r *rogue) {
			r.promise(2, "/a")
			_ = r.WritePushPromise(http2.PushPromiseParam{StreamID: 2, PromiseID: 4, EndHeaders: true, BlockFragment: r.fields()})
		}, want: "not an open request", ends: true},
		"promise of POST":         {act: request(":method", "POST", ":scheme", "http", ":authority", "rogue.test", ":path", "/a"), want: `the method "POST", which is not safe and cacheable (RFC 9113, section 8.4)`},
		"promise with content":    {act: request(":method", "GET", ":scheme", "http", ":authority", "rogue.test", ":path", "/a", "content-length", "3"), want: "a promised request with content"},
		"promise without path":    {act: request(":method", "GET", ":scheme", "http", ":authority", "rogue.test"), want: ":path is missing"},
		"promise without host":    {act: request(":method", "GET", ":scheme", "http", ":path", "/a"), want: ":authority is missing"},
		"promise with space":      {act: func(r *rogue) { r.promise(2, "/a b") }, want: `the path "/a b" (RFC 9113, section 8.3.1)`},
		"promise, half an escape": {act: func(r *rogue) { r.promise(2, "/%2") }, want: `the path "/%2"`},
		"promise of fragment":     {act: func(r *rogue) { r.promise(2, "/a#b") }, want: `the path "/a#b"`},
		"promise of no path":      {act: func(r *rogue) { r.promise(2, "a") }, want: `the path "a"`},
		"promise elsewhere":       {act: request(":method", "GET", ":scheme", "http", ":authority", "other.test", ":path", "/a"), want: `a promised request for "other.test", for which the server has no authority`},
		"promise of https":        {act: request(":method", "GET", ":scheme", "https", ":authority", "rogue.test", ":path", "/a"), want: `the scheme "https" on a connection for http`},
		"promise with CR":         {act: request(":method", "GET", ":scheme", "http", ":authority", "rogue.test", ":path", "/a", "x", "a\r\nb: c"), want: `x has the value "a\r\nb: c"`},
		"promise, upper case":     {act: request(":method", "GET", ":scheme", "http", ":authority", "rogue.test", ":path", "/a", "Accept", "a"), want: `"Accept" is no field name in lower case`},
		"promise, te":             {act: request(":method", "GET", ":scheme", "http", ":authority", "rogue.test", ":path", "/a", "te", "gzip"), want: `te has the value "gzip"`},
		"promise too late": {act: func(r *rogue) {
			r.headers(1, false, ":status", "103", "link", "</a>; rel=preload")
			r.promise(2, "/a")
		}, want: "/a is promised after fields that refer to it"},
		"too many pushes": {settings: pushtest.Settings{MaxConcurrentStreams: 1}, act: func(r *rogue) {
			r.promise(2, "/a")
			r.promise(4, "/b")
			r.headers(2, false, ":status", "200")
			r.headers(4, false, ":status", "200")
		}, want: "2 pushed streams are open, MAX_CONCURRENT_STREAMS is 1 (RFC 9113, section 5.1.2)"},
		"stream window": {settings: pushtest.Settings{Hold: true, InitialWindowSize: 10}, act: func(r *rogue) {
			r.headers(1, false, ":status", "200")
			_ = r.WriteData(1, false, make([]byte, 12))
		}, want: "2 bytes more than the window of the stream"},
		"connection window": {settings: pushtest.Settings{Hold: true, InitialWindowSize: 1 << 20}, act: func(r *rogue) {
			r.headers(1, false, ":status", "200")
			for range 5 {
				_ = r.WriteData(1, false, make([]byte, 16<<10))
			}
		}, want: "1 bytes more than the window of the connection", ends: true},
		"large frame":         {act: func(r *rogue) { r.headers(1, false, ":status", "200"); _ = r.WriteData(1, true, make([]byte, 20_000)) }, want: "a DATA frame of 20000 bytes, larger than MAX_FRAME_SIZE", ends: true},
		"idle stream":         {act: func(r *rogue) { _ = r.WriteData(7, true, nil) }, want: "a DATA frame on an idle stream", ends: true},
		"idle promise":        {act: func(r *rogue) { r.headers(2, true, ":status", "200") }, want: "a HEADERS frame on an idle stream", ends: true},
		"data after end":      {act: func(r *rogue) { r.headers(1, true, ":status", "200"); _ = r.WriteData(1, true, nil) }, want: "DATA after the end of the stream", ends: true},
		"headers after end":   {act: func(r *rogue) { r.headers(1, true, ":status", "200"); r.headers(1, true, ":status", "200") }, want: "HEADERS after the end of the stream", ends: true},
		"data first":          {act: func(r *rogue) { _ = r.WriteData(1, true, nil) }, want: "DATA before the final response"},
		"no status":           {act: func(r *rogue) { r.headers(1, true, "a", "b") }, want: ":status is missing"},
		"two status":          {act: func(r *rogue) { r.headers(1, true, ":status", "200", ":status", "200") }, want: ":status is there twice"},
		"late status":         {act: func(r *rogue) { r.headers(1, true, "a", "b", ":status", "200") }, want: ":status comes after other fields"},
		"path in a response":  {act: func(r *rogue) { r.headers(1, true, ":status", "200", ":path", "/") }, want: `the field ":path" does not belong there`},
		"status of letters":   {act: func(r *rogue) { r.headers(1, true, ":status", "ok") }, want: `a response with the status "ok"`},
		"101":                 {act: func(r *rogue) { r.headers(1, false, ":status", "101") }, want: "a response with the status 101"},
		"103 at the end":      {act: func(r *rogue) { r.headers(1, true, ":status", "103") }, want: "an interim response ends the stream"},
		"two responses":       {act: func(r *rogue) { r.headers(1, false, ":status", "200"); r.headers(1, false, ":status", "200") }, want: "a second final response"},
		"pseudo in trailers":  {act: func(r *rogue) { r.headers(1, false, ":status", "200"); r.headers(1, true, ":status", "200") }, want: `trailers: the field ":status" does not belong there`},
		"connection field":    {act: func(r *rogue) { r.headers(1, true, ":status", "200", "connection", "close") }, want: "connection is of HTTP/1 connections"},
		"too short":           {act: func(r *rogue) { r.headers(1, true, ":status", "200", "content-length", "3") }, want: "0 bytes with a Content-Length of 3"},
		"content of 204":      {act: func(r *rogue) { r.headers(1, false, ":status", "204"); _ = r.WriteData(1, true, []byte("a")) }, want: "a response that has no content has DATA"},
		"large header list":   {settings: pushtest.Settings{MaxHeaderListSize: 1000}, act: func(r *rogue) { r.headers(1, true, ":status", "200", "x", large[:2000]) }, want: "MAX_HEADER_LIST_SIZE is 1000"},
		"not the small table": {settings: pushtest.Settings{HeaderTableSize: -1}, act: func(r *rogue) { r.headers(1, true, ":status", "200") }, want: "does not begin with the smaller table", ends: true},
		"a larger table": {act: func(r *rogue) {
			r.encoder.SetMaxDynamicTableSizeLimit(1 << 20)
			r.encoder.SetMaxDynamicTableSize(1 << 20)
			r.headers(1, true, ":status", "200")
		}, want: "(RFC 9113, section 4.3)", ends: true},
		"bad HPACK": {act: func(r *rogue) {
			_ = r.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, BlockFragment: []byte{0xff, 0xff}})
		}, want: "(RFC 9113, section 4.3)", ends: true},
		"interrupted block": {act: func(r *rogue) {
			_ = r.WriteHeaders(http2.HeadersFrameParam{StreamID: 1})
			_ = r.WritePing(false, [8]byte{})
		}, want: "a PING frame within a header block", ends: true},
		"lone CONTINUATION":  {act: func(r *rogue) { _ = r.WriteContinuation(1, true, nil) }, want: "a CONTINUATION frame without a header block", ends: true},
		"push of the server": {act: func(r *rogue) { _ = r.WriteSettings(http2.Setting{ID: http2.SettingEnablePush, Val: 1}) }, want: "it sets ENABLE_PUSH to 1", ends: true},
		"second ack":         {act: func(r *rogue) { _ = r.WriteSettingsAck() }, want: "it acknowledges SETTINGS that were not sent", ends: true},
		"ping answer":        {act: func(r *rogue) { _ = r.WritePing(true, [8]byte{1}) }, want: "it answers a PING that was not sent"},
		"GOAWAY back":        {act: func(r *rogue) { _ = r.WriteGoAway(1, 0, nil); _ = r.WriteGoAway(5, 0, nil) }, want: "a second GOAWAY has a higher last stream"},
		"window too large":   {act: func(r *rogue) { _ = r.WriteWindowUpdate(1, 1<<31-1) }, want: "it makes a window larger than 2^31-1", ends: true},
		"window of nothing":  {act: func(r *rogue) { _ = r.WriteRawFrame(http2.FrameWindowUpdate, 0, 1, make([]byte, 4)) }, want: "a malformed WINDOW_UPDATE frame"},
		"short SETTINGS":     {act: func(r *rogue) { _ = r.WriteRawFrame(http2.FrameSettings, 0, 0, make([]byte, 5)) }, want: "a malformed SETTINGS frame", ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			c, x := dialRogue(t, tc.settings, func(r *rogue) {
				tc.act(r)
				_ = r.WritePing(false, [8]byte{9}) // what comes after it has been judged
				if !tc.ends {
					_ = r.WriteRSTStream(1, http2.ErrCodeCancel)
				}
			})
			if _, err := c.Until(func(f pushtest.Frame) bool { return f.Sent && f.Type == http2.FramePing }); (err != nil) != tc.ends {
				t.Errorf("the connection ended: %v", err)
			}
			_ = x.Wait()
			all := c.Violations()
			if len(all) != 1 || !strings.Contains(all[0].Error(), tc.want) {
				t.Errorf("violations %v, want %s", all, tc.want)
			}
			var v *pushtest.Violation
			if tc.ends && (!errors.As(c.Err(), &v) || v.Text != all[0].Text) {
				t.Errorf("the connection ended with %v", c.Err())
			}
		})
	}
}

// TestCrossing has frames cross a reset of the client: that is no violation.
func TestCrossing(t *testing.T) {
	crossed := make(chan bool)
	c, x := dialRogue(t, pushtest.Settings{}, func(r *rogue) {
		<-crossed
		r.promise(2, "/late")
		r.headers(1, false, ":status", "200")
		_ = r.WriteData(1, true, make([]byte, 1000))
		r.headers(2, true, ":status", "200", "x", "y")
	})
	x.Reset(http2.ErrCodeCancel)
	crossed <- true
	if _, err := c.Until(func(f pushtest.Frame) bool { return f.Stream == 2 && f.EndStream() }); err != nil {
		t.Fatal(err)
	}
	orderly(t, c)
	late := c.Stream(2)
	if err := late.Wait(); err != nil || len(x.Promises) != 0 || targets(c.Promises()) != "/late" {
		t.Errorf("%v; promises %q and %q", err, targets(x.Promises), targets(c.Promises()))
	}
}

// FuzzServer has a server send any bytes: the client neither panics nor hangs, and its connection ends.
func FuzzServer(f *testing.F) {
	var wire bytes.Buffer
	r := &rogue{Framer: http2.NewFramer(&wire, nil)}
	r.encoder = hpack.NewEncoder(&r.block)
	_ = r.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10})
	_ = r.WriteSettingsAck()
	r.promise(2, "/a")
	r.headers(1, false, ":status", "103", "link", "</a>")
	r.headers(1, false, ":status", "200")
	_ = r.WriteData(1, true, []byte("page"))
	r.headers(2, false, ":status", "200")
	_ = r.WriteRSTStream(2, http2.ErrCodeInternal)
	_ = r.WriteGoAway(1, 0, []byte("bye"))
	f.Add(wire.Bytes())
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		ours, theirs := net.Pipe()
		go io.Copy(io.Discard, theirs)
		go func() {
			_, _ = theirs.Write(wire)
			theirs.Close()
		}()
		c, err := pushtest.Dial(t.Context(), "http://fuzz.test/", &pushtest.Settings{OnPromise: pushtest.Refuse,
			DialContext: func(context.Context, string, string) (net.Conn, error) { return ours, nil }})
		if err != nil {
			return
		}
		x := c.Get("/")
		_ = x.WaitAll()
		c.Close()
		for _, f := range c.Frames() {
			if strings.ContainsAny(f.String(), "\n\r\x00\x1b") {
				t.Errorf("%q is no line", f)
			}
		}
		for _, v := range c.Violations() {
			if strings.ContainsAny(v.Error(), "\n\r\x00\x1b") {
				t.Errorf("%q is no line", v.Error())
			}
		}
	})
}
