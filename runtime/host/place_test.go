package host_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/syntax"
)

// TestParsePlace parses places, and writes each that is one as it was.
func TestParsePlace(t *testing.T) {
	for _, test := range []struct {
		in   string
		want host.Place
	}{
		{"a.star:3:7", host.Place{File: "a.star", Line: 3, Col: 7}},
		{"lib/a.star:3", host.Place{File: "lib/a.star", Line: 3}},
		{"a:b.star:3:7", host.Place{File: "a:b.star", Line: 3, Col: 7}},
		{"1:2:3", host.Place{File: "1", Line: 2, Col: 3}},
		{"a.star", host.Place{}},
		{"a.star:", host.Place{}},
		{"a.star:x:y", host.Place{}},
		{"a.star:0:0", host.Place{}},
		{"a.star:-1", host.Place{}},
		{"a.star:+1", host.Place{}},
		{"a.star:99999999999999999999", host.Place{}},
		{":3", host.Place{}},
		{"", host.Place{}},
	} {
		got, ok := host.ParsePlace(test.in)
		if got != test.want || ok != (test.want.Line > 0) {
			t.Errorf("ParsePlace(%q) = %+v, %v, want %+v", test.in, got, ok, test.want)
		}
		if ok && got.String() != test.in {
			t.Errorf("ParsePlace(%q).String() = %q", test.in, got)
		}
	}
}

func TestPlaceAt(t *testing.T) {
	file := "a.star"
	if got := host.PlaceAt(syntax.MakePosition(&file, 3, 7)).String(); got != "a.star:3:7" {
		t.Errorf("got %q", got)
	}
	builtin := "<builtin>"
	if got := host.PlaceAt(syntax.MakePosition(&builtin, 0, 0)); got != (host.Place{}) {
		t.Errorf("the place of a builtin is %+v", got)
	}
}

func TestFramePlace(t *testing.T) {
	for line, want := range map[string]string{
		"  lib/a.star:3:7: in app":     "lib/a.star:3:7",
		"  a.star:3:7: in a.b: in c":   "a.star:3:7",
		"  <builtin>: in len":          "",
		"Error: a.star:3:7: in app":    "",
		"a.star:3:7: in app":           "",
		"  a b.star:3:7: in app":       "",
		"  a.star:3: in app":           "",
		"Traceback (most recent call)": "",
	} {
		if p, ok := host.FramePlace(line); p.String() != want || ok != (want != "") {
			t.Errorf("FramePlace(%q) = %v, %v, want %q", line, p, ok, want)
		}
	}
}

func TestExcerpt(t *testing.T) {
	tree := fstest.MapFS{
		"a.star":    {Data: []byte("one\r\ntwo\nthree\nfour")},
		"mark.star": {Data: []byte("\ufeffone\ntwo")},
		"long.star": {Data: []byte("one\n" + strings.Repeat("x", 1<<20) + "\nthree\n")},
	}
	for _, test := range []struct {
		place  string
		around int
		want   string
	}{
		{"a.star:1", 1, ">one two"},
		{"a.star:2:9", 0, ">two"},
		{"a.star:3:1", 1, "two >three four"},
		{"a.star:4:1", 9, "one two three >four"},
		{"a.star:5:1", 2, "three four"},
		{"mark.star:1:1", 1, ">one two"},
		{"a.star", 2, ""},
		{"none.star:1:1", 2, ""},
		{"../a.star:1:1", 2, ""},
		{"long.star:1", 1, ">one"},
	} {
		p, _ := host.ParsePlace(test.place)
		var got []string
		for _, l := range host.Excerpt(tree, p, test.around) {
			mark := ""
			if l.Here {
				mark = ">"
			}
			got = append(got, mark+l.Text)
		}
		if !slices.Equal(got, strings.Fields(test.want)) {
			t.Errorf("Excerpt(%q, %d) = %q, want %q", test.place, test.around, got, test.want)
		}
	}
	if got := host.Excerpt(nil, host.Place{File: "a.star", Line: 1}, 1); got != nil {
		t.Errorf("without a tree there is %v", got)
	}
}

func TestDiagnostics(t *testing.T) {
	d := host.Diagnostics{{Place: host.Place{File: "a.star", Line: 3, Col: 7}, Message: "wrong"}}
	for _, want := range []string{"a.star:3:7: wrong", "a.star:3:7: wrong (and 1 more)"} {
		if got := d.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		d = append(d, host.Diagnostic{Message: "more"})
	}
	for _, test := range []struct {
		in   host.Diagnostic
		want string
	}{
		{host.Diagnostic{Place: host.Place{File: "a.star"}, Message: "wrong"}, "a.star: wrong"},
		{host.Diagnostic{Message: "wrong"}, "wrong"},
	} {
		if got := test.in.String(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	if got := (host.Diagnostics{}).Error(); got != "no diagnostics" {
		t.Errorf("got %q", got)
	}
}
