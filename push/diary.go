package push

import (
	"hash/maphash"
	"sync"
	"time"
)

// diarySize is how many resources the diary of a connection has; the one that was used least
// recently goes.
const diarySize = 256

// A diary knows what was sent on a connection, whether the client had asked for it or not. The zero
// value is empty. It is safe for concurrent use.
//
// It is a list of bounded length in a slice, so that each response, of which there are many, adds
// its entry in constant time and, once the diary is full, without an allocation.
type diary struct {
	mu          sync.Mutex
	entries     []entry          // the one at 0 is none
	index       map[uint64]int16 // of entries, by key
	leastRecent int16            // by use; it goes when the diary is full
	mostRecent  int16
	free        int16 // head of the list of free entries, linked by newer; 0 if there is none
}

// An entry is a resource in the state in which the client has it. It says nothing that could be
// read: of names and validators it has hashes.
type entry struct {
	key        uint64
	validator  validator
	fresh      time.Time // until when the client uses it without asking; zero: at no time
	generation uint64    // of what sent it
	serial     uint64    // of the promise that carries it; 0: the client asked for it
	arrived    bool      // all of it was sent
	memo       memo      // what a [Memory] keeps of it

	older, newer int16 // in the order of use; 0 is no entry
}

// resourceKey is the key of a resource of a connection.
func resourceKey(method string, o origin, target string) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	h.WriteString(method)
	h.WriteByte(0)
	h.WriteString(o.scheme)
	h.WriteByte(0)
	h.WriteString(o.authority)
	h.WriteByte(0)
	h.WriteString(normalTarget(target))
	return h.Sum64()
}

// find returns the entry with this key, nil if there is none.
func (d *diary) find(key uint64) *entry {
	if i, ok := d.index[key]; ok {
		return &d.entries[i]
	}
	return nil
}

// unlink takes the entry at i out of the order.
func (d *diary) unlink(i int16) {
	e := &d.entries[i]
	d.entries[e.older].newer, d.entries[e.newer].older = e.newer, e.older
	if d.leastRecent == i {
		d.leastRecent = e.newer
	}
	if d.mostRecent == i {
		d.mostRecent = e.older
	}
}

// put makes e, which has the key of the entry at i, that entry, and the newest.
func (d *diary) put(i int16, e entry) {
	e.older, e.newer = d.mostRecent, 0
	d.entries[i] = e
	d.entries[e.older].newer = i
	d.mostRecent = i
	if d.leastRecent == 0 {
		d.leastRecent = i
	}
}

// add notes that e was sent, or, if it has a serial, is about to be.
func (d *diary) add(e entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i, ok := d.index[e.key]
	switch {
	case ok:
		d.unlink(i)
	case len(d.index) == diarySize:
		i = d.leastRecent
		d.unlink(i)
		delete(d.index, d.entries[i].key)
	case d.free != 0:
		i = d.free
		d.free = d.entries[i].newer
	default:
		if d.index == nil {
			d.index = make(map[uint64]int16)
			d.entries = make([]entry, 1, 8)
		}
		i = int16(len(d.entries))
		d.entries = append(d.entries, entry{})
	}
	d.index[e.key] = i
	d.put(i, e)
}

// fresh reports whether the client has the resource and uses it unasked, so that nothing of the
// same generation need be looked at.
func (d *diary) fresh(key, generation uint64, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.find(key)
	return e != nil && e.generation == generation && now.Before(e.fresh)
}

// has reports whether the client has e in this state. If so, it has it from now on as e says.
func (d *diary) has(e entry) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	known := d.find(e.key)
	if known == nil || !known.validator.same(e.validator) {
		return false
	}
	e.serial, e.arrived = known.serial, known.arrived
	i := d.index[e.key]
	d.unlink(i)
	d.put(i, e)
	return true
}

// settle notes that what the promise with this serial carried was sent, or, if not, forgets it.
// What was sent may still turn out not to have been wanted: settle may be called again.
func (d *diary) settle(key, serial uint64, sent bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.find(key)
	switch {
	case e == nil || e.serial != serial: // superseded
	case sent:
		e.arrived = true
	default:
		i := d.index[key]
		d.unlink(i)
		delete(d.index, key)
		d.entries[i] = entry{newer: d.free}
		d.free = i
	}
}

// holds reports whether the client has the resource in the state v.
func (d *diary) holds(key uint64, v validator) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.find(key)
	return e != nil && e.validator.same(v)
}

// memos returns what a [Memory] is to keep: of what has arrived, the newest first, at most n.
func (d *diary) memos(n int, now time.Time) (ms []memo) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := d.mostRecent; i != 0 && len(ms) < n; i = d.entries[i].older {
		if e := &d.entries[i]; e.arrived && e.memo.hash != 0 && now.Before(e.fresh) {
			ms = append(ms, e.memo)
		}
	}
	return ms
}
