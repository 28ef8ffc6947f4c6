package pushtest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A Frame is an entry of the log: a frame that the client sent or received. Which of the later
// fields are set depends on its type.
type Frame struct {
	Number int // from 0, in the order of the log
	// At is the time since the connection was made; for a frame that was sent, when it was handed
	// to the connection.
	At   time.Duration
	Sent bool // by the client

	Type   http2.FrameType
	Flags  http2.Flags
	Stream uint32
	Length int // of the payload

	// Fields are those of a header block, in their order on the wire. They are at the frame that
	// ends the block: a CONTINUATION, if there is one.
	Fields   []hpack.HeaderField
	Promised uint32          // PUSH_PROMISE: the stream that is reserved
	Code     http2.ErrCode   // RST_STREAM, GOAWAY
	Last     uint32          // GOAWAY: the last stream
	Debug    string          // GOAWAY
	Settings []http2.Setting // SETTINGS
	Window   uint32          // WINDOW_UPDATE: the increment
}

// EndStream reports whether the frame is the last of its sender on its stream.
func (f Frame) EndStream() bool {
	return (f.Type == http2.FrameData || f.Type == http2.FrameHeaders) &&
		f.Flags.Has(http2.FlagDataEndStream)
}

// Ack reports whether the frame acknowledges a SETTINGS or PING.
func (f Frame) Ack() bool {
	return (f.Type == http2.FrameSettings || f.Type == http2.FramePing) &&
		f.Flags.Has(http2.FlagSettingsAck)
}

// Value is the value of a field of the header block, or "".
func (f Frame) Value(name string) string {
	for _, h := range f.Fields {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// String is the frame in a line, without its time: > is sent, < is received, then the type, the
// stream and what the type tells.
func (f Frame) String() string {
	var b strings.Builder
	b.WriteString(map[bool]string{true: "> ", false: "< "}[f.Sent])
	fmt.Fprintf(&b, "%-13s %d", f.Type, f.Stream)
	switch f.Type {
	case http2.FrameData:
		fmt.Fprintf(&b, " %d bytes", f.Length)
	case http2.FramePushPromise:
		fmt.Fprintf(&b, " promises %d", f.Promised)
	case http2.FrameRSTStream:
		fmt.Fprintf(&b, " %v", f.Code)
	case http2.FrameGoAway:
		fmt.Fprintf(&b, " %v, last stream %d", f.Code, f.Last)
		if f.Debug != "" {
			fmt.Fprintf(&b, ", %q", clip(f.Debug))
		}
	case http2.FrameWindowUpdate:
		fmt.Fprintf(&b, " +%d", f.Window)
	case http2.FrameSettings:
		for _, s := range f.Settings {
			fmt.Fprintf(&b, " %v=%d", s.ID, s.Val)
		}
	case http2.FrameHeaders, http2.FrameContinuation, http2.FramePing:
	default:
		fmt.Fprintf(&b, " %d bytes", f.Length)
	}
	for _, h := range f.Fields {
		fmt.Fprintf(&b, " %s=%q", name(h.Name), clip(h.Value))
	}
	if f.Ack() {
		b.WriteString(" ack")
	}
	if f.EndStream() {
		b.WriteString(" end")
	}
	return b.String()
}

// clip shortens what is too long for a line.
func clip(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// name is a field name as it can be shown.
func name(s string) string {
	if validName(strings.TrimPrefix(s, ":")) {
		return clip(s)
	}
	return fmt.Sprintf("%q", clip(s))
}

// Frames is the log so far.
func (c *Client) Frames() []Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Frame(nil), c.frames...)
}

// WriteLog writes the log, a line a frame: its time in milliseconds, and Frame.String.
func (c *Client) WriteLog(w io.Writer) error {
	c.mu.Lock()
	frames, lost := c.frames, c.lost
	c.mu.Unlock()
	for _, f := range frames {
		if _, err := fmt.Fprintf(w, "%10.3f %v\n", float64(f.At)/float64(time.Millisecond),
			f); err != nil {
			return err
		}
	}
	if lost > 0 {
		_, err := fmt.Fprintf(w, "           and %d frames that the log did not keep\n", lost)
		return err
	}
	return nil
}

var errLogFull = errors.New("the log is full")

// Until waits for the first frame of the log that matches, and returns it. It looks at those that
// are there already. The error says that the time is up, the log is full, or the connection has
// ended.
func (c *Client) Until(match func(Frame) bool) (Frame, error) {
	timer := time.NewTimer(c.settings.Timeout)
	defer timer.Stop()
	for next := 0; ; {
		c.mu.Lock()
		frames, err := c.frames, c.err
		if err == nil && c.lost > 0 {
			err = errLogFull
		}
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		for ; next < len(frames); next++ {
			if match(frames[next]) {
				return frames[next], nil
			}
		}
		if err != nil {
			return Frame{}, err
		}
		select {
		case <-changed:
		case <-c.dead: // look at what came last
		case <-timer.C:
			return Frame{}, fmt.Errorf("no such frame in %v", c.settings.Timeout)
		}
	}
}

// log keeps a frame; mu is held.
func (c *Client) log(f Frame) {
	f.Number = len(c.frames) + c.lost
	f.At = time.Since(c.began)
	size := len(f.Debug) + 6*len(f.Settings)
	for _, h := range f.Fields {
		size += int(h.Size())
	}
	if len(c.frames) >= c.settings.MaxFrames || c.logged+size > maxLog {
		c.lost++
	} else {
		c.logged += size
		c.frames = append(c.frames, f)
	}
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// sent logs a frame that was put into out, and has it written; mu is held.
func (c *Client) sent(f Frame) {
	f.Sent = true
	c.log(f)
	c.wakeWriter()
}
