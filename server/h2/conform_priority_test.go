package h2_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// framePriorityUpdate: RFC 9218, section 7.1.
const framePriorityUpdate http2.FrameType = 0x10

func (c *client) priorityUpdate(id uint32, value string) {
	c.raw(framePriorityUpdate, 0, 0, append(binary.BigEndian.AppendUint32(nil, id), value...))
}

// queue visits a server whose pages are larger than what the client takes: its connection window is
// used up from the beginning, by stream 1. Then f asks for pages, and each grant shows what the server
// thinks is next.
func queue(t *testing.T, f func(t *testing.T, c *visitor)) {
	t.Helper()
	site{handler: page(100 << 10)}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		c.body(1, 65535)
		c.reset(1, http2.ErrCodeCancel)
		c.quiet()
		f(t, c)
	})
}

// granted1000 gives the connection 1000 bytes at a time and returns which streams got them: "3 3 5".
func (v *visitor) granted1000(times int) string {
	v.t.Helper()
	var order []string
	for range times {
		v.window(0, 1000)
		for _, f := range v.heard() {
			if f.kind == http2.FrameData {
				order = append(order, fmt.Sprint(f.id))
			}
		}
	}
	return strings.Join(order, " ")
}

// TestConformUrgency: what is more urgent goes first: RFC 9218, section 10.
func TestConformUrgency(t *testing.T) {
	queue(t, func(t *testing.T, c *visitor) {
		c.get(3, "priority", "u=5")
		c.get(5, "priority", "u=1")
		c.get(7) // 3, RFC 9218, section 4.1
		c.get(9, "priority", "u=7")
		c.heard()
		if got, want := c.granted1000(3), "5 5 5"; got != want {
			t.Errorf("the streams in turn were %s, want %s", got, want)
		}
		c.reset(5, http2.ErrCodeCancel)
		c.quiet()
		if got, want := c.granted1000(3), "7 7 7"; got != want {
			t.Errorf("the streams in turn were %s, want %s", got, want)
		}
		c.get(11, "priority", "u=0") // later and more urgent
		c.heard()
		if got, want := c.granted1000(2), "11 11"; got != want {
			t.Errorf("the streams in turn were %s, want %s", got, want)
		}
		c.reset(7, http2.ErrCodeCancel)
		c.reset(11, http2.ErrCodeCancel)
		c.reset(3, http2.ErrCodeCancel)
		c.quiet()
		if got, want := c.granted1000(2), "9 9"; got != want {
			t.Errorf("the streams in turn were %s, want %s", got, want)
		}
	})
}

// TestConformPriorityUpdate: a PRIORITY_UPDATE frame changes the order on the way: RFC 9218, section 7.
func TestConformPriorityUpdate(t *testing.T) {
	queue(t, func(t *testing.T, c *visitor) {
		c.priorityUpdate(9, "u=0") // before its stream is open
		c.get(3, "priority", "u=1")
		c.get(5, "priority", "u=5")
		c.heard()
		if got, want := c.granted1000(2), "3 3"; got != want {
			t.Errorf("the streams in turn were %s, want %s", got, want)
		}
		c.priorityUpdate(5, "u=0")
		c.quiet()
		if got, want := c.granted1000(2), "5 5"; got != want {
			t.Errorf("after PRIORITY_UPDATE the streams in turn were %s, want %s", got, want)
		}
		c.priorityUpdate(5, "u=7")
		c.quiet()
		if got, want := c.granted1000(2), "3 3"; got != want {
			t.Errorf("after another the streams in turn were %s, want %s", got, want)
		}
		c.get(9)
		c.heard()
		if got, want := c.granted1000(2), "9 9"; got != want {
			t.Errorf("a stream with an early PRIORITY_UPDATE is not first: %s, want %s", got, want)
		}
	})
}

// TestConformIncremental: equals that ask for it share: RFC 9218, section 4.2. So do equals that say
// nothing: a client that knows no priorities is not made to wait for one answer after another.
func TestConformIncremental(t *testing.T) {
	for _, value := range []string{"u=3, i", "i", ""} {
		queue(t, func(t *testing.T, c *visitor) {
			for _, id := range []uint32{3, 5, 7} {
				if value == "" {
					c.get(id)
				} else {
					c.get(id, "priority", value)
				}
			}
			c.heard()
			// Shares need not be of 1000 bytes; over 64 KiB each has its third, more or less.
			got := c.granted1000(64)
			for _, id := range []string{"3", "5", "7"} {
				if n := strings.Count(got, id); n < 10 {
					t.Errorf("priority %q: of 64 grants stream %s got %d:\n%s", value, id, n, got)
				}
			}
		})
	}
}

