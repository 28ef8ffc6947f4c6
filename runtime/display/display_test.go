package display_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/display"
)

func TestEscape(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"plain\tand\nsimple", "plain\tand\nsimple"},
		{"é 😀 \u3000 \u00a0 \ufffd", "é 😀 \u3000 \u00a0 \ufffd"},
		{"\x1b[2Jgone\r", `\x1b[2Jgone\x0d`},
		{"\x00\x7f\u009b", `\x00\x7f\u009b`},
		{"left \u202eright\u2066", `left \u202eright\u2066`},
		{"a\xffb\xc3", `a\xffb\xc3`},
		{`C:\new`, `C:\new`},
	} {
		if got := display.Escape(test.in); got != test.want {
			t.Errorf("Escape(%q) = %q, want %q", test.in, got, test.want)
		}
	}
	if got := display.Line("a\n\tb\x1b"); got != `a\n\tb\x1b` {
		t.Errorf("got %q", got)
	}
}

// TestPalette verifies that what is written for a terminal is coloured, and nothing else is.
func TestPalette(t *testing.T) {
	if got := display.Palette(true).In(display.Red, "no"); got != "\x1b[31mno\x1b[0m" {
		t.Errorf("got %q", got)
	}
	for _, got := range []string{display.Palette(false).In(display.Red, "no"), display.Palette(true).In(display.Red, "no")[5:7]} {
		if got != "no" {
			t.Errorf("got %q", got)
		}
	}
	if got := display.Palette(true).In(display.Red, ""); got != "" {
		t.Errorf("nothing in red is %q", got)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if display.PaletteOf(file) || display.PaletteOf(new(strings.Builder)) {
		t.Error("a file and a buffer are coloured")
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 9999: "9999 B", 10_000: "10.0 kB", 9_999_999: "10000.0 kB", 12_345_678: "12.3 MB"} {
		if got := display.Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for _, test := range []struct {
		in   string
		want int64 // -2 for an error
		out  string
	}{
		{"0", 0, "0"},
		{"1000", 1000, "1000"},
		{"1024", 1024, "1KiB"},
		{"512KiB", 512 << 10, "512KiB"},
		{"10MiB", 10 << 20, "10MiB"},
		{"2GiB", 2 << 30, "2GiB"},
		{"5MB", 5e6, "5000000"},
		{"3kB", 3000, "3000"},
		{"7B", 7, "7"},
		{"10M", 10 << 20, "10MiB"},
		{"64k", 64 << 10, "64KiB"},
		{"1G", 1 << 30, "1GiB"},
		{"1mb", 1e6, "1000000"},
		{"1kib", 1 << 10, "1KiB"},
		{"M", -2, ""},
		{"-1", -1, "-1"},
		{"-2", -2, ""},
		{"8589934592GiB", -2, ""},
		{"1.5MiB", -2, ""},
		{"MiB", -2, ""},
		{"", -2, ""},
		{"10 MiB", -2, ""},
		{"-1KiB", -2, ""},
	} {
		var s display.Size
		err := s.Set(test.in)
		if test.want == -2 {
			if err == nil {
				t.Errorf("%q is taken for %d bytes", test.in, s)
			}
			continue
		}
		if err != nil || int64(s) != test.want || s.String() != test.out {
			t.Errorf("%q is %d bytes, %q, %v; want %d, %q", test.in, s, s.String(), err, test.want, test.out)
		}
	}
}

func TestDuration(t *testing.T) {
	for in, want := range map[string]string{
		"30": "30s", "0.5": "500ms", "90s": "1m30s", "1m30s": "1m30s", "2 m": "", "10S": "10s",
		"-1": "-1s", "0": "0s", "": "", "x": "", "1d": "", "NaN": "", "1e300": "",
	} {
		var d display.Duration
		err := d.Set(in)
		if got := d.String(); err == nil && got != want || (err != nil) != (want == "") {
			t.Errorf("%q is %s, %v; want %q", in, got, err, want)
		}
	}
}
