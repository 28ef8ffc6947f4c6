package push

import (
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// diarySize is how many resources the diary of a connection has; the one that was used least recently goes.
const diarySize = 256

// A diary knows what was sent on a connection, whether the client had asked for it or not. It is
// safe for concurrent use. A nil diary knows nothing, and forgets what it is told.
type diary struct {
	mu      sync.Mutex
	entries []entry // the newest last
}

// An entry is a resource in the state in which the client has it. It says nothing that could be read: of names and
// validators it has hashes.
type entry struct {
	key        uint64
	validator  validator
	fresh      time.Time // until when the client uses it without asking; zero: at no time
	generation uint64    // of the application that sent it
	serial     uint64    // of the promise that carries it; 0: the client asked for it
	arrived    bool      // all of it was sent
	memo       memo      // what a [Memory] keeps of it
}

// resourceKey is the key of a resource of a connection.
func resourceKey(method, authority, target string) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	h.WriteString(method)
	h.WriteByte(0)
	h.WriteString(authority)
	h.WriteByte(0)
	h.WriteString(normalTarget(target))
	return h.Sum64()
}

func (d *diary) find(key uint64) int {
	for i := len(d.entries) - 1; i >= 0; i-- {
		if d.entries[i].key == key {
			return i
		}
	}
	return -1
}

// add notes that e was sent, or, if it has a serial, is about to be.
func (d *diary) add(e entry) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.find(e.key); i >= 0 {
		d.entries = slices.Delete(d.entries, i, i+1)
	} else if len(d.entries) == diarySize {
		d.entries = slices.Delete(d.entries, 0, 1)
	}
	d.entries = append(d.entries, e)
}

// fresh reports whether the client has the resource and uses it unasked, so that nothing of the same generation need be
// looked at.
func (d *diary) fresh(key, generation uint64, now time.Time) bool {
	if d == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.find(key)
	return i >= 0 && d.entries[i].generation == generation && now.Before(d.entries[i].fresh)
}

// has reports whether the client has e in this state. If so, it has it from now on as e says.
func (d *diary) has(e entry) bool {
	if d == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.find(e.key)
	if i < 0 || !d.entries[i].validator.same(e.validator) {
		return false
	}
	e.serial, e.arrived = d.entries[i].serial, d.entries[i].arrived
	d.entries = append(slices.Delete(d.entries, i, i+1), e)
	return true
}

// settle notes that the promise with this serial was kept, or, if not, forgets what it carried. What was kept may
// still turn out not to have been wanted.
func (d *diary) settle(key, serial uint64, kept bool) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.find(key)
	switch {
	case i < 0 || d.entries[i].serial != serial: // superseded
	case kept:
		d.entries[i].arrived = true
	default:
		d.entries = slices.Delete(d.entries, i, i+1)
	}
}

// memos returns what a [Memory] is to keep: of what has arrived, the newest first, at most n.
func (d *diary) memos(n int, now time.Time) (ms []memo) {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := len(d.entries) - 1; i >= 0 && len(ms) < n; i-- {
		if e := &d.entries[i]; e.arrived && e.memo.hash != 0 && now.Before(e.fresh) {
			ms = append(ms, e.memo)
		}
	}
	return ms
}
