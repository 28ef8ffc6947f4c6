package display

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes rounds a number of bytes, as in 12.3 kB. One of fewer than five digits is exact.
func Bytes(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// A Size is a number of bytes that a person sets: 512KiB, 10MiB or 10M, 1GB or plain digits, and -1
// for no bound. Case does not matter. It is a flag's value.
type Size int64

// units are the ones that a Size may have, those of powers of two first. K, M and G alone are such,
// as in the configuration of other servers.
var units = [...]struct {
	suffix string
	size   int64
}{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
	{"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10},
}

// Set parses text.
func (s *Size) Set(text string) error {
	digits, size := text, int64(1)
	for _, u := range units {
		at := len(text) - len(u.suffix)
		if at >= 0 && strings.EqualFold(text[at:], u.suffix) {
			digits, size = text[:at], u.size
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 && text != "-1" || n > math.MaxInt64/size {
		return errors.New("write a size as in 512KiB, 10MiB or 10M")
	}
	*s = Size(n * size)
	return nil
}

// Type names the value in the help of a flag.
func (*Size) Type() string { return "SIZE" }

// String writes the size exactly, in the largest unit of a power of two that it is a multiple of.
func (s *Size) String() string {
	for _, u := range units[:3] {
		if n := int64(*s); n > 0 && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}
