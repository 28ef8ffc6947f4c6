// Package spell finds the name that a misspelt one stands for. It imports the standard library
// only, and any package may import it.
package spell

import "strings"

// most is how many characters a name may be away from the one that it stands for, however long it
// is.
const most = 2

// Nearest returns the candidate that name most likely stands for, "" if none is near: one that
// differs by case, or by - for _, or else the first of those that the fewest characters must be
// inserted, removed, replaced, or exchanged with their neighbours for. That may be one character
// for each "each" that a candidate has: a short name is not far from any other. Where name may well
// be right, "each" is large.
func Nearest(name string, candidates []string, each int) string {
	folded := fold(name)
	best, least := "", most+1
	for _, c := range candidates {
		if fold(c) == folded {
			return c
		}
		if n := distance(name, c, least); n < least && n <= len(c)/each {
			best, least = c, n
		}
	}
	return best
}

func fold(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "-", "_")) }

// distance returns how many characters must be inserted, removed, replaced, or exchanged with their
// neighbours to make b of a (the optimal string alignment distance), or limit if that is less.
func distance(a, b string, limit int) int {
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
	return min(above[len(b)], limit)
}
