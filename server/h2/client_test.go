package h2_test

import (
	"bytes"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// client speaks HTTP/2 frame by frame, and wrongly when a test wants that. One goroutine of its own
// reads; the test writes, and asks what came.
//
// In a bubble (testing/synctest) "what came" is exact: the client waits until nothing on either side
// can go on by itself. On a socket it waits for frames, up to patience.
type client struct {
	t      testing.TB
	conn   net.Conn
	memory *memory // of conn, in a bubble
	scheme string

	mu   sync.Mutex // of fr's writing half and enc
	fr   *http2.Framer
	enc  *hpack.Encoder
	blob bytes.Buffer

	inbox struct {
		sync.Mutex
		wake   *sync.Cond
		frames []frame
		credit map[uint32]int64 // by stream, what WINDOW_UPDATE granted
		refill bool             // grant what DATA takes
		mute   bool             // PING is kept for the test; otherwise it is answered and forgotten
	}
	dec    *hpack.Decoder
	theirs map[http2.SettingID]uint32 // the server's settings, once greeted
}

// patience is how long a client on a socket waits for a frame that should come.
const patience = 20 * time.Second

func newClient(t testing.TB, conn net.Conn, scheme string) *client {
	c := &client{t: t, conn: conn, scheme: scheme, fr: http2.NewFramer(conn, conn)}
	c.fr.AllowIllegalWrites = true
	c.fr.AllowIllegalReads = true
	c.fr.SetMaxReadFrameSize(1<<24 - 1)
	c.enc = hpack.NewEncoder(&c.blob)
	c.dec = hpack.NewDecoder(4096, nil)
	c.inbox.wake = sync.NewCond(&c.inbox)
	c.inbox.credit = map[uint32]int64{}
	go c.receive()
	return c
}

// receive reads until the connection ends. WINDOW_UPDATE is counted, not kept: when and in what
// parts a server grants credit is its own affair.
func (c *client) receive() {
	for {
		f := c.read()
		c.inbox.Lock()
		pong := f.kind == http2.FramePing && !f.ack && !c.inbox.mute && f.gone == nil
		switch {
		case f.kind == http2.FrameWindowUpdate && f.gone == nil:
			c.inbox.credit[f.id] += int64(f.credit)
		case !pong:
			c.inbox.frames = append(c.inbox.frames, f)
		}
		refill := c.inbox.refill
		c.inbox.wake.Broadcast()
		c.inbox.Unlock()
		if f.gone != nil {
			return
		}
		if pong {
			c.write(func(fr *http2.Framer) error { return fr.WritePing(true, [8]byte(f.data)) })
		}
		if refill && f.kind == http2.FrameData && len(f.data) > 0 {
			c.window(0, uint32(len(f.data)))
			if !f.end {
				c.window(f.id, uint32(len(f.data)))
			}
		}
	}
}

func (c *client) read() frame {
	raw, err := c.fr.ReadFrame()
	if err != nil {
		return frame{gone: err}
	}
	f := frame{kind: raw.Header().Type, id: raw.Header().StreamID}
	switch raw := raw.(type) {
	case *http2.HeadersFrame:
		f.end = raw.StreamEnded()
		err = c.readBlock(&f, raw.HeaderBlockFragment(), raw.HeadersEnded())
	case *http2.PushPromiseFrame:
		f.promised = raw.PromiseID
		err = c.readBlock(&f, raw.HeaderBlockFragment(), raw.HeadersEnded())
	case *http2.DataFrame:
		f.end, f.data = raw.StreamEnded(), bytes.Clone(raw.Data())
	case *http2.RSTStreamFrame:
		f.code = raw.ErrCode
	case *http2.GoAwayFrame:
		f.code, f.last, f.data = raw.ErrCode, raw.LastStreamID, bytes.Clone(raw.DebugData())
	case *http2.PingFrame:
		f.ack, f.data = raw.IsAck(), bytes.Clone(raw.Data[:])
	case *http2.WindowUpdateFrame:
		f.credit = raw.Increment
	case *http2.SettingsFrame:
		f.ack = raw.IsAck()
		for i := range raw.NumSettings() {
			f.settings = append(f.settings, raw.Setting(i))
		}
	}
	if err != nil {
		return frame{gone: err}
	}
	return f
}

func (c *client) readBlock(f *frame, fragment []byte, ended bool) error {
	f.block, f.pieces = bytes.Clone(fragment), 1
	for !ended {
		raw, err := c.fr.ReadFrame()
		if err != nil {
			return err
		}
		more, ok := raw.(*http2.ContinuationFrame)
		if !ok || more.StreamID != f.id {
			c.t.Errorf("the server interrupts a header block of stream %d with %v", f.id, raw.Header())
			return io.ErrUnexpectedEOF
		}
		f.block, ended = append(f.block, more.HeaderBlockFragment()...), more.HeadersEnded()
		f.pieces++
	}
	fields, err := c.dec.DecodeFull(f.block)
	if err != nil {
		c.t.Errorf("the server's header block of stream %d: %v", f.id, err)
	}
	f.fields = fields
	return err
}

// --- what the client says

func (c *client) write(f func(fr *http2.Framer) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return f(c.fr)
}

// raw writes a frame of any type, flags and payload.
func (c *client) raw(kind http2.FrameType, flags http2.Flags, id uint32, payload []byte) {
	c.write(func(fr *http2.Framer) error { return fr.WriteRawFrame(kind, flags, id, payload) })
}

// pack encodes name, value, name, value, ... as a header block, in that order.
func (c *client) pack(pairs ...string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blob.Reset()
	for i := 0; i < len(pairs); i += 2 {
		c.enc.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return bytes.Clone(c.blob.Bytes())
}

// request completes pairs to a GET of / at example.test; a pseudo-header field among pairs takes the
// default's place, and an empty one removes it.
func (c *client) request(pairs ...string) []byte {
	return c.pack(c.fields("GET", pairs...)...)
}

func (c *client) fields(method string, pairs ...string) []string {
	all := []string{":method", method, ":scheme", c.scheme, ":authority", "example.test", ":path", "/"}
	var regular []string
	for i := 0; i < len(pairs); i += 2 {
		if at := slices.Index(all, pairs[i]); at >= 0 && at%2 == 0 && strings.HasPrefix(pairs[i], ":") {
			all[at+1] = pairs[i+1]
			if pairs[i+1] == "" {
				all = slices.Delete(all, at, at+2)
			}
			continue
		}
		regular = append(regular, pairs[i], pairs[i+1])
	}
	return append(all, regular...)
}

// headers sends a header block, in frames of 16 KiB.
func (c *client) headers(id uint32, end bool, block []byte) {
	first := block[:min(len(block), 16<<10)]
	rest := block[len(first):]
	c.write(func(fr *http2.Framer) error {
		fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: end, EndHeaders: len(rest) == 0})
		for len(rest) > 0 {
			n := min(len(rest), 16<<10)
			fr.WriteContinuation(id, n == len(rest), rest[:n])
			rest = rest[n:]
		}
		return nil
	})
}

