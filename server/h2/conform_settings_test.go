package h2_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// TestConformPreface: a connection begins with the client's preface and SETTINGS: RFC 9113, section 3.4.
func TestConformPreface(t *testing.T) {
	t.Run("no SETTINGS after it", func(t *testing.T) {
		site{silent: true, noisy: true}.visit(t, func(t *testing.T, c *visitor) {
			io.WriteString(c.conn, http2.ClientPreface)
			c.ping("12345678")
			c.wantClosed(http2.ErrCodeProtocol)
		})
	})
	t.Run("a request at once", func(t *testing.T) {
		site{handler: page(3), silent: true}.visit(t, func(t *testing.T, c *visitor) {
			c.preface()
			c.get(1)
			c.want("SETTINGS ...", "SETTINGS ACK", "HEADERS 1 ...", `DATA 1 END "xxx"`)
		})
	})
	t.Run("byte by byte", func(t *testing.T) {
		site{handler: page(3), silent: true}.visit(t, func(t *testing.T, c *visitor) {
			var wire bytes.Buffer
			wire.WriteString(http2.ClientPreface)
			fr := http2.NewFramer(&wire, nil)
			fr.WriteSettings()
			fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, EndHeaders: true, BlockFragment: c.request()})
			for _, b := range wire.Bytes() {
				c.conn.Write([]byte{b})
				c.quiet()
			}
			c.want("SETTINGS ...", "SETTINGS ACK", "HEADERS 1 ...", `DATA 1 END "xxx"`)
		})
	})
}

// TestConformServerSettings: what the server says of itself.
func TestConformServerSettings(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		s := c.theirs
		if n := s[http2.SettingMaxConcurrentStreams]; n < 100 || n > 1000 { // RFC 9113, section 6.5.2: no less than 100
			t.Errorf("SETTINGS_MAX_CONCURRENT_STREAMS = %d", n)
		}
		if n, ok := s[http2.SettingEnablePush]; ok && n != 0 {
			t.Errorf("a server sends SETTINGS_ENABLE_PUSH = %d", n) // RFC 9113, section 6.5.2
		}
		if n := s[http2.SettingMaxHeaderListSize]; n == 0 {
			t.Error("no SETTINGS_MAX_HEADER_LIST_SIZE")
		}
		if n, ok := s[http2.SettingMaxFrameSize]; ok && (n < 16<<10 || n > 1<<24-1) {
			t.Errorf("SETTINGS_MAX_FRAME_SIZE = %d", n)
		}
		if n := s[http2.SettingNoRFC7540Priorities]; n != 1 {
			t.Errorf("SETTINGS_NO_RFC7540_PRIORITIES = %d, want 1", n) // RFC 9218, section 2.1
		}
	})
	site{limits: func(s *http.Server) {
		s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 17, MaxReadFrameSize: 1 << 20, MaxDecoderHeaderTableSize: 8192}
	}}.visit(t, func(t *testing.T, c *visitor) {
		want := map[http2.SettingID]uint32{http2.SettingMaxConcurrentStreams: 17, http2.SettingMaxFrameSize: 1 << 20, http2.SettingHeaderTableSize: 8192}
		for id, n := range want {
			if c.theirs[id] != n {
				t.Errorf("%v = %d, want %d", id, c.theirs[id], n)
			}
		}
		// A frame of 1 MiB may be sent now, and is one frame to the handler as any other.
		c.granted(0)
		c.post(1)
		call := c.call()
		c.write(func(fr *http2.Framer) error { return fr.WriteData(1, true, make([]byte, 60000)) })
		call.do(func(w http.ResponseWriter, r *http.Request) {
			if got, err := io.ReadAll(r.Body); len(got) != 60000 || err != nil {
				t.Errorf("the handler read %d bytes, %v", len(got), err)
			}
		})
	})
}

