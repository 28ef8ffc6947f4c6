package server

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	"sync"
)

// frames pass on one direction of a WebSocket, and can end it between two frames, which they count. It
// is safe for concurrent use.
type frames struct {
	to     io.Writer
	masked bool // it goes to a server: RFC 6455, section 5.3

	mu     sync.Mutex
	head   []byte // of a frame, as far as it has come
	left   uint64 // bytes of the frame's payload that have not
	ending bool   // it ends after this frame
	over   bool   // nothing more is passed on
}

// Write is io.Writer's. What comes behind the end is dropped: it is the answer to that, at most.
func (f *frames) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return len(p), nil
	}
	for i := 0; i < len(p); {
		if f.left > 0 {
			n := min(f.left, uint64(len(p)-i))
			f.left -= n
			i += int(n)
		} else {
			f.head = append(f.head, p[i])
			i++
			f.begin()
		}
		if f.ending && f.between() {
			if _, err := f.to.Write(p[:i]); err != nil {
				return 0, err
			}
			f.goAway()
			return len(p), nil
		}
	}
	return f.to.Write(p)
}

// between reports whether no frame has begun that is not whole.
func (f *frames) between() bool { return len(f.head) == 0 && f.left == 0 }

// begin reads the head of a frame once all of it has come: RFC 6455, section 5.2.
func (f *frames) begin() {
	if len(f.head) < 2 {
		return
	}
	size, rest := uint64(f.head[1]&0x7f), 0
	switch size {
	case 126:
		rest = 2
	case 127:
		rest = 8
	}
	mask := 4 * int(f.head[1]>>7)
	if len(f.head) < 2+rest+mask {
		return
	}
	switch length := f.head[2 : 2+rest]; rest {
	case 2:
		size = uint64(binary.BigEndian.Uint16(length))
	case 8:
		size = binary.BigEndian.Uint64(length)
	}
	f.head, f.left = f.head[:0], size
}

// end says that the server ends, now or when the frame is whole that is on its way.
func (f *frames) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ending = true; f.between() && !f.over {
		f.goAway()
	}
}

// goAway writes a Close frame with the status 1001, "going away": RFC 6455, section 7.4.1.
func (f *frames) goAway() {
	f.over = true
	frame := []byte{0x88, 2, 1001 >> 8, 1001 & 0xff}
	if f.masked {
		var key [4]byte
		_, _ = rand.Read(key[:]) // it does not fail
		frame = append([]byte{0x88, 0x82}, key[:]...)
		frame = append(frame, 1001>>8^key[0], 1001&0xff^key[1])
	}
	_, _ = f.to.Write(frame) // a peer that is gone knows it
}
