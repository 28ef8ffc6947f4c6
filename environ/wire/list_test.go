package wire_test

import (
	"slices"
	"testing"

	"github.com/larkspur-web/larkspur/environ/wire"
)

func TestElements(t *testing.T) {
	for list, want := range map[string][]string{
		"":                       nil,
		" ,\t, ":                 nil,
		"Cookie":                 {"Cookie"},
		"Cookie,Accept-Language": {"Cookie", "Accept-Language"},
		" a\t, ,b=\"c\" , d e ,": {"a", `b="c"`, "d e"},
	} {
		if got := slices.Collect(wire.Elements(list)); !slices.Equal(got, want) {
			t.Errorf("%q has %q, want %q", list, got, want)
		}
	}
	for element, want := range map[string]bool{"upgrade": true, "TE": true, "up": false, "": false} {
		if got := wire.Listed([]string{"keep-alive", "te, Upgrade"}, element); got != want {
			t.Errorf("%q is listed: %v, want %v", element, got, want)
		}
	}
}
