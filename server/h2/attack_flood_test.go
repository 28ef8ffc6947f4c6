package h2_test

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// TestAttackFloods: frames that cost a client nothing and bring a server nothing, half a million of
// them: the connection is closed long before.
func TestAttackFloods(t *testing.T) {
	upload := plainBlock("POST", "/upload")
	settings := func(size uint32) []byte {
		return binary.BigEndian.AppendUint32([]byte{0, byte(http2.SettingHeaderTableSize)}, size)
	}
	floods := []struct {
		name   string
		before func(a *attacker)
		frames func(a *attacker, i int)
		codes  []http2.ErrCode // that are right besides ENHANCE_YOUR_CALM
	}{
		{"SETTINGS", nil, func(a *attacker, i int) { a.fr.WriteSettings() }, nil}, // CVE-2019-9515
		{"SETTINGS that change the table", nil, func(a *attacker, i int) {
			a.fr.WriteRawFrame(http2.FrameSettings, 0, 0, settings(uint32(i%2*4096)))
		}, nil},
		{"SETTINGS that change the windows", func(a *attacker) {
			for id := uint32(1); id < 200; id += 2 {
				a.headers(id, false, upload)
			}
		}, func(a *attacker, i int) {
			a.fr.WriteSettings(set(http2.SettingInitialWindowSize, uint32(i%2*65535)))
		}, nil},
		{"PING", nil, func(a *attacker, i int) { a.fr.WritePing(false, [8]byte{byte(i)}) }, nil}, // CVE-2019-9512
		{"PING acknowledgements", nil, func(a *attacker, i int) { a.fr.WritePing(true, [8]byte{}) }, nil},
		{"SETTINGS acknowledgements", nil, func(a *attacker, i int) { a.fr.WriteSettingsAck() }, []http2.ErrCode{http2.ErrCodeProtocol}},
		{"PRIORITY", nil, func(a *attacker, i int) { // CVE-2019-9513
			a.fr.WriteRawFrame(http2.FramePriority, 0, uint32(i%1000*2+1), []byte{0, 0, 0, 0, byte(i)})
		}, nil},
		{"PRIORITY_UPDATE", nil, func(a *attacker, i int) {
			a.fr.WriteRawFrame(framePriorityUpdate, 0, 0, append(binary.BigEndian.AppendUint32(nil, uint32(2*i+1)), "u=1"...))
		}, nil},
		{"WINDOW_UPDATE of the connection", nil, func(a *attacker, i int) { a.fr.WriteWindowUpdate(0, 1) }, nil},
		{"WINDOW_UPDATE of a stream", func(a *attacker) { a.headers(1, false, upload) }, func(a *attacker, i int) { a.fr.WriteWindowUpdate(1, 1) }, nil},
		{"WINDOW_UPDATE of a stream that is over", func(a *attacker) { a.headers(1, true, plainBlock("GET", "/")) }, func(a *attacker, i int) { a.fr.WriteWindowUpdate(1, 1) }, nil},
		{"RST_STREAM of a stream that is over", func(a *attacker) { a.headers(1, true, plainBlock("GET", "/")) }, func(a *attacker, i int) { a.fr.WriteRSTStream(1, http2.ErrCodeCancel) }, nil},
		{"empty DATA", func(a *attacker) { a.headers(1, false, upload) }, func(a *attacker, i int) { a.fr.WriteData(1, false, nil) }, nil}, // CVE-2019-9518
		{"DATA of padding", func(a *attacker) { a.headers(1, false, upload) }, func(a *attacker, i int) {
			a.fr.WriteRawFrame(http2.FrameData, http2.FlagDataPadded, 1, []byte{0})
		}, nil},
		{"DATA on a stream that is over", func(a *attacker) { a.headers(1, true, plainBlock("GET", "/")) }, func(a *attacker, i int) { a.fr.WriteData(1, false, nil) }, []http2.ErrCode{http2.ErrCodeStreamClosed}},
		{"unknown frames", nil, func(a *attacker, i int) { a.fr.WriteRawFrame(0xfe, 0, 0, nil) }, nil},
		{"empty CONTINUATION", func(a *attacker) { a.fr.WriteRawFrame(http2.FrameHeaders, 0, 1, upload) }, func(a *attacker, i int) {
			a.fr.WriteRawFrame(http2.FrameContinuation, 0, 1, nil)
		}, []http2.ErrCode{http2.ErrCodeProtocol}},
		{"CONTINUATION", func(a *attacker) { a.fr.WriteRawFrame(http2.FrameHeaders, 0, 1, upload) }, func(a *attacker, i int) { // CVE-2023-45288
			a.fr.WriteRawFrame(http2.FrameContinuation, 0, 1, []byte{0x82, 0x82, 0x82, 0x82, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90})
		}, []http2.ErrCode{http2.ErrCodeProtocol}},
		{"empty HEADERS", nil, func(a *attacker, i int) { a.headers(uint32(2*i+1), true, nil) }, nil},
		{"malformed HEADERS", nil, func(a *attacker, i int) { a.headers(uint32(2*i+1), true, []byte{0x82}) }, nil},
		{"GOAWAY", nil, func(a *attacker, i int) { a.fr.WriteGoAway(0, http2.ErrCodeNo, nil) }, []http2.ErrCode{http2.ErrCodeNo}},
	}
	g := newTarget(t, nil)
	for _, flood := range floods {
		t.Run(flood.name, func(t *testing.T) {
			g.in(t)
			g.during(func() {
				a := g.attack(g.keeper, "http")
				if flood.before != nil {
					flood.before(a)
					a.flush()
					time.Sleep(20 * time.Millisecond)
				}
				n := a.flood(500_000, func(i int) { flood.frames(a, i) })
				g.calmDown(a, flood.codes...)
				t.Logf("ended after %d frames", n)
			})
		})
	}
	g.in(t)
	g.closed()
}

