package h2

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// FuzzClientFrames has a server send a client whatever bytes behind its SETTINGS. The client must
// neither panic nor hang, what it keeps is bounded by its windows, and its goroutines end with the
// connection.
func FuzzClientFrames(f *testing.F) {
	var seed strings.Builder
	fr := http2.NewFramer(&seed, nil)
	var block strings.Builder
	e := hpack.NewEncoder(&block)
	pack := func(pairs ...string) []byte {
		block.Reset()
		for i := 0; i < len(pairs); i += 2 {
			e.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
		}
		return []byte(block.String())
	}
	headers := func(id uint32, end bool, block []byte) {
		fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block,
			EndHeaders: true, EndStream: end, PadLength: 3})
	}
	headers(1, false, pack(":status", "103", "link", "</a>"))
	headers(1, false, pack(":status", "200", "content-length", "3", "trailer", "x"))
	fr.WriteDataPadded(1, false, []byte("abc"), []byte{0, 0})
	headers(1, true, pack("x", "y"))
	fr.WriteWindowUpdate(0, 1000)
	fr.WriteWindowUpdate(3, 1000)
	fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1},
		http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0},
		http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 2},
		http2.Setting{ID: settingConnectProtocol, Val: 1})
	fr.WriteSettingsAck()
	fr.WritePing(false, [8]byte{1})
	fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: pack(":status", "404")})
	fr.WriteContinuation(3, true, nil)
	fr.WriteData(3, true, []byte("not found"))
	fr.WriteRSTStream(3, http2.ErrCodeNo)
	fr.WriteRSTStream(5, http2.ErrCodeRefusedStream)
	fr.WriteGoAway(5, http2.ErrCodeNo, []byte("bye"))
	f.Add([]byte(seed.String()))

	f.Fuzz(func(t *testing.T, frames []byte) {
		client, server := net.Pipe()
		go io.Copy(io.Discard, server)
		c := NewClientConn(client, ClientConfig{Window: 1000, MaxHeaderBytes: 1000})
		ended := make(chan error)
		do := func(method string, body io.Reader, proto ...string) {
			r, err := http.NewRequest(method, "http://a/", body)
			if err != nil {
				panic(err)
			}
			if proto != nil {
				r.Header[":protocol"] = proto
			}
			go func() {
				res, err := c.Do(r, func(int, http.Header) error { return nil })
				if err == nil {
					var n int64
					n, err = io.Copy(io.Discard, res.Body)
					bodiless := method == "HEAD" || res.StatusCode == 204 || res.StatusCode == 304
					if err == nil && res.ContentLength >= 0 && n != res.ContentLength && !bodiless {
						t.Errorf("a body of %d bytes ends well, with %d", res.ContentLength, n)
					}
					res.Body.Close()
				}
				ended <- err
			}()
		}
		do("GET", nil)
		do("HEAD", nil)
		do("POST", strings.NewReader(strings.Repeat("x", 100_000)))
		blocked, w := io.Pipe()
		defer w.Close()
		do("PUT", blocked)
		do("CONNECT", strings.NewReader("y"), "websocket")
		server.SetWriteDeadline(time.Now().Add(5 * time.Second))
		io.WriteString(server, "\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		server.Write(frames)
		server.Close()
		timeout := time.After(10 * time.Second)
		for range 5 {
			select {
			case <-ended:
			case <-timeout:
				t.Fatal("a request does not end")
			}
		}
		select {
		case <-c.Done():
		case <-timeout:
			t.Fatal("the connection does not end")
		}
		if n := c.Streams(); n != 0 || len(c.queue) != 0 {
			t.Fatalf("%d streams and %d that wait are left", n, len(c.queue))
		}
	})
}
