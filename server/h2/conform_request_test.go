package h2_test

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// TestConformRequest: what a HEADERS frame says is what the handler sees.
func TestConformRequest(t *testing.T) {
	const scheme = ":scheme"
	cases := []struct {
		name string
		raw  []string // the fields as they are sent; nil stands for a plain GET
		more []string // or what a plain GET has besides, or otherwise
		want string   // sketch of the request
	}{
		{name: "plain", want: "GET / / example.test"},
		{name: "query", more: []string{":path", "/a/b?c=d&e"}, want: "GET /a/b?c=d&e /a/b example.test"},
		{name: "empty query", more: []string{":path", "/a?"}, want: "GET /a? /a example.test"},
		{name: "escaped slash", more: []string{":path", "/%2f/"}, want: "GET /%2f/ /// example.test"},
		{name: "two slashes are a path, not an authority", more: []string{":path", "//evil.test/x"}, want: "GET //evil.test/x //evil.test/x example.test"},
		{name: "dot segments stay", more: []string{":path", "/a/../b"}, want: "GET /a/../b /a/../b example.test"},
		{name: "asterisk form", more: []string{":method", "OPTIONS", ":path", "*"}, want: "OPTIONS * * example.test"}, // RFC 9113, section 8.3.1
		{name: "a method of one's own", more: []string{":method", "PURGE"}, want: "PURGE / / example.test"},
		{name: "host alone", more: []string{":authority", "", "host", "other.test"}, want: "GET / / other.test"},
		{name: "host and authority agree", more: []string{"host", "example.test"}, want: "GET / / example.test"},
		{name: "a port", more: []string{":authority", "example.test:8443"}, want: "GET / / example.test:8443"},
		{name: "an IPv6 address", more: []string{":authority", "[::1]:8443"}, want: "GET / / [::1]:8443"},
		{name: "pseudo-header fields in any order", raw: []string{":path", "/x", ":authority", "example.test", ":method", "GET", scheme, "https"}, want: "GET /x /x example.test"},
		{name: "tunnel", raw: []string{":method", "CONNECT", ":authority", "example.test:123"}, want: "CONNECT example.test:123  example.test:123"}, // RFC 9113, section 8.5
		{name: "canonical names", more: []string{"x-one-two", "v"}, want: "GET / / example.test X-One-Two=v"},
		{name: "repeated fields keep their order", more: []string{"x", "2", "x", "1", "x", "3"}, want: "GET / / example.test X=2,1,3"},
		{name: "an empty value", more: []string{"x", ""}, want: "GET / / example.test X="},
		{name: "octets beyond ASCII", more: []string{"x", "caf\xe9"}, want: "GET / / example.test X=caf\xe9"},
		{name: "a tab inside", more: []string{"x", "a\tb"}, want: "GET / / example.test X=a\tb"},
		{name: "crumbs of a cookie", more: []string{"cookie", "a=b", "cookie", "c=d", "cookie", "e=f"}, want: "GET / / example.test Cookie=a=b; c=d; e=f"}, // RFC 9113, section 8.2.3
		{name: "names that are tokens", more: []string{"x!#$%&'*+.^_`|~1", "v"}, want: "GET / / example.test X!#$%&'*+.^_`|~1=v"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			site{limits: ownOptions}.visit(t, func(t *testing.T, c *visitor) {
				fields := c.fields("GET", tc.more...)
				if tc.raw != nil {
					fields = tc.raw
				}
				c.headers(1, true, c.pack(fields...))
				if got := sketch(c.call().r); got != tc.want {
					t.Errorf("the handler saw %q, want %q", got, tc.want)
				}
			})
		})
	}
}

// ownOptions leaves "OPTIONS *" to the handler.
func ownOptions(s *http.Server) { s.DisableGeneralOptionsHandler = true }

// sketch gives method, RequestURI, URL.Path, Host and the header fields.
func sketch(r *http.Request) string {
	s := fmt.Sprintf("%s %s %s %s", r.Method, r.RequestURI, r.URL.Path, r.Host)
	var fields []string
	for name, values := range r.Header {
		fields = append(fields, " "+name+"="+strings.Join(values, ","))
	}
	slices.Sort(fields)
	return s + strings.Join(fields, "")
}