// TestConformSettings: which SETTINGS are errors: RFC 9113, section 6.5.
func TestConformSettings(t *testing.T) {
	pair := func(id http2.SettingID, value uint32) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(nil, uint16(id)), value)
	}
	errors := []struct {
		name    string
		flags   http2.Flags
		stream  uint32
		payload []byte
		code    http2.ErrCode
	}{
		{"on a stream", 0, 1, nil, http2.ErrCodeProtocol},
		{"an acknowledgement with a payload", http2.FlagSettingsAck, 0, pair(http2.SettingMaxConcurrentStreams, 1), http2.ErrCodeFrameSize},
		{"half a setting", 0, 0, pair(1, 1)[:4], http2.ErrCodeFrameSize},
		{"ENABLE_PUSH 2", 0, 0, pair(http2.SettingEnablePush, 2), http2.ErrCodeProtocol},
		{"MAX_FRAME_SIZE too small", 0, 0, pair(http2.SettingMaxFrameSize, 16<<10-1), http2.ErrCodeProtocol},
		{"MAX_FRAME_SIZE too large", 0, 0, pair(http2.SettingMaxFrameSize, 1<<24), http2.ErrCodeProtocol},
		{"INITIAL_WINDOW_SIZE too large", 0, 0, pair(http2.SettingInitialWindowSize, 1<<31), http2.ErrCodeFlowControl},
		{"NO_RFC7540_PRIORITIES 2", 0, 0, pair(http2.SettingNoRFC7540Priorities, 2), http2.ErrCodeProtocol}, // RFC 9218, section 2.1
	}
	for _, tc := range errors {
		t.Run(tc.name, func(t *testing.T) {
			site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
				c.raw(http2.FrameSettings, tc.flags, tc.stream, tc.payload)
				c.wantClosed(tc.code)
			})
		})
	}
	fine := map[string][]http2.Setting{
		"none":            nil,
		"unknown":         {{ID: 0xfafa, Val: 1}, {ID: 0, Val: 99}}, // RFC 9113, section 6.5.2: ignored
		"twice the same":  {set(http2.SettingMaxFrameSize, 16<<10), set(http2.SettingMaxFrameSize, 32<<10)},
		"many":            many(30),
		"no streams":      {set(http2.SettingMaxConcurrentStreams, 0)},
		"small list size": {set(http2.SettingMaxHeaderListSize, 1<<20)},
	}
	for name, s := range fine {
		t.Run(name, func(t *testing.T) {
			site{handler: page(1)}.visit(t, func(t *testing.T, c *visitor) {
				c.settings(s...)
				c.want("SETTINGS ACK")
				c.get(1)
				c.body(1, 1)
			})
		})
	}
}

func many(n int) []http2.Setting {
	var s []http2.Setting
	for i := range n {
		s = append(s, set(http2.SettingMaxConcurrentStreams, uint32(100+i)))
	}
	return s
}

// TestConformSettingsTimeout: a client that never acknowledges the server's SETTINGS is told so:
// RFC 9113, section 6.5.3. One that does, late, is not.
func TestConformSettingsTimeout(t *testing.T) {
	site{silent: true, noisy: true}.visit(t, func(t *testing.T, c *visitor) {
		c.preface()
		c.want("SETTINGS ...", "SETTINGS ACK")
		time.Sleep(2 * time.Minute)
		c.wantClosed(http2.ErrCodeSettingsTimeout)
	})
	site{}.visit(t, func(t *testing.T, c *visitor) {
		time.Sleep(time.Second)
		c.wantAlive()
		time.Sleep(time.Minute)
		c.get(1)
		c.call()
	})
}

// TestConformMaxFrameSize: the server's frames keep to the client's SETTINGS_MAX_FRAME_SIZE, and use it.
func TestConformMaxFrameSize(t *testing.T) {
	for _, limit := range []uint32{16 << 10, 1 << 20} {
		size := 2 * int(limit)
		site{handler: page(size), settings: []http2.Setting{set(http2.SettingMaxFrameSize, limit), set(http2.SettingInitialWindowSize, maxWindow)}}.visit(t, func(t *testing.T, c *visitor) {
			c.window(0, maxWindow-65535)
			c.get(1)
			c.quiet()
			c.inbox.Lock()
			largest := 0
			for _, f := range c.inbox.frames {
				largest = max(largest, len(f.data))
			}
			c.inbox.Unlock()
			if largest > int(limit) || largest < 4<<10 {
				t.Errorf("frames of up to %d bytes came, the limit is %d", largest, limit)
			}
			c.body(1, size)
		})
	}
}

// TestConformHeaderTable: the server's encoder keeps to the client's SETTINGS_HEADER_TABLE_SIZE and
// says so in the next block: RFC 7541, section 4.2.
func TestConformHeaderTable(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		for i := range 20 {
			w.Header().Set(fmt.Sprintf("x-field-%d", i), strings.Repeat("v", 100)+r.URL.Path)
		}
	}
	for _, size := range []uint32{0, 100, 4096, 64 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			site{handler: h, settings: []http2.Setting{set(http2.SettingHeaderTableSize, size)}}.visit(t, func(t *testing.T, c *visitor) {
				var sizes []int
				for i := range uint32(40) {
					c.get(2*i+1, ":path", fmt.Sprint("/", i%3))
					got := c.heard()
					if len(got) != 1 || got[0].gone != nil || len(got[0].fields) < 20 {
						t.Fatalf("the server sent:%s", transcript(got))
					}
					if want := strings.Repeat("v", 100) + fmt.Sprint("/", i%3); got[0].field("x-field-7") != want {
						t.Fatalf("x-field-7 = %q, want %q", got[0].field("x-field-7"), want)
					}
					sizes = append(sizes, len(got[0].block))
				}
				if size == 64<<10 && sizes[39] > sizes[0] {
					t.Errorf("the blocks grow: %v", sizes)
				}
			})
		})
	}
	t.Run("changed on the way", func(t *testing.T) {
		site{handler: h}.visit(t, func(t *testing.T, c *visitor) {
			c.get(1)
			c.want("HEADERS 1 END ...")
			// Down and up again before the next block: both are told, the smallest first.
			c.settings(set(http2.SettingHeaderTableSize, 0))
			c.settings(set(http2.SettingHeaderTableSize, 2048))
			c.want("SETTINGS ACK", "SETTINGS ACK")
			c.get(3)
			f := c.heard()[0]
			var updates bytes.Buffer
			enc := hpack.NewEncoder(&updates)
			enc.SetMaxDynamicTableSize(0)
			enc.SetMaxDynamicTableSize(2048)
			enc.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
			both := bytes.HasPrefix(f.block, updates.Bytes())
			// An encoder that stays at 0 is right as well.
			if zero := f.block[0] == 0x20 && f.block[1] == 0x88; !both && !zero {
				t.Errorf("the block begins with % x, want the table sizes 0 and 2048: % x", f.block[:min(8, len(f.block))], updates.Bytes())
			}
			for id := uint32(5); id < 20; id += 2 {
				c.get(id)
				c.want(fmt.Sprintf("HEADERS %d END ...", id))
			}
		})
	})
}

