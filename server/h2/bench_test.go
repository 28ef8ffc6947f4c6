package h2_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// BenchmarkServer measures this package's server against that of golang.org/x/net/http2, request by
// request in one run: ns/op and allocs/op are ours, xnet-ns/op and xnet-allocs/op its, and times says
// how many of ours take as long as one of its. The client shares the processor, so that times is less
// than what the servers alone would show.
func BenchmarkServer(b *testing.B) {
	for _, secure := range []bool{true, false} {
		for _, load := range []struct {
			name    string
			path    string
			streams int
			upload  int
		}{
			{"13B/1", "/13", 1, 0},
			{"13B/100", "/13", 100, 0},
			{"10KB/1", "/10240", 1, 0},
			{"10KB/100", "/10240", 100, 0},
			{"1MB/1", "/1048576", 1, 0},
			{"1MB/100", "/1048576", 100, 0},
			{"upload-1MB/1", "/0", 1, 1 << 20},
		} {
			transport := "h2c"
			if secure {
				transport = "tls"
			}
			b.Run(transport+"/"+load.name, func(b *testing.B) {
				ours := dialBench(b, serveBench(b, h2.Configure, secure), secure)
				theirs := dialBench(b, serveBench(b, xnet, secure), secure)
				run := func(c *benchClient, n int) {
					if load.upload > 0 {
						c.upload(b, load.path, load.upload, n)
					} else {
						c.get(b, load.path, load.streams, n)
					}
				}
				run(ours, load.streams)
				run(theirs, load.streams)
				b.SetBytes(int64(load.upload))
				b.ReportAllocs()
				b.ResetTimer()
				var theirTime time.Duration
				var theirAllocs uint64
				// In turns, so that what else the machine does meets both.
				for left := b.N; left > 0; {
					n := min(left, max(1, b.N/10))
					left -= n
					run(ours, n)
					b.StopTimer()
					before, start := mallocs(), time.Now()
					run(theirs, n)
					theirTime += time.Since(start)
					theirAllocs += mallocs() - before
					b.StartTimer()
				}
				b.StopTimer()
				b.ReportMetric(float64(theirTime.Nanoseconds())/float64(b.N), "xnet-ns/op")
				b.ReportMetric(float64(theirAllocs)/float64(b.N), "xnet-allocs/op")
				b.ReportMetric(float64(theirTime)/float64(b.Elapsed()), "times")
			})
		}
	}
}

func xnet(s *http.Server) error {
	//lint:ignore SA1019 it is what is measured against
	return http2.ConfigureServer(s, nil)
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// sized answers a path that is a number with as many bytes, once it has read the request.
func sized(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		io.Copy(io.Discard, r.Body)
	}
	n, _ := strconv.Atoi(r.URL.Path[1:])
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Write(zeros[:n])
}

var zeros = make([]byte, 1<<20)

// A benchClient speaks just enough HTTP/2 to cost little and allocate nothing: it sends blocks that
// were encoded before, and looks at the headers of frames.
type benchClient struct {
	conn   net.Conn
	in     *bufio.Reader
	out    []byte
	id     uint32
	credit int // what was read, and is to be given back
	window int // of the connection, to send
	stream int // of the stream that uploads
	first  int // what a stream's window begins with
}

// serveBench starts a server, and returns its address.
func serveBench(b *testing.B, configure func(*http.Server) error, secure bool) string {
	b.Helper()
	ts := httptest.NewUnstartedServer(http.HandlerFunc(sized))
	ts.Config.Protocols = new(http.Protocols)
	ts.Config.Protocols.SetHTTP2(true)
	ts.Config.Protocols.SetUnencryptedHTTP2(true)
	if err := configure(ts.Config); err != nil {
		b.Fatal(err)
	}
	ts.TLS = ts.Config.TLSConfig
	ts.EnableHTTP2 = true
	if secure {
		ts.StartTLS()
	} else {
		ts.Start()
	}
	b.Cleanup(ts.Close)
	return ts.Listener.Addr().String()
}

func dialBench(b *testing.B, addr string, secure bool) *benchClient {
	b.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	if secure {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	}
	b.Cleanup(func() { conn.Close() })
	c := &benchClient{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), window: 65535, first: 65535}
	var hello bytes.Buffer
	hello.WriteString(http2.ClientPreface)
	fr := http2.NewFramer(&hello, nil)
	fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1}, http2.Setting{ID: http2.SettingEnablePush})
	fr.WriteSettingsAck()
	c.out = hello.Bytes()
	c.flush(b)
	return c
}

func (c *benchClient) flush(b *testing.B) {
	if _, err := c.conn.Write(c.out); err != nil {
		b.Fatal(err)
	}
	c.out = c.out[:0]
}

