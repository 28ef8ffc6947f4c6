package metrics

import (
	"maps"
	"sync"
	"sync/atomic"
)

// other is the label of what is beyond what has a label of its own.
const other = "other"

// maxKeys is how many keys a table tells apart: methods and statuses are the most.
const maxKeys = 1000

// A table has something for each key, made when it is first asked for; for all keys that are too many
// it has the one of rest. To look one up takes no lock.
type table[K comparable, T any] struct {
	make func(K) *T
	max  int // how many there are at most; zero means maxKeys
	rest K

	mu  sync.Mutex
	all atomic.Pointer[map[K]*T] // which is not changed any more
}

func (t *table[K, T]) of(k K) *T {
	if all := t.all.Load(); all != nil {
		if v := (*all)[k]; v != nil {
			return v
		}
	}
	return t.add(k)
}

func (t *table[K, T]) add(k K) *T {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := map[K]*T{}
	if known := t.all.Load(); known != nil {
		all = maps.Clone(*known)
	}
	most := t.max
	if most == 0 {
		most = maxKeys
	}
	if all[k] == nil && len(all) >= most {
		k = t.rest
	}
	if all[k] == nil {
		all[k] = t.make(k)
		t.all.Store(&all)
	}
	return all[k]
}
