package h2

import (
	"encoding/binary"
	"maps"
	"strings"
)

// A priority is what the client says of a stream. RFC 9218, section 4.
type priority struct {
	explicit    bool  // it has said so; if not, urgency means nothing
	urgency     uint8 // 0 is the first, 7 the last
	incremental bool
}

// defaultUrgency is what RFC 9218, section 4.1, has for those who do not say.
const defaultUrgency = 3

// parsePriority parses the value of a priority field, which is a Dictionary of RFC
// 9651. What it does not know it ignores, and one that is not well formed leaves
// the defaults. RFC 9218, section 4.
func parsePriority(v string) priority {
	p := priority{explicit: true, urgency: defaultUrgency}
	d := dictionary{v}
	d.trim(" ")
	for d.rest != "" {
		key, value, ok := d.member()
		if !ok {
			return priority{explicit: true, urgency: defaultUrgency}
		}
		switch key {
		case "u":
			p.urgency = defaultUrgency
			if len(value) == 1 && value[0] >= '0' && value[0] <= '7' {
				p.urgency = value[0] - '0'
			}
		case "i":
			p.incremental = value == "?1"
		}
	}
	return p
}

// A dictionary is what is left of one, as RFC 9651, section 4.2.2, has it parsed.
// No more is made of its members than parsePriority asks for, but all of it is
// checked: a field that is not well formed means nothing.
type dictionary struct{ rest string }

// trim skips what is in set.
func (d *dictionary) trim(set string) { d.rest = strings.TrimLeft(d.rest, set) }

// eat takes c, and reports whether it was next.
func (d *dictionary) eat(c byte) bool {
	if d.rest == "" || d.rest[0] != c {
		return false
	}
	d.rest = d.rest[1:]
	return true
}

// span takes what is of the bytes in set, at least one of which must be next.
func (d *dictionary) span(set string) (s string, ok bool) {
	rest := strings.TrimLeft(d.rest, set)
	s, d.rest = d.rest[:len(d.rest)-len(rest)], rest
	return s, s != ""
}

// member takes a member and the comma behind it. Its value is as it is written;
// "?1" if there is none.
func (d *dictionary) member() (key, value string, ok bool) {
	if key, ok = d.key(); !ok {
		return "", "", false
	}
	value = "?1"
	if d.eat('=') {
		if value, ok = d.value(); !ok {
			return "", "", false
		}
	}
	if !d.parameters() {
		return "", "", false
	}
	d.trim(" \t")
	if d.rest == "" {
		return key, value, true
	}
	ok = d.eat(',')
	d.trim(" \t")
	return key, value, ok && d.rest != ""
}

const (
	keyStart  = "abcdefghijklmnopqrstuvwxyz*"
	keyBytes  = keyStart + "0123456789_-."
	alphabet  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	tokenMore = alphabet + "0123456789!#$%&'*+-.^_`|~:/"
)

// key takes a key. RFC 9651, section 4.2.3.3.
func (d *dictionary) key() (string, bool) {
	if d.rest == "" || strings.IndexByte(keyStart, d.rest[0]) < 0 {
		return "", false
	}
	return d.span(keyBytes)
}

// parameters skips the parameters of a member. RFC 9651, section 4.2.3.2.
func (d *dictionary) parameters() bool {
	for d.eat(';') {
		d.trim(" ")
		if _, ok := d.key(); !ok {
			return false
		}
		if d.eat('=') {
			if _, ok := d.item(); !ok {
				return false
			}
		}
	}
	return true
}

// value takes an item or an inner list, which is "(" whatever it has. RFC 9651,
// section 4.2.1.1.
func (d *dictionary) value() (string, bool) {
	if !d.eat('(') {
		return d.item()
	}
	for {
		d.trim(" ")
		if d.eat(')') {
			return "(", true
		}
		if _, ok := d.item(); !ok || !d.parameters() {
			return "", false
		}
		if d.rest == "" || d.rest[0] != ' ' && d.rest[0] != ')' {
			return "", false
		}
	}
}

// item takes a bare item. RFC 9651, section 4.2.3.1.
func (d *dictionary) item() (string, bool) {
	if d.rest == "" {
		return "", false
	}
	switch c := d.rest[0]; {
	case c == '?':
		if len(d.rest) < 2 || d.rest[1] != '0' && d.rest[1] != '1' {
			return "", false
		}
		s := d.rest[:2]
		d.rest = d.rest[2:]
		return s, true
	case c == '"':
		for i := 1; i < len(d.rest); i++ {
			switch c := d.rest[i]; {
			case c == '\\':
				i++
			case c == '"':
				s := d.rest[:i+1]
				d.rest = d.rest[i+1:]
				return s, true
			case c < ' ' || c >= 0x7f:
				return "", false
			}
		}
		return "", false
	case c == ':':
		s, rest, ok := strings.Cut(d.rest[1:], ":")
		d.rest = rest
		return s, ok
	case c == '*' || strings.IndexByte(alphabet, c) >= 0:
		return d.span(tokenMore)
	}
	d.eat('@') // a date
	sign := d.eat('-')
	s, ok := d.span("0123456789.")
	if sign {
		s = "-" + s
	}
	return s, ok
}

// maxEarly is how many priorities are kept for streams that are not open yet.
const maxEarly = 32

// handlePriorityUpdate changes the priority of a stream, which may be one that the
// client is about to open: the frame may come first. RFC 9218, section 7.1.
func (c *conn) handlePriorityUpdate(f frame) error {
	if f.id != 0 {
		return protocolError("PRIORITY_UPDATE on a stream")
	}
	if f.length < 4 {
		return frameSizeError("PRIORITY_UPDATE that is too short")
	}
	id := binary.BigEndian.Uint32(f.payload) & maxStreamID
	if id == 0 || id%2 == 0 && c.streams.idle(id) {
		return protocolError("PRIORITY_UPDATE of a stream that was not promised")
	}
	c.client.priorities = true
	p := parsePriority(string(f.payload[4:]))
	if st := c.streams.open[id]; st != nil {
		// It is in the list of its old level, perhaps.
		c.ready.remove(st)
		st.turn.priority = p
		c.ready.push(st)
	} else if c.streams.idle(id) {
		c.client.keepEarly(id, p, c.streams.idle)
	}
	return nil
}

// keepEarly keeps the priority of a stream that the client has not opened yet, if
// there is room, for which those give way that it has opened since, or left out.
func (s *clientSettings) keepEarly(id uint32, p priority, idle func(uint32) bool) {
	if s.early == nil {
		s.early = map[uint32]priority{}
	}
	if len(s.early) == maxEarly {
		maps.DeleteFunc(s.early, func(id uint32, _ priority) bool { return !idle(id) })
	}
	if len(s.early) < maxEarly {
		s.early[id] = p
	}
}