// TestConformRequestRest: the parts of a http.Request that sketch leaves out.
func TestConformRequestRest(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1, ":path", "/a?q=1", "foo-bar", "some-value")
		r := c.call().r
		if r.Proto != "HTTP/2.0" || r.ProtoMajor != 2 || r.ProtoMinor != 0 {
			t.Errorf("Proto = %s %d %d, want HTTP/2.0 2 0", r.Proto, r.ProtoMajor, r.ProtoMinor)
		}
		if want := (http.Header{"Foo-Bar": {"some-value"}}); !reflect.DeepEqual(r.Header, want) {
			t.Errorf("Header = %v, want %v", r.Header, want)
		}
		if r.URL.RawQuery != "q=1" || r.URL.Host != "" || r.URL.Scheme != "" {
			t.Errorf("URL = %#v, want a path and a query only", r.URL)
		}
		if want := c.memory.here.String(); r.RemoteAddr != want {
			t.Errorf("RemoteAddr = %q, want %q", r.RemoteAddr, want)
		}
		if (r.TLS != nil) != (c.scheme == "https") {
			t.Errorf("TLS = %v over %s", r.TLS, c.scheme)
		}
		if r.TLS != nil && (r.TLS.NegotiatedProtocol != "h2" || r.TLS.ServerName != "example.test") {
			t.Errorf("TLS says %q for %q, want h2 for example.test", r.TLS.NegotiatedProtocol, r.TLS.ServerName)
		}
		if r.ContentLength != 0 || r.Close || r.Trailer != nil {
			t.Errorf("ContentLength, Close, Trailer = %d, %v, %v, want 0, false, nil", r.ContentLength, r.Close, r.Trailer)
		}
		if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("Body.Read = %d, %v, want 0, EOF", n, err)
		}
		if got, ok := r.Context().Value(http.ServerContextKey).(*http.Server); !ok || got != c.server {
			t.Errorf("the context's server is %v", got)
		}
		if r.Context().Value(http.LocalAddrContextKey) == nil {
			t.Error("the context has no local address")
		}
	})
}