// TestAttackDeafPing: PINGs from a client that does not read the answers.
func TestAttackDeafPing(t *testing.T) {
	g := newTarget(t, nil)
	g.during(func() {
		conn, err := g.connect("http")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		a := &attacker{conn: conn}
		a.code.Store(-1)
		a.fr = http2.NewFramer(&a.buf, nil)
		a.buf.WriteString(http2.ClientPreface)
		a.fr.WriteSettings()
		conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if n := a.flood(1_000_000, func(i int) { a.fr.WritePing(false, [8]byte{byte(i)}) }); n == 1_000_000 {
			t.Error("a million PINGs were taken from a client that reads nothing")
		}
	})
}

// TestAttackHeaders: lists of fields that grow when they are unpacked.
func TestAttackHeaders(t *testing.T) {
	var blocks = map[string]func(i int) []byte{
		// One field of 3,900 octets in the table, then thousands of indices to it.
		"HPACK bomb": func(i int) []byte {
			b := plainBlock("GET", "/")
			if i == 0 {
				b = append(b, 0x40, 1, 'x', 0x7f, 0xbd, 0x1d)
				for range 0x7f + 0x3d + 0x1d<<7 {
					b = append(b, 'v')
				}
			}
			for range 12_000 {
				b = append(b, 0xbe)
			}
			return b
		},
		"a field of a megabyte": func(i int) []byte {
			b := append(plainBlock("GET", "/"), 0x00, 1, 'x', 0x7f, 0x81, 0xff, 0x3f)
			for range 0x7f + 1 + 0x7f<<7 + 0x3f<<14 {
				b = append(b, 'v')
			}
			return b
		},
		"thousands of fields": func(i int) []byte {
			b := plainBlock("GET", "/")
			for n := range 10_000 {
				b = append(b, 0x00, 2, byte('a'+n%26), byte('a'+n/26%26), 0)
			}
			return b
		},
		"crumbs of a cookie": func(i int) []byte {
			b := plainBlock("GET", "/")
			for range 50_000 {
				b = append(b, 0x60, 0)
			}
			return b
		},
	}
	times := 200
	if raceDetector {
		times = 40
	}
	for name, block := range blocks {
		t.Run(name, func(t *testing.T) {
			g := newTarget(t, nil)
			answered := false
			h := g.server.Handler
			g.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if len(r.Header) > 0 && len(fmt.Sprint(r.Header)) > 100<<10 {
					answered = true
				}
				h.ServeHTTP(w, r)
			})
			g.during(func() {
				a := g.attack(t, "http")
				defer a.conn.Close()
				a.flood(times, func(i int) {
					rest := block(i)
					first := rest[:min(len(rest), 16<<10)]
					rest = rest[len(first):]
					id := uint32(2*i + 1)
					a.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: true, EndHeaders: len(rest) == 0})
					for len(rest) > 0 {
						n := min(len(rest), 16<<10)
						a.fr.WriteContinuation(id, n == len(rest), rest[:n])
						rest = rest[n:]
					}
				})
				if code, ended := a.end(500 * time.Millisecond); ended && code != http2.ErrCodeEnhanceYourCalm && code != http2.ErrCodeProtocol && code != http2.ErrCodeCompression {
					t.Errorf("the connection ended with %v", code)
				}
			})
			if answered {
				t.Error("a handler got more than 100 KB of fields, the limit is 64 KiB")
			}
		})
	}
}
