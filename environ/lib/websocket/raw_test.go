package websocket_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A wire is a client that has no opinion of what a WebSocket is: it writes octets, and reads frames.
type wire struct {
	t      *testing.T
	nc     net.Conn
	up     io.Writer // what the client sends
	down   *bufio.Reader
	framer *http2.Framer // nil over HTTP/1.1
	id     uint32        // of the stream
	block  bytes.Buffer
	pack   *hpack.Encoder
	left   []byte // of a DATA frame

	mu     sync.Mutex // of what is sent over HTTP/2
	more   sync.Cond  // of windows
	window [2]int     // of the connection and of the stream
	ended  bool       // END_STREAM or a reset has come
}

// wire opens a WebSocket whose client costs next to nothing.
func (s *site) wire(t *testing.T, proto string) *wire {
	t.Helper()
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(60 * time.Second))
	w := &wire{t: t, nc: nc, up: nc}
	if proto == "HTTP/2" {
		w.extended(s.addr)
		w.down = bufio.NewReaderSize(data{w}, 16)
		return w
	}
	io.WriteString(nc, "GET /chat HTTP/1.1\r\nHost: "+s.addr+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	w.down = bufio.NewReaderSize(nc, 512)
	res, err := http.ReadResponse(w.down, nil)
	if err != nil || res.StatusCode != 101 || res.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("the handshake: %v, %v", res, err) // RFC 6455, section 1.3
	}
	return w
}

// extended opens a connection of HTTP/2, and the WebSocket in a stream of it.
func (w *wire) extended(authority string) {
	io.WriteString(w.nc, http2.ClientPreface)
	w.framer = http2.NewFramer(w.nc, w.nc)
	w.framer.SetReuseFrames()
	w.framer.WriteSettings()
	w.more.L, w.window[0] = &w.mu, 65535
	w.pack = hpack.NewEncoder(&w.block)
	w.connect(authority, 1)
}

// connect opens a WebSocket in a stream.
func (w *wire) connect(authority string, id uint32) {
	w.id = id
	w.block.Reset()
	for _, f := range [][2]string{{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "http"}, {":path", "/chat"},
		{":authority", authority}, {"sec-websocket-version", "13"}} {
		w.pack.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	w.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: w.block.Bytes(), EndHeaders: true})
	w.up = up{w}
	for {
		f, err := w.framer.ReadFrame()
		if err != nil {
			w.t.Fatal(err)
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if v, ok := f.Value(http2.SettingEnableConnectProtocol); !f.IsAck() {
				if !ok || v != 1 {
					w.t.Fatal("the server does not offer an extended CONNECT")
				}
				size, _ := f.Value(http2.SettingInitialWindowSize)
				w.window[1] = int(size)
				w.framer.WriteSettingsAck()
			}
		case *http2.WindowUpdateFrame:
			w.grow(f)
		case *http2.HeadersFrame:
			// RFC 7541, appendix A: the eighth entry of the static table is :status 200.
			if f.HeaderBlockFragment()[0] != 0x88 || f.StreamEnded() {
				w.t.Fatalf("the handshake: %q", f.HeaderBlockFragment())
			}
			return
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			w.t.Fatalf("the handshake: %v", f)
		}
	}
}

// up sends octets as DATA.
type up struct{ w *wire }

func (u up) Write(p []byte) (n int, err error) {
	w := u.w
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(p) > 0 && err == nil {
		m := min(len(p), 16<<10, w.window[0], w.window[1])
		if m <= 0 {
			if w.ended {
				return n, io.ErrClosedPipe
			}
			w.more.Wait()
			continue
		}
		w.window[0] -= m
		w.window[1] -= m
		err = w.framer.WriteData(w.id, false, p[:m])
		n, p = n+m, p[m:]
	}
	return n, err
}

// grow notes that the server takes more.
func (w *wire) grow(f *http2.WindowUpdateFrame) {
	w.window[min(f.StreamID, 1)] += int(f.Increment)
	w.more.Broadcast()
}

// done says that nothing more will be sent.
func (w *wire) done() {
	if w.framer == nil {
		w.nc.(*net.TCPConn).CloseWrite()
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.framer.WriteData(w.id, true, nil)
}

// data reads the payload of DATA frames.
type data struct{ w *wire }

func (d data) Read(p []byte) (int, error) {
	w := d.w
	for len(w.left) == 0 {
		if w.ended {
			return 0, io.EOF
		}
		f, err := w.framer.ReadFrame()
		w.mu.Lock()
		if err != nil {
			w.ended = true
			w.more.Broadcast()
			w.mu.Unlock()
			return 0, err
		}
		switch f := f.(type) {
		case *http2.WindowUpdateFrame:
			w.grow(f)
		case *http2.DataFrame:
			w.left = append(w.left, f.Data()...)
			w.ended = f.StreamEnded()
			if n := uint32(len(f.Data())); n > 0 && !w.ended {
				w.framer.WriteWindowUpdate(0, n)
				w.framer.WriteWindowUpdate(w.id, n)
			}
		case *http2.RSTStreamFrame:
			w.ended = true
		case *http2.PingFrame:
			if !f.IsAck() {
				w.framer.WritePing(true, f.Data)
			}
		}
		if w.ended {
			w.more.Broadcast()
		}
		w.mu.Unlock()
	}
	n := copy(p, w.left)
	w.left = w.left[n:]
	return n, nil
}

// A frame is one of RFC 6455, section 5.2, well formed or not.
type frame struct {
	head    byte // FIN, the reserved bits, and the opcode
	payload string
	plain   bool  // not masked
	long    bool  // the length has eight octets, whatever it is
	says    int64 // the length that the head says; 0 for that of the payload
}

var mask = [4]byte{1, 2, 3, 4}

func (f frame) bytes() []byte {
	n := int64(len(f.payload))
	if f.says != 0 {
		n = f.says
	}
	bit := byte(0x80)
	if f.plain {
		bit = 0
	}
	b := []byte{f.head}
	switch {
	case n > 0xffff || f.long:
		b = binary.BigEndian.AppendUint64(append(b, bit|127), uint64(n))
	case n > 125:
		b = binary.BigEndian.AppendUint16(append(b, bit|126), uint16(n))
	default:
		b = append(b, bit|byte(n))
	}
	if f.plain {
		return append(b, f.payload...)
	}
	b = append(b, mask[:]...)
	for i := range len(f.payload) {
		b = append(b, f.payload[i]^mask[i%4])
	}
	return b
}

// read reads a frame of the server, as its first octet and its payload; "end" if there is none any
// more.
func (w *wire) read() (head byte, payload string, err error) {
	head, err = w.down.ReadByte()
	if err != nil {
		return 0, "", err
	}
	b, err := w.down.ReadByte()
	if err != nil {
		return 0, "", err
	}
	n := uint64(b & 0x7f)
	long := make([]byte, map[uint64]int{126: 2, 127: 8}[n])
	if _, err := io.ReadFull(w.down, long); err != nil {
		return 0, "", err
	}
	if len(long) > 0 {
		n = 0
		for _, c := range long {
			n = n<<8 | uint64(c)
		}
	}
	if b&0x80 != 0 || n > 64<<20 {
		w.t.Errorf("the server masks, or sends a frame of %d bytes", n)
	}
	var all strings.Builder
	_, err = io.CopyN(&all, w.down, int64(n))
	return head, all.String(), err
}
