package spell_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/spell"
)

func TestNearest(t *testing.T) {
	names := []string{"application", "app", "render", "renders", "status_line", "x"}
	for _, test := range []struct {
		name string
		each int
		want string
	}{
		{"aplication", 3, "application"},
		{"applicaiton", 3, "application"},   // exchanged
		{"applicationes", 3, "application"}, // two at most
		{"applicationses", 3, ""},
		{"apliation", 3, "application"},
		{"apliation", 6, ""}, // one in six
		{"Status-Line", 99, "status_line"},
		{"APP", 3, "app"},
		{"rendr", 3, "render"},
		{"renderz", 3, "render"}, // the first of two that are as near
		{"renderz", 7, "renders"},
		{"ap", 3, "app"},
		{"y", 3, ""}, // a short name is not far from any other
		{"", 3, ""},
	} {
		if got := spell.Nearest(test.name, names, test.each); got != test.want {
			t.Errorf("Nearest(%q, %d) = %q, want %q", test.name, test.each, got, test.want)
		}
	}
}
