package push

import (
	"hash/maphash"
	"net/http"
	"sync"
	"time"
)

const (
	// maxOutcomes is how many resources outcomes have; beyond them any one goes.
	maxOutcomes = 1024
	// maxCondition is how long an ETag is that is remembered.
	maxCondition = 256
	// refusedFor is how long no page tries again what could not be promised.
	refusedFor = 10 * time.Second
)

// An outcome is what came of verifying a request: its answer could not be promised, or it is in the
// state of the validator.
type outcome struct {
	generation uint64    // of what answered
	no         refusal   // zero if it could be promised
	field      string    // that a client sends to which the reason Personal applies; "": any client
	until      time.Time // of the refusal
	limit      int64     // that the body was larger than, if the reason is Budget
	validator  validator
	tag        string // the ETag and the Last-Modified, with which to ask again
	modified   string
}

// outcomes are remembered by a [Handler], by the key of the resource, which has its origin: who
// asks over http may be sent to https. The zero value is empty. They are safe for concurrent use.
type outcomes struct {
	mu    sync.Mutex
	byKey map[uint64]outcome
}

// get returns what is remembered of an answer of this generation, zero if that is nothing.
func (o *outcomes) get(key, generation uint64) outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	if known, ok := o.byKey[key]; ok && known.generation == generation {
		return known
	}
	return outcome{}
}

func (o *outcomes) put(key uint64, v outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.byKey[key]; !ok && len(o.byKey) >= maxOutcomes {
		for other := range o.byKey {
			delete(o.byKey, other)
			break
		}
	}
	if o.byKey == nil {
		o.byKey = make(map[uint64]outcome)
	}
	o.byKey[key] = v
}

// refused returns why there is no answer to promise, as was found out a moment ago.
func (o *outcome) refused(now time.Time) refusal {
	if o.no.refused() && now.Before(o.until) {
		return o.no
	}
	return refusal{}
}

// remember keeps why there is no answer to promise.
func (o *outcomes) remember(key, generation uint64, no refusal) {
	o.put(key, outcome{generation: generation, no: no, until: time.Now().Add(refusedFor)})
}

// tooLarge keeps that the body of an answer was larger than limit. What is known of its state
// stays.
func (o *outcomes) tooLarge(key, generation uint64, no refusal, limit int64) {
	v := o.get(key, generation)
	v.generation, v.no, v.until, v.limit = generation, no, time.Now().Add(refusedFor), limit
	o.put(key, v)
}

// answered keeps the state of an answer that can be promised, if another can be compared with it.
func (o *outcomes) answered(key, generation uint64, v validator, h http.Header) {
	tag, modified := entityTag(h), lastModified(h)
	if len(tag) > maxCondition {
		tag = ""
	}
	if tag == "" && modified == "" {
		return
	}
	o.put(key, outcome{generation: generation, validator: v, tag: tag, modified: modified})
}

// condition adds to the fields of a request that the answer is wanted only if its state is another.
func (o *outcome) condition(h http.Header) {
	if o.tag != "" {
		h["If-None-Match"] = []string{o.tag}
	} else {
		// RFC 9110, section 13.1.3: it is ignored beside the other.
		h["If-Modified-Since"] = []string{o.modified}
	}
}

// memorable returns the validator that a [Memory] has of the state.
func (o *outcome) memorable() string {
	if o.tag != "" {
		return opaqueTag(o.tag)
	}
	return o.modified
}

// variantKey is the key of an answer: of the resource, and of the fields that choose among its
// variants.
func variantKey(resource uint64, header http.Header) uint64 {
	key := resource + 1 // never the resource's own
	for name, values := range header {
		var h maphash.Hash
		h.SetSeed(seed)
		h.WriteString(name)
		for _, v := range values {
			h.WriteByte(0)
			h.WriteString(v)
		}
		key += h.Sum64() // in any order
	}
	return key
}
