package environ

import (
	"slices"
	"strings"
)

// Meant returns the key that a script most likely means by one that no server sets, "" if name may be right: a
// key of the table, an HTTP_* key, or one that is not like any of these and so may be the deployer's or a middleware's.
func Meant(name string) string {
	known := knownKeys()
	if slices.Contains(known, name) {
		return ""
	}
	if field, ok := strings.CutPrefix(name, "HTTP_"); ok {
		switch {
		case field == "CONTENT_TYPE" || field == "CONTENT_LENGTH":
			return field
		case strings.HasPrefix(field, "X_"):
			return "" // anybody's
		}
	}
	folded := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	best, least := "", 3
	for _, key := range known {
		if strings.ToUpper(key) == folded {
			return key
		}
		// A short key is not far from any other.
		if n := distance(name, key, least); n < least && n <= len(key)/6 {
			best, least = key, n
		}
	}
	return best
}

// knownKeys are the keys of the table and of the usual fields.
func knownKeys() []string {
	var all []string
	for _, k := range Keys() {
		if k.Name != "HTTP_*" {
			all = append(all, k.Name)
		}
	}
	for field := range fieldNames {
		all = append(all, "HTTP_"+field)
	}
	all = append(all, "HTTP_HOST")
	slices.Sort(all)
	return all
}

// distance is how many characters must be inserted, removed or replaced, or neighbours exchanged, to make b
// of a; limit or more if that is more than it.
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
	return above[len(b)]
}