// TestConformPriorityValues: a priority that cannot be read is none: RFC 9218, section 4, and RFC 8941, section 4.2.
func TestConformPriorityValues(t *testing.T) {
	for _, value := range []string{"u=9", "u=-1", "u", "u=x", "((((", "u=1;", strings.Repeat("a", 5000), "u=3, u=\"1\"", "i=?2", "\x80"} {
		queue(t, func(t *testing.T, c *visitor) {
			c.get(3, "priority", "u=2")
			c.get(5, "priority", value)
			c.heard()
			if got, want := c.granted1000(1), "3"; got != want {
				t.Errorf("priority %q: first came %q, want %q", value, got, want)
			}
			c.wantAlive()
		})
	}
}

// TestConformPriorityUpdateErrors: RFC 9218, section 7.1.
func TestConformPriorityUpdateErrors(t *testing.T) {
	fatal := map[string]struct {
		send func(c *visitor)
		code http2.ErrCode
	}{
		"for stream 0":  {func(c *visitor) { c.priorityUpdate(0, "u=1") }, http2.ErrCodeProtocol},
		"on a stream":   {func(c *visitor) { c.raw(framePriorityUpdate, 0, 1, []byte{0, 0, 0, 1, 'i'}) }, http2.ErrCodeProtocol},
		"of two octets": {func(c *visitor) { c.raw(framePriorityUpdate, 0, 0, []byte{0, 0}) }, http2.ErrCodeFrameSize},
	}
	for name, tc := range fatal {
		t.Run(name, func(t *testing.T) {
			site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
				tc.send(c)
				c.wantClosed(tc.code)
			})
		})
	}
	fine := map[string]func(c *visitor){
		"of nothing":                func(c *visitor) { c.priorityUpdate(1, "") },
		"for a stream that is over": func(c *visitor) { c.get(1); c.call().finish(); c.heard(); c.priorityUpdate(1, "u=1") },
		"for a stream far ahead":    func(c *visitor) { c.priorityUpdate(1<<31-1, "u=1") },
	}
	for name, send := range fine {
		t.Run(name, func(t *testing.T) {
			site{}.visit(t, func(t *testing.T, c *visitor) {
				send(c)
				c.wantAlive()
			})
		})
	}
	// A value that cannot be read may be ignored or be an error of its stream, no more.
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		call := c.call()
		c.priorityUpdate(1, "((((")
		for _, f := range c.heard() {
			if f.String() != "RST_STREAM 1 PROTOCOL_ERROR" {
				t.Errorf("the server sent %v", f)
			}
		}
		call.finish()
		c.heard()
		c.wantAlive()
	})
}

// TestConformPriorityOld: the priorities of RFC 7540 are deprecated (RFC 9113, section 5.3): read,
// checked for what RFC 9113 keeps, and without effect.
func TestConformPriorityOld(t *testing.T) {
	against(t, page(3), func(t *testing.T, c *visitor) {
		c.raw(http2.FramePriority, 0, 1, []byte{0, 0, 0, 0, 255})
		c.raw(http2.FramePriority, 0, 3, []byte{0x80, 0, 0, 1, 0})
		block := c.request()
		c.write(func(fr *http2.Framer) error {
			return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 5, EndStream: true, EndHeaders: true, BlockFragment: block, Priority: http2.PriorityParam{StreamDep: 3, Exclusive: true, Weight: 7}})
		})
		c.want("HEADERS 5 ...", `DATA 5 END "xxx"`)
	})
	// RFC 9113, section 6.3: a length other than 5 is a stream error of type FRAME_SIZE_ERROR.
	site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		c.call()
		c.raw(http2.FramePriority, 0, 1, []byte{0, 0, 0, 0})
		if got := c.heard(); len(got) == 0 || !alike("RST_STREAM 1 FRAME_SIZE_ERROR | GOAWAY * FRAME_SIZE_ERROR", got[0].String()) {
			t.Errorf("the server sent:%s", transcript(got))
		}
	})
}

// TestConformPriorityStarving: who waits behind a stream that never ends gets its turn when that one
// has nothing to send.
func TestConformPriorityStarving(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1, "priority", "u=0")
		endless := c.call()
		endless.write("first")
		c.want("HEADERS 1 ...", `DATA 1 "first"`)
		c.get(3, "priority", "u=7")
		call := c.call()
		call.do(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "last") })
		call.finish()
		c.want("HEADERS 3 ...", `DATA 3 END "last"`)
	})
}
