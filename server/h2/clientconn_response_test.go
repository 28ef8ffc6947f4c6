package h2_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// A response is what the server has sent, or an error that says what is wrong with it.
func TestClientResponse(t *testing.T) {
	ok := []string{":status", "200"}
	with := func(pairs ...string) []string { return append(slices.Clip(ok), pairs...) }
	const malformed = "RST_STREAM 1 PROTOCOL_ERROR"
	for _, test := range []struct {
		name   string
		method string
		send   func(s *backend)
		want   string // in the reply
		reset  string // what the client sends then
	}{
		{"no body", "GET", func(s *backend) { s.answer(1, true, with("x-own", "a", "x-own", "b")...) },
			`200 OK X-Own=["a" "b"] length=0 ""`, ""},
		{"a body with its length", "GET", func(s *backend) {
			s.answer(1, false, with("content-length", "5")...)
			s.data(1, "he")
			s.end(1, "llo")
		}, `200 OK Content-Length=["5"] length=5 "hello"`, ""},
		{"a body without", "GET", func(s *backend) { s.answer(1, false, ok...); s.data(1, "hel"); s.end(1, "lo") },
			`200 OK  length=-1 "hello"`, ""},
		{"padding", "GET", func(s *backend) {
			s.answer(1, false, ok...)
			s.raw(http2.FrameData, http2.FlagDataPadded|http2.FlagDataEndStream, 1, []byte("\x03hello\x00\x00\x00"))
		}, `"hello"`, ""},
		{"HEAD", "HEAD", func(s *backend) { s.answer(1, true, with("content-length", "5")...) }, `length=5 ""`, ""},
		{"HEAD without length", "HEAD", func(s *backend) { s.answer(1, true, ok...) }, `length=-1 ""`, ""},
		{"304 with a length", "GET", func(s *backend) { s.answer(1, true, ":status", "304", "content-length", "5") },
			`304 Not Modified Content-Length=["5"] length=5 ""`, ""},
		{"a status without text", "GET", func(s *backend) { s.answer(1, true, ":status", "799") }, "799  ", ""},
		{"trailers", "GET", func(s *backend) {
			s.answer(1, false, with("trailer", "x-sum, x-never")...)
			s.data(1, "a")
			s.answer(1, true, "x-sum", "1", "x-other", "2")
		}, `200 OK  length=-1 "a" trailer X-Never=[] X-Other=["2"] X-Sum=["1"]`, ""},
		{"trailers without a body", "GET", func(s *backend) { s.answer(1, false, ok...); s.answer(1, true, "a", "1") },
			`"" trailer A=["1"]`, ""},
		{"interim responses that nobody wants", "GET", func(s *backend) {
			s.answer(1, false, ":status", "103", "link", "</a>")
			s.answer(1, true, ok...)
		}, `200 OK  length=0 ""`, ""},
		{"a refused stream", "GET", func(s *backend) { s.reset(1, http2.ErrCodeRefusedStream) }, "REFUSED_STREAM", ""},
		{"a reset in the middle", "GET", func(s *backend) {
			s.answer(1, false, ok...)
			s.data(1, "hel")
			s.reset(1, http2.ErrCodeInternal)
		}, `"hel" h2: the peer reset the stream: INTERNAL_ERROR`, ""},
		{"a reset after the end", "GET", func(s *backend) {
			s.answer(1, false, ok...)
			s.end(1, "hello")
			s.reset(1, http2.ErrCodeNo)
		}, `"hello"`, ""},
		{"unknown frames", "GET", func(s *backend) {
			s.raw(0x42, 0xff, 1, []byte("x"))
			s.raw(http2.FramePriority, 0, 1, make([]byte, 5))
			s.answer(1, true, ok...)
		}, "200 OK", ""},

		{"no status", "GET", func(s *backend) { s.answer(1, true, "a", "b") }, "without :status", malformed},
		{"a bad status", "GET", func(s *backend) { s.answer(1, true, ":status", "2000") }, ":status", malformed},
		{"a status below all", "GET", func(s *backend) { s.answer(1, true, ":status", "099") }, ":status", malformed},
		{"101", "GET", func(s *backend) { s.answer(1, false, ":status", "101") }, ":status", malformed},
		{"two statuses", "GET", func(s *backend) { s.answer(1, true, with(":status", "200")...) }, "name", malformed},
		{"a request's pseudo-field", "GET", func(s *backend) { s.answer(1, true, with(":path", "/")...) }, "name", malformed},
		{"upper case", "GET", func(s *backend) { s.answer(1, true, with("A", "b")...) }, "name", malformed},
		{"a field of the connection", "GET", func(s *backend) { s.answer(1, true, with("connection", "close")...) },
			"a field of the connection", malformed},
		{"a bad value", "GET", func(s *backend) { s.answer(1, true, with("a", "b\x00")...) }, "value", malformed},
		{"a bad length", "GET", func(s *backend) { s.answer(1, false, with("content-length", "+5")...) },
			"content-length", malformed},
		{"two lengths", "GET", func(s *backend) {
			s.answer(1, false, with("content-length", "5", "content-length", "6")...)
		}, "content-length", malformed},
		{"a length without a body", "GET", func(s *backend) { s.answer(1, true, with("content-length", "5")...) },
			"content-length", malformed},
		{"too long", "GET", func(s *backend) { s.answer(1, false, with("content-length", "2")...); s.data(1, "abc") },
			"more DATA than content-length", malformed},
		{"too short", "GET", func(s *backend) { s.answer(1, false, with("content-length", "4")...); s.end(1, "abc") },
			`"abc" h2: stream 1: PROTOCOL_ERROR: less DATA`, malformed},
		{"a body to HEAD", "HEAD", func(s *backend) { s.answer(1, false, ok...); s.data(1, "abc") }, "no body", malformed},
		{"a body of 204", "GET", func(s *backend) { s.answer(1, false, ":status", "204"); s.data(1, "abc") },
			"no body", malformed},
		{"DATA first", "GET", func(s *backend) { s.data(1, "abc") }, "DATA before a response", malformed},
		{"END_STREAM first", "GET", func(s *backend) { s.end(1, "") }, "DATA before a response", malformed},
		{"DATA after an interim", "GET", func(s *backend) { s.answer(1, false, ":status", "103"); s.data(1, "abc") },
			"DATA before a response", malformed},
		{"an interim at the end", "GET", func(s *backend) { s.answer(1, true, ":status", "103") }, "interim", malformed},
		{"trailers before the end", "GET", func(s *backend) { s.answer(1, false, ok...); s.answer(1, false, "a", "b") },
			"trailers without END_STREAM", malformed},
		{"trailers with a status", "GET", func(s *backend) { s.answer(1, false, ok...); s.answer(1, true, ok...) },
			"name", malformed},
		{"a header that is too large", "GET", func(s *backend) {
			s.answer(1, true, with("a", strings.Repeat("x", 4000))...)
		}, "too large", "RST_STREAM 1 ENHANCE_YOUR_CALM"},
		{"a field that is too large", "GET", func(s *backend) {
			s.answer(1, true, with("a", strings.Repeat("\x01", 17000))...)
		}, "too large", "RST_STREAM 1 ENHANCE_YOUR_CALM"},
		{"DATA beyond the window", "GET", func(s *backend) {
			s.answer(1, false, ok...)
			s.data(1, strings.Repeat("x", 1001))
		}, "FLOW_CONTROL_ERROR", "RST_STREAM 1 FLOW_CONTROL_ERROR"},
		{"WINDOW_UPDATE of 0", "GET", func(s *backend) { s.window(1, 0) }, "WINDOW_UPDATE", malformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			dialBackend(t, h2.ClientConfig{Window: 1000, MaxHeaderBytes: 4000}, nil, func(t *testing.T, s *backend) {
				p := s.do(newRequest(test.method, "/", nil), nil)
				s.await("HEADERS 1 END ...")
				test.send(s)
				s.wantReply(p, test.want)
				if test.reset == "" {
					s.want()
				} else {
					s.want(test.reset)
				}
				if n := s.conn.Streams(); n != 0 {
					t.Errorf("%d streams are open", n)
				}
				s.get("/")
				s.want("HEADERS 3 END ...") // the connection goes on
			})
		})
	}
}