// TestConformMalformed: a malformed request is a stream error of type PROTOCOL_ERROR, the handler
// never sees it, and the connection goes on, its compression state intact: RFC 9113, section 8.1.1.
func TestConformMalformed(t *testing.T) {
	plain := []string{":method", "GET", ":scheme", "https", ":authority", "example.test", ":path", "/"}
	and := func(more ...string) []string { return append(slices.Clone(plain), more...) }
	with := func(name, value string) []string {
		fields := slices.Clone(plain)
		fields[slices.Index(fields, name)+1] = value
		return fields
	}
	without := func(name string) []string {
		at := slices.Index(plain, name)
		return slices.Delete(slices.Clone(plain), at, at+2)
	}
	cases := map[string][][]string{
		// RFC 9113, section 8.3: pseudo-header fields.
		"8.3 pseudo": {
			and(":method", "POST"), and(":path", "/"), and(":scheme", "http"), and(":authority", "example.test"),
			and(":unknown", "x"), and(":status", "200"), and(":", "x"),
			{":method", "GET", "regular", "x", ":scheme", "https", ":authority", "example.test", ":path", "/"},
		},
		// RFC 9113, section 8.3.1: those of a request.
		"8.3.1 request": {
			without(":method"), without(":scheme"), without(":path"), with(":method", ""), with(":scheme", ""), with(":path", ""),
			with(":scheme", "bogus"), with(":authority", "user@example.test"), with(":authority", "user:pass@example.test"),
			with(":path", "relative"), with(":path", "*"), with(":path", "http://evil.test/x"), with(":path", "/%zz"),
		},
		// RFC 9110, section 9.1: a method is a token.
		"9110 9.1 method": {with(":method", "GE T"), with(":method", "GET\t"), with(":method", "G(T"), with(":method", "GET\x00"), with(":method", "G\xc3\x89T")},
		// RFC 9113, section 8.2.1: field names.
		"8.2.1 name": {and("Upper", "v"), and("uPper", "v"), and("has:colon", "v"), and("has space", "v"), and("has\x00nul", "v"), and("has\x7fdel", "v"), and("h\xc3\xa4s", "v"), and("", "v"), and("has(", "v")},
		// RFC 9113, section 8.2.1, and RFC 9110, section 5.5: field values.
		"8.2.1 value": {and("x", "a\nb"), and("x", "a\rb"), and("x", "a\x00b"), and("x", "a\x7fb"), and("x", "a\x01b"), and("x", " a"), and("x", "a "), and("x", "\ta"), and("x", "a\t"), and("cookie", "a\nb")},
		// RFC 9113, section 8.2.2: connection-specific fields.
		"8.2.2 connection": {and("connection", "close"), and("connection", "foo"), and("proxy-connection", "keep-alive"), and("keep-alive", "timeout=5"),
			and("transfer-encoding", "chunked"), and("upgrade", "h2c"), and("te", "gzip"), and("te", "trailers, deflate"), and("te", "trailers", "te", "gzip")},
		// RFC 9113, section 8.5: CONNECT.
		"8.5 connect": {
			{":method", "CONNECT"},
			{":method", "CONNECT", ":authority", "example.test:123", ":path", "/"},
			{":method", "CONNECT", ":authority", "example.test:123", ":scheme", "https"},
			{":method", "CONNECT", ":authority", "user@evil.test"},
		},
		// RFC 8441, section 4: extended CONNECT.
		"8441 4 extended connect": {
			{":method", "CONNECT", ":protocol", "websocket", ":authority", "example.test"},
			{":method", "CONNECT", ":protocol", "websocket", ":authority", "example.test", ":scheme", "https"},
			and(":protocol", "websocket"),
		},
	}
	for clause, requests := range cases {
		for _, fields := range requests {
			t.Run(fmt.Sprintf("%s %q", clause, unlike(fields, plain)), func(t *testing.T) {
				site{engine: func(s *h2.Server) { s.ExtendedConnect = true }}.visit(t, func(t *testing.T, c *visitor) {
					c.headers(1, true, c.pack(fields...))
					c.want("RST_STREAM 1 PROTOCOL_ERROR")
					c.noCall()
					c.get(3, "x-after", "v")
					if got := c.call().r.Header.Get("X-After"); got != "v" {
						t.Errorf("the request after it has X-After = %q", got)
					}
				})
			})
		}
	}
}

// unlike tells the fields that a plain request does not have.
func unlike(fields, plain []string) []string {
	var other []string
	for i := 0; i < len(fields); i += 2 {
		if i >= len(plain) || fields[i] != plain[i] || fields[i+1] != plain[i+1] {
			other = append(other, fields[i]+"="+fields[i+1])
		}
	}
	return other
}

// TestConformRefused: requests that are well-formed frames and dangerous all the same. Servers that
// take them have been led astray; here they are answered 400 or reset, and no handler sees them.
func TestConformRefused(t *testing.T) {
	cases := map[string][]string{
		"host is not the authority":      {"host", "other.test"},               // RFC 9113, section 8.3.1
		"two hosts":                      {"host", "a.test", "host", "b.test"}, // RFC 9110, section 7.2
		"two hosts, no authority":        {":authority", "", "host", "a.test", "host", "b.test"},
		"an odd authority":               {":authority", "a b<>"}, // RFC 3986, section 3.2
		"a path in the authority":        {":authority", "example.test/x"},
		"a control byte in it":           {":authority", "example\x01.test"},
		"a fragment":                     {":path", "/info#frag"}, // RFC 9112, section 3.2
		"a backslash":                    {":path", `/info\x`},
		"a space":                        {":path", "/info /../x"},
		"NUL":                            {":path", "/a\x00b"},
		"a control byte":                 {":path", "/a\x01b"},
		"a line feed":                    {":path", "/a\nb"},
		"DEL":                            {":path", "/a\x7fb"},
		"content-length twice":           {"content-length", "5", "content-length", "6"}, // RFC 9110, section 8.6
		"content-length below zero":      {"content-length", "-1"},
		"content-length with a sign":     {"content-length", "+3"},
		"content-length with a tail":     {"content-length", "3x"},
		"content-length of nothing":      {"content-length", ""},
		"content-length beyond 63 bits":  {"content-length", "9223372036854775808"},
		"content-length of two numbers":  {"content-length", "5, 6"},
		"content-length in another base": {"content-length", "0x5"},
	}
	for name, more := range cases {
		t.Run(name, func(t *testing.T) {
			site{}.visit(t, func(t *testing.T, c *visitor) {
				c.headers(1, false, c.pack(c.fields("POST", more...)...))
				got := c.heard()
				if len(got) == 0 || !alike("RST_STREAM 1 PROTOCOL_ERROR | HEADERS 1 :status=400 ... | HEADERS 1 END :status=400 ...", got[0].String()) {
					t.Errorf("the server sent:%s\nwant 400 or RST_STREAM PROTOCOL_ERROR", transcript(got))
				}
				c.noCall()
				c.get(3)
				c.call()
			})
		})
	}
}

