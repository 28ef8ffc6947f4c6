package worker

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A trail is a file in memory that a worker and its front share, in which the worker leaves where its
// calls are: when it dies, at any instruction, it is read there. Each call has a slot of it, with two
// halves: the first byte says which of them is whole, 0 that the slot is free.
type trail struct {
	memory []byte

	mu   sync.Mutex
	free []int // slots
}

// Sizes of a trail.
const (
	slots    = 128
	halfSize = 255
	slotSize = 1 + 2*halfSize
	maxID    = 100 // bytes of the id of a request that are kept
	maxPlace = halfSize - maxID - 2
)

// trailName is the name of the file in the worker's directory.
const trailName = "trail"

// makeTrail makes the file; nil if it cannot be made.
func makeTrail(dir string) *os.File {
	f, err := os.OpenFile(filepath.Join(dir, trailName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil
	}
	if err := f.Truncate(slots * slotSize); err != nil {
		f.Close()
		return nil
	}
	return f
}

// openTrail returns that of this worker; nil if its front has made none.
func openTrail(dir string) *trail {
	f, err := os.OpenFile(filepath.Join(dir, trailName), os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	t := new(trail)
	if t.memory, err = shared(f, slots*slotSize); err != nil {
		return nil
	}
	for i := range slots {
		t.free = append(t.free, i)
	}
	return t
}

// follow is [Teller.Follow]. A nil trail follows none.
func (t *trail) follow(id string) (at func(host.Place), end func()) {
	if t == nil {
		return nil, func() {}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.free) == 0 {
		return nil, func() {}
	}
	last := len(t.free) - 1
	n := t.free[last]
	t.free = t.free[:last]
	slot := t.memory[n*slotSize:][:slotSize]
	id = id[:min(len(id), maxID)]
	return func(p host.Place) {
			next := 1
			if slot[0] == 1 {
				next = 2
			}
			half := slot[1+(next-1)*halfSize:][:halfSize]
			half[0] = byte(copy(half[2:], id))
			place := half[2+half[0]:][:0:maxPlace]
			file := p.File[max(len(p.File)-maxPlace+20, 0):]
			place = append(append(place, file...), ':')
			place = append(strconv.AppendInt(place, int64(p.Line), 10), ':')
			place = strconv.AppendInt(place, int64(p.Col), 10)
			half[1] = byte(len(place))
			slot[0] = byte(next)
		}, func() {
			slot[0] = 0
			t.mu.Lock()
			defer t.mu.Unlock()
			t.free = append(t.free, n)
		}
}

// readTrail returns where the calls of a worker are, by the ids of their requests, and closes the file,
// which may be nil. It is the worker's, who may have written anything into it.
func readTrail(f *os.File) map[string]string {
	if f == nil {
		return nil
	}
	defer f.Close()
	memory := make([]byte, slots*slotSize)
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, slots*slotSize), memory); err != nil {
		return nil
	}
	places := make(map[string]string)
	for n := range slots {
		slot := memory[n*slotSize:][:slotSize]
		if slot[0] != 1 && slot[0] != 2 {
			continue
		}
		half := slot[1+(int(slot[0])-1)*halfSize:][:halfSize]
		i, j := 2+int(half[0]), 2+int(half[0])+int(half[1])
		if j > halfSize {
			continue
		}
		place, ok := host.ParsePlace(string(half[i:j]))
		if ok {
			places[string(half[2:i])] = place.String()
		}
	}
	return places
}

// last is where the call for a request was when the worker died, "" if that is not known.
func (w *process) last(id string) string { return w.places[id[:min(len(id), maxID)]] }