// get begins a request without a body.
func (c *client) get(id uint32, pairs ...string) { c.headers(id, true, c.request(pairs...)) }

// post begins a request whose body follows.
func (c *client) post(id uint32, pairs ...string) {
	c.headers(id, false, c.pack(c.fields("POST", pairs...)...))
}

// data sends a piece of a body, in frames of 16 KiB; end sends the last one.
func (c *client) data(id uint32, body string) { c.send(id, false, body) }
func (c *client) end(id uint32, body string)  { c.send(id, true, body) }

func (c *client) send(id uint32, end bool, body string) {
	for first := true; first || body != ""; first = false {
		n := min(len(body), 16<<10)
		err := c.write(func(fr *http2.Framer) error { return fr.WriteData(id, end && n == len(body), []byte(body[:n])) })
		if err != nil {
			return
		}
		body = body[n:]
	}
}

func (c *client) reset(id uint32, code http2.ErrCode) {
	c.write(func(fr *http2.Framer) error { return fr.WriteRSTStream(id, code) })
}

func (c *client) window(id, credit uint32) {
	c.write(func(fr *http2.Framer) error { return fr.WriteWindowUpdate(id, credit) })
}

func (c *client) settings(s ...http2.Setting) {
	c.write(func(fr *http2.Framer) error { return fr.WriteSettings(s...) })
}

func (c *client) ack() {
	c.write(func(fr *http2.Framer) error { return fr.WriteSettingsAck() })
}

// ping sends a PING of eight octets.
func (c *client) ping(octets string) {
	c.write(func(fr *http2.Framer) error { return fr.WritePing(false, [8]byte([]byte(octets))) })
}

func (c *client) goAway(last uint32, code http2.ErrCode) {
	c.write(func(fr *http2.Framer) error { return fr.WriteGoAway(last, code, nil) })
}

// --- what the client hears

// quiet waits until neither side can go on by itself.
func (c *client) quiet() {
	if c.memory != nil {
		synctest.Wait()
	}
}

// heard takes all frames that have come. Only in a bubble is that a definite answer.
func (c *client) heard() []frame {
	c.quiet()
	c.inbox.Lock()
	defer c.inbox.Unlock()
	var all []frame
	for _, f := range c.inbox.frames {
		all = merge(all, f)
	}
	c.inbox.frames = nil
	return all
}

