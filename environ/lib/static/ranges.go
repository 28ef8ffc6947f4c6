package static

import (
	"math"
	"strconv"
	"strings"
)

// maxSpecs is how many ranges a request may ask for. RFC 9110, section 14.2: a server may ignore
// what asks for many small ones.
const maxSpecs = 100

// malformed is a field that http.ServeContent refuses.
const malformed = "bytes=x"

// Ranges returns a Range field for size bytes as http.ServeContent is to read it, which knows no
// ranges but those of int64, and no suffix of length zero. It is "" for one that is to be ignored.
func Ranges(field string, size int64) string {
	unit, set, ok := strings.Cut(field, "=")
	switch {
	case !ok || !strings.EqualFold(unit, "bytes"):
		return "" // RFC 9110, section 14.2: a range unit that is not understood is ignored
	case size == 0 || strings.Count(set, ",") >= maxSpecs:
		return "" // of an empty file no Content-Range can be written
	}
	var specs []string
	for spec := range strings.SplitSeq(set, ",") {
		if spec = strings.Trim(spec, " \t"); spec == "" {
			continue // RFC 9110, section 5.6.1.2: a recipient ignores empty elements
		}
		first, last, ok := strings.Cut(spec, "-")
		from, to := position(first), position(last)
		switch {
		case !ok || from == wrong || to == wrong || from == absent && to == absent:
			return malformed
		case from == absent && to == 0:
			// RFC 9110, section 14.1.2: a suffix of no bytes cannot be satisfied.
			specs = append(specs, strconv.FormatInt(size, 10)+"-")
		case from == absent:
			specs = append(specs, "-"+strconv.FormatInt(to, 10))
		case to == absent:
			specs = append(specs, strconv.FormatInt(from, 10)+"-")
		default:
			specs = append(specs, strconv.FormatInt(from, 10)+"-"+strconv.FormatInt(to, 10))
		}
	}
	return "bytes=" + strings.Join(specs, ",")
}

// What a position may be that is no number.
const (
	absent = -1 - iota
	wrong
)

// position is a number of bytes, the largest one if it is larger than that.
func position(s string) int64 {
	s = strings.Trim(s, " \t")
	if s == "" {
		return absent
	}
	if strings.Trim(s, "0123456789") != "" {
		return wrong
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return math.MaxInt64
	}
	return n
}
