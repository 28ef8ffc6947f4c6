package worker_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// evil is a worker that does what none should, with the sockets that it has. It does not return.
func evil(kind string) {
	requests, messages := os.NewFile(3, "requests"), os.NewFile(4, "messages")
	say := func(s string) { io.WriteString(messages, s+"\n") }
	switch kind {
	case "a message of 100 MB":
		for range 100 {
			messages.Write(bytes.Repeat([]byte("x"), 1<<20))
		}
		say("")
	case "a log of 20 MB":
		for range 20 << 10 {
			say(`{"Log":{"level":"INFO","msg":"` + strings.Repeat("x", 1000) + `"}}`)
		}
	case "a log that is none":
		for _, s := range []string{`1`, `"a"`, `[]`, `null`, `{"level":[],"msg":{}}`, `{"level":"ERROR+99999999999999999999"}`,
			`{"a":` + strings.Repeat(`{"a":`, 9000) + `1` + strings.Repeat(`}`, 9001), strings.Repeat("[", 9000) + strings.Repeat("]", 9000)} {
			say(`{"Log":` + s + `}`)
		}
	case "ready twice":
		say(`{"Ready":true}`)
		say(`{"Ready":true,"Wrong":"it is wrong","Stuck":"","Change":false}`)
		say(`{"Wrong":"it is wrong"}`)
		say(`{"End":true,"Config":"eA=="}`)
	}
	say(`{"Ready":true}`)
	switch kind {
	case "dials that nobody takes":
		go hoardDials()
	case "no JSON":
		say(`}`)
		select {} // what it would answer might be first
	case "stuck, and changed":
		for {
			say(`{"Stuck":"GET /","Request":"x"}`)
			say(`{"Change":true}`)
			time.Sleep(time.Millisecond)
		}
	case "garbage":
		for {
			requests.Write(bytes.Repeat([]byte{0xff, 0x81, 7}, 1000))
		}
	}
	io.ReadFull(requests, make([]byte, len(http2.ClientPreface)))
	f := http2.NewFramer(requests, requests)
	f.SetMaxReadFrameSize(1 << 20)
	f.WriteSettings()
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	head := func(fields ...string) []byte {
		block.Reset()
		for i := 0; i < len(fields); i += 2 {
			e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
		}
		return block.Bytes()
	}
	headers := func(id uint32, end bool, fields ...string) {
		f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: head(fields...), EndHeaders: true, EndStream: end})
	}
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			os.Exit(0)
		}
		if p, ok := frame.(*http2.PingFrame); ok && !p.IsAck() {
			f.WritePing(true, p.Data)
		}
		h, ok := frame.(*http2.HeadersFrame)
		if !ok {
			continue
		}
		id := h.StreamID
		switch kind {
		case "no answer":
		case "many interim responses":
			for range 1000 {
				headers(id, false, ":status", "103", "link", "</a.css>; rel=preload", "x-more", "y")
			}
			headers(id, true, ":status", "200")
		case "a header of 10 MB":
			f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: head(":status", "200")})
			for range 1000 {
				f.WriteContinuation(id, false, head("x-large", strings.Repeat("x", 10_000)))
			}
			f.WriteContinuation(id, true, head("x-last", "x"))
		case "trailers of a header":
			headers(id, false, ":status", "200")
			f.WriteData(id, false, []byte("body"))
			headers(id, true, "set-cookie", "a=b", "content-length", "3", "location", "/", "larkspur-depends", "x", "x-good", "1",
				"authorization", "x", "cache-control", "no-store")
		case "trailers of a connection":
			headers(id, false, ":status", "200")
			f.WriteData(id, false, []byte("body"))
			headers(id, true, "transfer-encoding", "chunked")
		case "DATA beyond the window":
			headers(id, false, ":status", "200")
			for range 1000 {
				f.WriteData(id, false, make([]byte, 16<<10))
			}
		case "a status that is none":
			headers(id, true, ":status", "099")
		case "101":
			headers(id, true, ":status", "101")
		case "a field of a connection":
			headers(id, true, ":status", "200", "connection", "close", "transfer-encoding", "chunked")
		case "a field with a line end":
			headers(id, true, ":status", "200", "x-split", "a\r\nSet-Cookie: b=c")
		case "less than it says":
			headers(id, false, ":status", "200", "content-length", "10")
			f.WriteData(id, true, []byte("body"))
		case "a promise":
			f.WritePushPromise(http2.PushPromiseParam{StreamID: id, PromiseID: 2, BlockFragment: head(":method", "GET", ":path", "/",
				":scheme", "http", ":authority", "x"), EndHeaders: true})
		default:
			headers(id, false, ":status", "200")
			f.WriteData(id, true, []byte("body"))
		}
	}
}

