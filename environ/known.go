package environ

import (
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/spell"
)

// Suggest returns the key that a script most likely means by one that no server sets, "" if name
// may be right: a key of the table, an HTTP_* key, or one that is not like any of these and so may
// be the deployer's or a middleware's.
func Suggest(name string) string {
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
	return spell.Nearest(name, known, 6) // the keys of others begin as these do
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