// TestConformHeaderBlock: how a header block is cut, padded and packed makes no difference.
func TestConformHeaderBlock(t *testing.T) {
	fields := []string{"one", "1", "two", strings.Repeat("2", 300), "three", "3"}
	want := "GET / / example.test One=1 Three=3 Two=" + strings.Repeat("2", 300)
	cut := func(size int) func(c *visitor, block []byte) {
		return func(c *visitor, block []byte) {
			c.write(func(fr *http2.Framer) error {
				fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, BlockFragment: block[:size]})
				for rest := block[size:]; len(rest) > 0; rest = rest[min(size, len(rest)):] {
					fr.WriteContinuation(1, len(rest) <= size, rest[:min(size, len(rest))])
				}
				return nil
			})
		}
	}
	ways := map[string]func(c *visitor, block []byte){
		"CONTINUATION of 5 bytes": cut(5), // RFC 9113, section 6.10
		"CONTINUATION of 1 byte":  cut(1),
		"an empty HEADERS, then CONTINUATION": func(c *visitor, block []byte) {
			c.raw(http2.FrameHeaders, http2.FlagHeadersEndStream, 1, nil)
			c.raw(http2.FrameContinuation, 0, 1, nil)
			c.raw(http2.FrameContinuation, http2.FlagContinuationEndHeaders, 1, block)
		},
		"padding": func(c *visitor, block []byte) { // RFC 9113, section 6.2
			c.write(func(fr *http2.Framer) error {
				return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, EndHeaders: true, BlockFragment: block, PadLength: 255})
			})
		},
		"priority": func(c *visitor, block []byte) {
			c.write(func(fr *http2.Framer) error {
				return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, EndHeaders: true, BlockFragment: block, PadLength: 3, Priority: http2.PriorityParam{StreamDep: 99, Weight: 200, Exclusive: true}})
			})
		},
		"an unknown flag": func(c *visitor, block []byte) { // RFC 9113, section 4.1
			c.raw(http2.FrameHeaders, http2.FlagHeadersEndStream|http2.FlagHeadersEndHeaders|0x40|0x80|0x02, 1, block)
		},
	}
	for name, write := range ways {
		t.Run(name, func(t *testing.T) {
			site{}.visit(t, func(t *testing.T, c *visitor) {
				write(c, c.request(fields...))
				if got := sketch(c.call().r); got != want {
					t.Errorf("the handler saw %q, want %q", got, want)
				}
			})
		})
	}
}