// A server that breaks the rules of a connection ends it, and learns why.
func TestClientConnErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		send func(s *backend)
		code http2.ErrCode
	}{
		{"a promise", func(s *backend) {
			s.raw(http2.FramePushPromise, 4, 1, []byte("\x00\x00\x00\x02\x82"))
		}, http2.ErrCodeProtocol},
		{"a response to nothing", func(s *backend) {
			s.answer(3, true, ":status", "200")
		}, http2.ErrCodeProtocol},
		{"a response of even number", func(s *backend) {
			s.answer(2, true, ":status", "200")
		}, http2.ErrCodeProtocol},
		{"DATA of nothing", func(s *backend) { s.data(5, "x") }, http2.ErrCodeProtocol},
		{"DATA of the connection", func(s *backend) { s.data(0, "x") }, http2.ErrCodeProtocol},
		{"RST_STREAM of nothing", func(s *backend) { s.reset(5, http2.ErrCodeCancel) }, http2.ErrCodeProtocol},
		{"WINDOW_UPDATE of nothing", func(s *backend) { s.window(5, 1) }, http2.ErrCodeProtocol},
		{"WINDOW_UPDATE of 0", func(s *backend) { s.window(0, 0) }, http2.ErrCodeProtocol},
		{"a window that overflows", func(s *backend) { s.window(0, 1<<31-1) }, http2.ErrCodeFlowControl},
		{"windows that overflow", func(s *backend) {
			s.window(1, 1<<30)
			s.settings(set(http2.SettingInitialWindowSize, 1<<31-1))
		}, http2.ErrCodeFlowControl},
		{"a window that is too large", func(s *backend) {
			s.settings(set(http2.SettingInitialWindowSize, 1<<31))
		}, http2.ErrCodeFlowControl},
		{"ENABLE_PUSH", func(s *backend) {
			s.settings(set(http2.SettingEnablePush, 1))
		}, http2.ErrCodeProtocol},
		{"frames that are too small", func(s *backend) {
			s.settings(set(http2.SettingMaxFrameSize, 1))
		}, http2.ErrCodeProtocol},
		{"Extended CONNECT of 2", func(s *backend) { s.settings(set(8, 2)) }, http2.ErrCodeProtocol},
		{"SETTINGS of a stream", func(s *backend) {
			s.raw(http2.FrameSettings, 0, 1, nil)
		}, http2.ErrCodeProtocol},
		{"half a setting", func(s *backend) {
			s.raw(http2.FrameSettings, 0, 0, []byte("x"))
		}, http2.ErrCodeFrameSize},
		{"an answer with SETTINGS", func(s *backend) {
			s.raw(http2.FrameSettings, 1, 0, make([]byte, 6))
		}, http2.ErrCodeFrameSize},
		{"an answer too many", func(s *backend) { s.ack() }, http2.ErrCodeProtocol},
		{"a short PING", func(s *backend) {
			s.raw(http2.FramePing, 0, 0, []byte("x"))
		}, http2.ErrCodeFrameSize},
		{"PING of a stream", func(s *backend) {
			s.raw(http2.FramePing, 0, 1, make([]byte, 8))
		}, http2.ErrCodeProtocol},
		{"a short GOAWAY", func(s *backend) {
			s.raw(http2.FrameGoAway, 0, 0, []byte("x"))
		}, http2.ErrCodeFrameSize},
		{"GOAWAY of a stream", func(s *backend) {
			s.raw(http2.FrameGoAway, 0, 1, make([]byte, 8))
		}, http2.ErrCodeProtocol},
		{"a short RST_STREAM", func(s *backend) {
			s.raw(http2.FrameRSTStream, 0, 1, []byte("x"))
		}, http2.ErrCodeFrameSize},
		{"a short WINDOW_UPDATE", func(s *backend) {
			s.raw(http2.FrameWindowUpdate, 0, 0, []byte("x"))
		}, http2.ErrCodeFrameSize},
		{"a frame that is too large", func(s *backend) {
			s.raw(http2.FrameData, 0, 1, make([]byte, 16385))
		}, http2.ErrCodeFrameSize},
		{"padding only", func(s *backend) {
			s.raw(http2.FrameData, 8, 1, []byte("\x01"))
		}, http2.ErrCodeProtocol},
		{"no padding", func(s *backend) { s.raw(http2.FrameData, 8, 1, nil) }, http2.ErrCodeFrameSize},
		{"a block that is interrupted", func(s *backend) {
			s.raw(http2.FrameHeaders, 0, 1, []byte("\x88"))
			s.ping("12345678")
		}, http2.ErrCodeProtocol},
		{"CONTINUATION of nothing", func(s *backend) {
			s.raw(http2.FrameContinuation, 4, 1, []byte("\x88"))
		}, http2.ErrCodeProtocol},
		{"a block that does not end", func(s *backend) {
			s.raw(http2.FrameHeaders, 0, 1, []byte("\x88"))
			for range 20 {
				s.raw(http2.FrameContinuation, 0, 1, []byte(strings.Repeat("\x00\x01a\x01b", 3000)))
			}
		}, http2.ErrCodeEnhanceYourCalm},
		{"HPACK that is none", func(s *backend) {
			s.headers(1, true, []byte("\xff\xff\xff\xff\xff\xff"))
		}, http2.ErrCodeCompression},
		{"a response after its end", func(s *backend) {
			s.answer(1, true, ":status", "200")
			s.answer(1, true, ":status", "200")
		}, http2.ErrCodeStreamClosed},
		{"DATA after the end", func(s *backend) {
			s.answer(1, true, ":status", "200")
			s.data(1, "x")
		}, http2.ErrCodeStreamClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
				p := s.get("/")
				s.await("HEADERS 1 END ...")
				test.send(s)
				s.wantClosed(test.code)
				<-s.conn.Done()
				if err := s.conn.Err(); err == nil || !strings.Contains(err.Error(), test.code.String()) {
					t.Errorf("the connection's error is %v, want %v", err, test.code)
				}
				<-p.done // with a response, or the error
				s.wantUnprocessed(s.get("/"), true)
			})
		})
	}
}
