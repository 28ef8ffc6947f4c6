package json

import "go.starlark.net/starlark"

type member struct {
	key   starlark.String
	value starlark.Value
}

const (
	// few is how many keys may collide as they like: looking at all of them is cheap.
	few = 100
	// crowd is how many keys of a larger object may fall into one bucket of its dict. A bucket has
	// 6.5 on average; that one of 20,000 has more than 64 by chance is less likely than 1 in 10^30.
	crowd = 64
)

// collide reports whether the keys were chosen to meet in few buckets of the dict that is to hold
// them. The hash of a string of less than 12 bytes is FNV-1a without a seed, so a client can choose
// them, and to insert n such keys takes n*n comparisons.
func collide(members []member) bool {
	if len(members) <= few {
		return false
	}
	buckets := 1
	for float64(len(members)) >= 6.5*float64(buckets) { // as starlark.NewDict sizes its table
		buckets *= 2
	}
	counts := make([]uint8, buckets)
	for _, m := range members {
		hash, _ := m.key.Hash() // cannot fail for a string
		n := &counts[hash&uint32(buckets-1)]
		if *n++; *n > crowd {
			return true
		}
	}
	return false
}
