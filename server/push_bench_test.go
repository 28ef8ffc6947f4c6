package server_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A plainClient asks as cheaply as can be, and reads only as far as to see how many responses have ended.
type plainClient struct {
	conn   net.Conn
	framer *http2.Framer
	block  bytes.Buffer
	fields *hpack.Encoder
	id     uint32
	out    bytes.Buffer
}

func dialPlain(b *testing.B, url string, push uint32) *plainClient {
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	c := &plainClient{conn: conn, id: 1}
	c.framer = http2.NewFramer(&c.out, bufio.NewReaderSize(conn, 1<<16))
	c.framer.SetReuseFrames()
	c.fields = hpack.NewEncoder(&c.block)
	c.out.WriteString(http2.ClientPreface)
	c.framer.WriteSettings(http2.Setting{ID: http2.SettingEnablePush, Val: push})
	c.framer.WriteWindowUpdate(0, 1<<30)
	return c
}

func (c *plainClient) ask(target string) {
	c.block.Reset()
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "localhost"}, {":path", target}, {"accept-encoding", "gzip"}, {"user-agent", "plain"}} {
		c.fields.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: c.id, BlockFragment: c.block.Bytes(), EndStream: true, EndHeaders: true})
	c.id += 2
}

// await sends what was asked, and reads until n responses have ended.
func (c *plainClient) await(b *testing.B, n int) {
	if _, err := io.Copy(c.conn, &c.out); err != nil {
		b.Fatal(err)
	}
	for n > 0 {
		f, err := c.framer.ReadFrame()
		if err != nil {
			b.Fatal(err)
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				c.framer.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				c.framer.WritePing(true, f.Data)
				io.Copy(c.conn, &c.out)
			}
		}
		if h := f.Header(); (h.Type == http2.FrameData || h.Type == http2.FrameHeaders) && h.Flags.Has(http2.FlagDataEndStream) {
			n--
		}
	}
}

// BenchmarkPushes is a page with ten small resources: pushed with the page, and asked for by the client, which is what a push
// has to be no dearer than. Run it with -cpu 1: then it is CPU that it measures.
func BenchmarkPushes(b *testing.B) {
	const source = `
def app(environ, start_response):
    query = environ["QUERY_STRING"]
    if environ["PATH_INFO"] == "/":
        link = ", ".join(["</%d.css?" % i + query + ">; rel=preload" for i in range(10)])
        start_response("200 OK", [("Content-Type", "text/html"), ("Link", link)])
    else:
        start_response("200 OK", [("Content-Type", "text/css")])
    return ["x" * 200]
`
	for _, name := range []string{"asked", "pushed"} {
		b.Run(name, func(b *testing.B) {
			s := servePushes(b, false, source, nil)
			s.quiet()
			push := uint32(0)
			if name == "pushed" {
				push = 1
			}
			c := dialPlain(b, s.URL, push)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				query := strconv.Itoa(n) // what the client has is not sent again
				c.ask("/?" + query)
				if push == 0 {
					c.await(b, 1) // the page says what to ask for
					for i := range 10 {
						c.ask(fmt.Sprintf("/%d.css?%s", i, query))
					}
					c.await(b, 10)
				} else {
					c.await(b, 11)
				}
			}
		})
	}
}
