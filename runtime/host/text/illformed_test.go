package text_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/text"
)

// Python: "".join of what b"...".decode(errors = "replace") replaces.
func TestIllformed(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "a": 0, "é": 0, "\ufffd": 0, "😹": 0,
		"\xff": 1, "\xff\xff": 1, "\x80\x80": 1, "\xc0\x80": 1, "\xc3": 1, "\xc3a": 1,
		"\xe2": 1, "\xe2\x82": 2, "\xe2\x82a": 2, "\xe2\x28\xa1": 1,
		"\xe0\x80\x80": 1, "\xed\xa0\x80": 1,
		"\xf0\x9f\x98": 3, "\xf0\x9f\x98a": 3, "\xf0\x9f": 2, "\xf0\x80\x80\x80": 1,
		"\xf4\x90\x80\x80": 1, "\xf5\x80\x80\x80": 1,
	} {
		if got := text.Illformed(s); got != want {
			t.Errorf("%q: got %d, want %d", s, got, want)
		}
	}
}
