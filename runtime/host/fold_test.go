package host_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// TestFold folds what comes again and again, by itself or in turns, and nothing else.
func TestFold(t *testing.T) {
	for _, test := range []struct {
		items string
		want  []host.Stretch
	}{
		{"", nil},
		{"abc", []host.Stretch{{First: 0, Len: 3}}},
		{"aab", []host.Stretch{{First: 0, Len: 3}}},
		{"xaaaaay", []host.Stretch{{First: 0, Len: 1}, {First: 1, Len: 1, More: 4}, {First: 6, Len: 1}}},
		{"ababababx", []host.Stretch{{First: 0, Len: 2, More: 3}, {First: 8, Len: 1}}},
	} {
		items := strings.Split(test.items, "")
		if got := host.Fold(items); !slices.Equal(got, test.want) {
			t.Errorf("%q is %v, want %v", test.items, got, test.want)
		}
	}
}
