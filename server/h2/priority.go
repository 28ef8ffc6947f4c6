package h2

import (
	"encoding/binary"
	"maps"
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
	d.trim(false)
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
	if more := f.length / priorityPerUnit; more > 0 && !c.spend(more*costFrame) {
		return errFlood
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