// TestConformHeaderTooBig: a header list beyond http.Server.MaxHeaderBytes is answered 431 or
// refused, and the connection goes on: the block is decoded all the same (RFC 9113, section 4.3).
func TestConformHeaderTooBig(t *testing.T) {
	big := func(s *http.Server) { s.MaxHeaderBytes = 4 << 10 }
	site{limits: big}.visit(t, func(t *testing.T, c *visitor) {
		if got := c.theirs[http2.SettingMaxHeaderListSize]; got < 4<<10 || got > 64<<10 {
			t.Errorf("SETTINGS_MAX_HEADER_LIST_SIZE = %d, want about MaxHeaderBytes", got)
		}
		big := []string{"x-early", "kept"}
		for i := range 6 {
			big = append(big, fmt.Sprint("x-big-", i), strings.Repeat("b", 1<<10))
		}
		c.get(1, big...)
		got := c.heard()
		if len(got) == 0 || !alike("HEADERS 1 :status=431 ... | HEADERS 1 END :status=431 ... | RST_STREAM 1 *", got[0].String()) {
			t.Fatalf("the server sent:%s\nwant 431 or a reset", transcript(got))
		}
		c.noCall()
		c.get(3, "x-early", "kept") // an index into the dynamic table now
		if got := c.call().r.Header.Get("X-Early"); got != "kept" {
			t.Errorf("the request after it has X-Early = %q, want %q", got, "kept")
		}
	})
	// One field that is larger than all may be is no better.
	site{limits: big, noisy: true}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1, "x-big", strings.Repeat("b", 64<<10))
		got := c.heard()
		if len(got) == 0 || !alike("HEADERS 1 :status=431 ... | HEADERS 1 END :status=431 ... | RST_STREAM 1 * | GOAWAY ...", got[0].String()) {
			t.Fatalf("the server sent:%s\nwant 431, a reset or GOAWAY", transcript(got))
		}
		c.noCall()
	})
}

// TestConformExtendedConnect: RFC 8441: a stream with a :protocol is open both ways. A server that has
// not offered it takes it for malformed.
func TestConformExtendedConnect(t *testing.T) {
	site{engine: func(s *h2.Server) { s.ExtendedConnect = true }}.visit(t, func(t *testing.T, c *visitor) {
		if c.theirs[http2.SettingEnableConnectProtocol] != 1 {
			t.Fatal("SETTINGS_ENABLE_CONNECT_PROTOCOL is not 1") // RFC 8441, section 3
		}
		c.headers(1, false, c.pack(":method", "CONNECT", ":protocol", "websocket", ":scheme", c.scheme, ":authority", "example.test", ":path", "/chat?room=1", "sec-websocket-version", "13"))
		call := c.call()
		if got, want := sketch(call.r), "CONNECT /chat?room=1 /chat example.test :protocol=websocket Sec-Websocket-Version=13"; got != want {
			t.Errorf("the handler saw %q, want %q", got, want)
		}
		call.write("")
		c.want("HEADERS 1 :status=200")
		for _, word := range []string{"one", "two"} {
			c.data(1, word)
			call.do(func(w http.ResponseWriter, r *http.Request) {
				buf := make([]byte, 10)
				n, err := r.Body.Read(buf)
				if err != nil || string(buf[:n]) != word {
					t.Errorf("Body.Read = %q, %v, want %q", buf[:n], err, word)
				}
				w.Write(buf[:n])
				http.NewResponseController(w).Flush()
			})
			c.want(fmt.Sprintf("DATA 1 %q", word))
		}
		c.end(1, "")
		c.quiet()
		call.finish()
		c.want(`DATA 1 END ""`)
	})
	site{}.visit(t, func(t *testing.T, c *visitor) {
		if n, ok := c.theirs[http2.SettingEnableConnectProtocol]; ok && n != 0 {
			t.Errorf("SETTINGS_ENABLE_CONNECT_PROTOCOL = %d", n)
		}
		c.headers(1, false, c.pack(":method", "CONNECT", ":protocol", "websocket", ":scheme", c.scheme, ":authority", "example.test", ":path", "/chat"))
		c.want("RST_STREAM 1 PROTOCOL_ERROR")
	})
}

// TestConformHugeField: a field that is larger than any limit is answered 431, and the connection goes
// on, its table of fields as the client has it.
func TestConformHugeField(t *testing.T) {
	for _, size := range []int{70_000, 128 << 10, 250_000, 2 << 20} {
		for _, octet := range []string{"v", "~"} { // by Huffman's code, and as it is
			site{handler: func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("X-Small")) }}.visit(t, func(t *testing.T, c *visitor) {
				c.get(1, "x-small", "before")
				c.want("HEADERS 1 ...", `DATA 1 END "before"`)
				c.get(3, "x-huge", strings.Repeat(octet, size), "x-small", "behind")
				c.want("HEADERS 3 :status=431 ...", `DATA 3 END "Request Header Fields Too Large\n"`)
				c.get(5, "x-small", "behind")
				c.want("HEADERS 5 ...", `DATA 5 END "behind"`)
				c.wantAlive()
			})
		}
	}
}
