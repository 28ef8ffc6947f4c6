package host

import (
	"fmt"
	"slices"
	"strings"
)

// A Stretch is a part of a list, which may come again and again.
type Stretch struct {
	First, Len int
	More       int // how often the same follows; 0 if nothing is repeated
}

const (
	// period is how many items that are repeated together are found: functions that call each other.
	period = 8
	// fewRepeats is how often they may be repeated without being folded.
	fewRepeats = 2
)

// Fold cuts a list into stretches, so that what is repeated, as by a recursion, shows once.
func Fold[T comparable](items []T) []Stretch {
	var all []Stretch
	for i := 0; i < len(items); {
		s := Stretch{First: i, Len: 1}
		for n := 1; n <= period; n++ {
			if more := repeats(items[i:], n); more > fewRepeats && more*n > s.More*s.Len {
				s.Len, s.More = n, more
			}
		}
		if last := len(all) - 1; s.More == 0 && last >= 0 && all[last].More == 0 {
			all[last].Len++
		} else {
			all = append(all, s)
		}
		i += s.Len * (s.More + 1)
	}
	return all
}

// repeats returns how often the first n items follow themselves.
func repeats[T comparable](items []T, n int) (more int) {
	for at := n; at+n <= len(items) && slices.Equal(items[:n], items[at:at+n]); at += n {
		more++
	}
	return more
}

// folded is a backtrace without the lines that are repeated.
func folded(trace string) string {
	lines := strings.Split(trace, "\n")
	var kept []string
	for _, s := range Fold(lines) {
		kept = append(kept, lines[s.First:s.First+s.Len]...)
		switch {
		case s.More > 0 && s.Len == 1:
			kept = append(kept, fmt.Sprintf("  ... the line above %d times more", s.More))
		case s.More > 0:
			kept = append(kept,
				fmt.Sprintf("  ... the %d lines above %d times more", s.Len, s.More))
		}
	}
	return strings.Join(kept, "\n")
}