// TestEvil has workers that do what none should: whoever asks them gets a fault, or what is right of the
// response, and the front stays as it is.
func TestEvil(t *testing.T) {
	good := reply{status: 200, text: "body"}
	for _, c := range []struct {
		kind string
		want reply // with no status: 502, 503, or a response that breaks off
	}{
		{"a message of 100 MB", good},
		{"a log of 20 MB", good},
		{"a log that is none", good},
		{"ready twice", good},
		{"no JSON", reply{}},
		{"stuck, and changed", reply{}},
		{"garbage", reply{}},
		{"no answer", reply{status: 504}},
		{"many interim responses", reply{status: 502}},
		{"a header of 10 MB", reply{status: 502}},
		{"trailers of a header", good},
		{"trailers of a connection", reply{}},
		{"DATA beyond the window", reply{}},
		{"a status that is none", reply{status: 502}},
		{"101", reply{status: 502}},
		{"a field of a connection", reply{status: 502}},
		{"a field with a line end", reply{status: 502}},
		{"less than it says", reply{}},
		{"a promise", reply{status: 502}},
	} {
		t.Run(c.kind, func(t *testing.T) {
			var m goruntime.MemStats
			goruntime.GC()
			goruntime.ReadMemStats(&m)
			before := m.HeapAlloc
			h := build(t, plain, func(h *house, f *server.Front) {
				h.Evil = c.kind
				h.pool.Workers, h.pool.Wait, h.pool.Drain, h.pool.Grace = 1, time.Second/2, time.Second, time.Millisecond
				h.log.cut = 200
				if c.want.status == 502 || c.kind == "no answer" {
					h.pool.Wait = patience // for the next, which takes its time on a machine that is busy
				}
				if c.kind == "no answer" {
					h.pool.Timeout = time.Second
				}
				f.Mounts = []server.Mount{{Path: "/good", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					io.WriteString(w, "good")
				})}}
			})
			for version := 1; version <= 2; version++ {
				res, err := client(t, version).Post(h.url+"/", "text/plain", strings.NewReader("x"))
				a := reply{err: err}
				if err == nil {
					p, err := io.ReadAll(res.Body)
					res.Body.Close()
					a = reply{res.StatusCode, res.Header, string(p), err}
					for _, name := range []string{"Set-Cookie", "Content-Length", "Location", "Larkspur-Depends", "Authorization", "Cache-Control"} {
						if res.Trailer[name] != nil {
							t.Errorf("HTTP/%d: the trailer %s has come through", version, name)
						}
					}
					if res.Header["Set-Cookie"] != nil || strings.HasPrefix(c.kind, "trailers of a header") && res.Trailer.Get("X-Good") != "1" {
						t.Errorf("HTTP/%d: %v, trailers %v", version, res.Header, res.Trailer)
					}
				}
				switch {
				case c.want.status == 0 && (a.err != nil || a.status == 502 || a.status == 503):
				case c.want.status == 0 || a.err != nil || a.status != c.want.status || c.want.text != "" && a.text != c.want.text:
					t.Errorf("HTTP/%d: got %d %q %v, want %d %q", version, a.status, fmt.Sprintf("%.100s", a.text), a.err, c.want.status, c.want.text)
				}
				if a := ask(client(t, version), "GET", h.url+"/good", nil); a.err != nil || a.text != "good" {
					t.Errorf("HTTP/%d: another application has answered %d %q %v", version, a.status, a.text, a.err)
				}
			}
			goruntime.GC()
			goruntime.ReadMemStats(&m)
			if m.HeapAlloc > before+16<<20 {
				t.Errorf("the front's heap has grown from %d to %d", before, m.HeapAlloc)
			}
		})
	}
}
