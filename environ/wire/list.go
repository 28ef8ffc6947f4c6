package wire

import (
	"iter"
	"strings"
)

// Elements are those of a field that is a list, as Vary and Connection are, without the empty ones.
// RFC 9110, section 5.6.1.
func Elements(list string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for element := range strings.SplitSeq(list, ",") {
			if element = Trim(element); element != "" && !yield(element) {
				return
			}
		}
	}
}

// Listed reports whether one of several lists has the element, in any case.
func Listed(lists []string, element string) bool {
	for _, list := range lists {
		for e := range Elements(list) {
			if strings.EqualFold(e, element) {
				return true
			}
		}
	}
	return false
}
