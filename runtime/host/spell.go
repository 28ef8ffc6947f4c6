package host

// Nearest returns the one of names that name is most likely a misspelling of, "" if it resembles none:
// it takes at most one change in three of its characters to come to it, and two in all.
func Nearest(name string, names []string) string {
	best, least := "", min(2, (len(name)+2)/3)+1
	for _, other := range names {
		if n := Distance(name, other, least); n < least {
			best, least = other, n
		}
	}
	return best
}

// Distance is how many characters must be inserted, removed or replaced, or neighbours exchanged, to make
// b of a; limit or more if that is more than it.
func Distance(a, b string, limit int) int {
	if max(len(a)-len(b), len(b)-len(a)) >= limit {
		return limit
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
