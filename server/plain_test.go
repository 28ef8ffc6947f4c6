package server_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A plainClient asks as cheaply as can be: it allocates nothing, and of what is sent to it it reads only
// how many responses have ended.
type plainClient struct {
	conn   net.Conn
	in     *bufio.Reader
	framer *http2.Framer // writes to out
	block  bytes.Buffer
	fields *hpack.Encoder
	id     uint32
	out    bytes.Buffer
}

func dialPlain(tb testing.TB, url string, push uint32) *plainClient {
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	c := &plainClient{conn: conn, in: bufio.NewReaderSize(conn, 1<<16), id: 1}
	c.framer = http2.NewFramer(&c.out, nil)
	c.fields = hpack.NewEncoder(&c.block)
	c.out.WriteString(http2.ClientPreface)
	c.framer.WriteSettings(http2.Setting{ID: http2.SettingEnablePush, Val: push})
	c.framer.WriteWindowUpdate(0, 1<<30)
	return c
}

// ask has one more request in what await sends.
func (c *plainClient) ask(target string) {
	c.block.Reset()
	for _, f := range [...][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "localhost"}, {":path", target}, {"accept-encoding", "gzip"}, {"user-agent", "plain"}} {
		c.fields.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: c.id, BlockFragment: c.block.Bytes(), EndStream: true, EndHeaders: true})
	c.id += 2
}

// await sends what was asked, and reads until n responses have ended.
func (c *plainClient) await(tb testing.TB, n int) {
	for n > 0 {
		if _, err := c.out.WriteTo(c.conn); err != nil {
			tb.Fatal(err)
		}
		h, err := c.in.Peek(9)
		if err != nil {
			tb.Fatal(err)
		}
		size, kind, flags := int(binary.BigEndian.Uint32(h)>>8), http2.FrameType(h[3]), http2.Flags(h[4])
		c.in.Discard(9)
		switch kind {
		case http2.FrameSettings:
			if !flags.Has(http2.FlagSettingsAck) {
				c.framer.WriteSettingsAck()
			}
		case http2.FrameData, http2.FrameHeaders:
			if flags.Has(http2.FlagDataEndStream) {
				n--
			}
		case http2.FrameRSTStream, http2.FrameGoAway:
			tb.Fatalf("the server sends %v", kind)
		}
		if _, err := c.in.Discard(size); err != nil {
			tb.Fatal(err)
		}
	}
}