// next waits for the next frame, on a socket for at most patience.
func (c *client) next() frame {
	c.t.Helper()
	c.inbox.Lock()
	defer c.inbox.Unlock()
	late := false
	defer time.AfterFunc(patience, func() {
		c.inbox.Lock()
		defer c.inbox.Unlock()
		late = true
		c.inbox.wake.Broadcast()
	}).Stop()
	for len(c.inbox.frames) == 0 {
		if late {
			c.t.Fatalf("no frame in %v", patience)
		}
		c.inbox.wake.Wait()
	}
	f := c.inbox.frames[0]
	c.inbox.frames = c.inbox.frames[1:]
	return f
}

// await reads until a frame is like want, and returns it.
func (c *client) await(want string) frame {
	c.t.Helper()
	var before []frame
	for {
		f := c.next()
		before = merge(before, f)
		if alike(want, f.String()) {
			return f
		}
		if f.gone != nil {
			c.t.Fatalf("the connection ended without %s:%s", want, transcript(before))
		}
	}
}

// want requires that these frames, and no others, have come in this order.
func (c *client) want(lines ...string) {
	c.t.Helper()
	got := c.heard()
	for i := range max(len(got), len(lines)) {
		if i >= len(got) || i >= len(lines) || !alike(lines[i], got[i].String()) {
			c.t.Fatalf("the server sent:%s\nwant:\n\t%s", transcript(got), strings.Join(lines, "\n\t"))
		}
	}
}

// wantClosed requires that the connection ends, soon, with GOAWAY and that code before.
func (c *client) wantClosed(code http2.ErrCode) {
	c.t.Helper()
	if c.memory != nil {
		c.quiet()
		time.Sleep(3 * time.Second) // the bubble's: what a server may wait for its GOAWAY to arrive
	}
	var before []frame
	said := false
	for {
		f := c.next()
		before = merge(before, f)
		if f.gone != nil {
			break
		}
		said = said || f.kind == http2.FrameGoAway && f.code == code
	}
	if !said {
		c.t.Fatalf("the connection ended without GOAWAY %v:%s", code, transcript(before))
	}
}

// wantAlive requires that the connection still answers.
func (c *client) wantAlive() {
	c.t.Helper()
	c.ping("alive???")
	c.want(`PING ACK "alive???"`)
}

// wantWindow requires that the server has granted just this much, of a stream or, with 0, of the
// connection, since the client asked last.
func (c *client) wantWindow(id uint32, want int64) {
	c.t.Helper()
	if got := c.granted(id); got != want {
		c.t.Fatalf("the server granted %d bytes on stream %d, want %d", got, id, want)
	}
}

func (c *client) granted(id uint32) int64 {
	c.quiet()
	c.inbox.Lock()
	defer c.inbox.Unlock()
	n := c.inbox.credit[id]
	delete(c.inbox.credit, id)
	return n
}

// ignorePings leaves the server's PINGs unanswered and shows them.
func (c *client) ignorePings() {
	c.inbox.Lock()
	defer c.inbox.Unlock()
	c.inbox.mute = true
}

// drink makes the client grant what DATA takes from its windows.
func (c *client) drink() {
	c.inbox.Lock()
	defer c.inbox.Unlock()
	c.inbox.refill = true
}

// preface sends what begins a connection: RFC 9113, section 3.4.
func (c *client) preface(s ...http2.Setting) {
	c.mu.Lock()
	io.WriteString(c.conn, http2.ClientPreface)
	c.mu.Unlock()
	for _, v := range s {
		if v.ID == http2.SettingHeaderTableSize {
			c.dec.SetAllowedMaxDynamicTableSize(v.Val)
		}
	}
	c.settings(s...)
}

// greet begins the connection and learns the server's settings. The credit that the server grants at
// once stays counted for wantWindow(0, ...).
func (c *client) greet(s ...http2.Setting) {
	c.t.Helper()
	c.preface(s...)
	f := c.next()
	// RFC 9113, section 3.4: the server's preface is a SETTINGS frame, the first it sends.
	if f.kind != http2.FrameSettings || f.ack || f.gone != nil {
		c.t.Fatalf("the server begins with %v, want SETTINGS", f)
	}
	c.theirs = map[http2.SettingID]uint32{}
	for _, v := range f.settings {
		c.theirs[v.ID] = v.Val
	}
	c.ack()
	if f := c.next(); f.String() != "SETTINGS ACK" {
		c.t.Fatalf("after the client's SETTINGS the server sent %v, want SETTINGS ACK", f)
	}
}

func set(id http2.SettingID, value uint32) http2.Setting { return http2.Setting{ID: id, Val: value} }