func (c *benchClient) frame(kind http2.FrameType, flags http2.Flags, id uint32, payload []byte) {
	n := len(payload)
	c.out = append(c.out, byte(n>>16), byte(n>>8), byte(n), byte(kind), byte(flags))
	c.out = binary.BigEndian.AppendUint32(c.out, id)
	c.out = append(c.out, payload...)
}

// block encodes a request's header without the decoder's table, so that it can be sent again.
func block(method, path string) []byte {
	var buf bytes.Buffer
	e := hpack.NewEncoder(&buf)
	e.SetMaxDynamicTableSizeLimit(0)
	for _, f := range [][2]string{{":method", method}, {":scheme", "https"}, {":authority", "localhost"}, {":path", path}, {"user-agent", "bench"}} {
		e.WriteField(hpack.HeaderField{Name: f[0], Value: f[1], Sensitive: true})
	}
	return buf.Bytes()
}

// get makes n requests, streams of them at once.
func (c *benchClient) get(b *testing.B, path string, streams, n int) {
	header := block("GET", path)
	for sent, done := 0, 0; done < n; {
		for sent < n && sent-done < streams {
			c.id += 2
			c.frame(http2.FrameHeaders, http2.FlagHeadersEndHeaders|http2.FlagHeadersEndStream, c.id-1, header)
			sent++
		}
		if c.credit > 0 {
			c.frame(http2.FrameWindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, uint32(c.credit)))
			c.credit = 0
		}
		if len(c.out) > 0 {
			c.flush(b)
		}
		for {
			data, end := c.read(b)
			c.credit += data
			if end {
				done++
			}
			if c.in.Buffered() < 9 && (end || c.credit > 32<<10) {
				break
			}
		}
	}
}

// read reads a frame, and says how much DATA it had and if it ended a stream.
func (c *benchClient) read(b *testing.B) (data int, end bool) {
	h, err := c.in.Peek(9)
	if err != nil {
		b.Fatal(err)
	}
	n, kind, flags := int(h[0])<<16|int(h[1])<<8|int(h[2]), http2.FrameType(h[3]), http2.Flags(h[4])
	id := binary.BigEndian.Uint32(h[5:])
	c.in.Discard(9)
	switch kind {
	case http2.FrameData:
		data, end = n, flags.Has(http2.FlagDataEndStream)
	case http2.FrameHeaders:
		end = flags.Has(http2.FlagHeadersEndStream)
	case http2.FrameWindowUpdate:
		p, _ := c.in.Peek(4)
		if id == 0 {
			c.window += int(binary.BigEndian.Uint32(p))
		} else if id == c.id-1 {
			c.stream += int(binary.BigEndian.Uint32(p))
		}
	case http2.FrameSettings:
		p, _ := c.in.Peek(n)
		for ; len(p) >= 6; p = p[6:] {
			if http2.SettingID(binary.BigEndian.Uint16(p)) == http2.SettingInitialWindowSize {
				first := int(binary.BigEndian.Uint32(p[2:]))
				c.stream += first - c.first
				c.first = first
			}
		}
	case http2.FrameGoAway, http2.FrameRSTStream:
		b.Fatal(fmt.Errorf("frame %v", kind))
	}
	c.in.Discard(n)
	return data, end
}

// upload makes n requests with a body of size bytes, one after another.
func (c *benchClient) upload(b *testing.B, path string, size, n int) {
	header := block("POST", path)
	for range n {
		c.id += 2
		c.stream = c.first
		c.frame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, c.id-1, header)
		for left := size; ; {
			for left > 0 && min(c.window, c.stream) > 0 && len(c.out) < 48<<10 {
				m := min(left, 16<<10, c.window, c.stream)
				left -= m
				c.window -= m
				c.stream -= m
				var flags http2.Flags
				if left == 0 {
					flags = http2.FlagDataEndStream
				}
				c.frame(http2.FrameData, flags, c.id-1, zeros[:m])
			}
			more := len(c.out) > 0
			if more {
				c.flush(b)
			}
			if left > 0 && min(c.window, c.stream) > 0 && c.in.Buffered() == 0 {
				continue
			}
			if _, end := c.read(b); end {
				break
			}
		}
	}
}

// BenchmarkIdle measures what a connection costs on which nothing happens any more: heap and stacks of both its ends, of
// which the client's is the same for both servers.
func BenchmarkIdle(b *testing.B) {
	const connections = 2000
	inUse := func() uint64 {
		runtime.GC()
		runtime.GC() // what the first has finalized
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	measure := func(configure func(*http.Server) error) float64 {
		addr := serveBench(b, configure, true)
		before := inUse()
		clients := make([]*benchClient, connections)
		for i := range clients {
			clients[i] = dialBench(b, addr, true)
			clients[i].get(b, "/13", 1, 1)
		}
		defer runtime.KeepAlive(clients)
		return float64(inUse()-before) / connections
	}
	for b.Loop() {
		b.ReportMetric(measure(h2.Configure), "B/connection")
		b.ReportMetric(measure(xnet), "xnet-B/connection")
	}
}