// TestConformDecoderTable: the client's encoder may use the table size that the server allows and no
// larger one: RFC 7541, section 4.2 and RFC 9113, section 4.3.
func TestConformDecoderTable(t *testing.T) {
	for _, size := range []int{0, 4096, 64 << 10} {
		site{limits: func(s *http.Server) { s.HTTP2 = &http.HTTP2Config{MaxDecoderHeaderTableSize: size} }}.visit(t, func(t *testing.T, c *visitor) {
			allowed := uint32(4096)
			if n, ok := c.theirs[http2.SettingHeaderTableSize]; ok {
				allowed = n
			}
			if size > 0 && allowed != uint32(size) {
				t.Errorf("SETTINGS_HEADER_TABLE_SIZE = %d, want %d", allowed, size)
			}
			c.enc.SetMaxDynamicTableSizeLimit(allowed)
			c.enc.SetMaxDynamicTableSize(allowed)
			for i := range uint32(50) {
				c.get(2*i+1, "x-a", strings.Repeat("a", 1000), "x-b", fmt.Sprint(i%3, strings.Repeat("b", 1000)))
				call := c.call()
				if got, want := call.r.Header.Get("X-B"), fmt.Sprint(i%3, strings.Repeat("b", 1000)); got != want {
					t.Fatalf("request %d has X-B = %.10q..., want %.10q...", i, got, want)
				}
				call.finish()
				c.heard()
			}
		})
	}
	site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
		block := append([]byte{0x3f, 0xe1, 0xff, 0xff, 0x7f}, c.request()...) // a size update beyond any limit
		c.headers(1, true, block)
		c.wantClosed(http2.ErrCodeCompression)
	})
}

// TestConformCompression: a block that cannot be decoded ends the connection: RFC 9113, section 4.3.
func TestConformCompression(t *testing.T) {
	blocks := map[string][]byte{
		"index 0":                  {0x80},
		"an index beyond":          {0xff, 0xff, 0x7f},
		"a cut field":              {0x40, 0x0a, 'x'},
		"a cut integer":            {0xff, 0xff},
		"bad Huffman padding":      {0x00, 0x01, 'x', 0x81, 0x00},
		"Huffman EOS":              {0x00, 0x01, 'x', 0x84, 0xff, 0xff, 0xff, 0xff},
		"a size update at the end": {0x82, 0x86, 0x84, 0x40, 1, 'x', 1, 'y', 0x20},
	}
	for name, block := range blocks {
		t.Run(name, func(t *testing.T) {
			site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
				c.headers(1, true, block)
				c.wantClosed(http2.ErrCodeCompression)
				c.noCall()
			})
		})
	}
}

// TestConformInitialWindows: of several INITIAL_WINDOW_SIZE in a frame the last counts, and each must
// be one that the windows can have: RFC 9113, sections 6.5.3 and 6.9.2.
func TestConformInitialWindows(t *testing.T) {
	window := func(sizes ...uint32) (s []http2.Setting) {
		for _, n := range sizes {
			s = append(s, set(http2.SettingInitialWindowSize, n))
		}
		return s
	}
	against(t, page(100), func(t *testing.T, c *visitor) {
		c.settings(window(0)...)
		c.want("SETTINGS ACK")
		c.get(1)
		c.want("HEADERS 1 ...")
		c.settings(window(50, 0)...)
		c.want("SETTINGS ACK") // and nothing sent
		c.settings(window(0, 1<<31-1, 7)...)
		c.want("SETTINGS ACK", `DATA 1 "xxxxxxx"`)
		c.get(3)
		c.want("HEADERS 3 ...", `DATA 3 "xxxxxxx"`)
	})
	site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		c.call()
		c.window(1, 1)
		c.settings(window(1<<31-1, 65535)...) // the window of stream 1 is 65536
		c.wantClosed(http2.ErrCodeFlowControl)
	})
}
