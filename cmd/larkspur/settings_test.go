package main

import "testing"

func TestByteSize(t *testing.T) {
	cases := []struct {
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
		{"-1", -1, "-1"},
		{"-2", -2, ""},
		{"8589934592GiB", -2, ""},
		{"1.5MiB", -2, ""},
		{"MiB", -2, ""},
		{"", -2, ""},
		{"10 MiB", -2, ""},
		{"-1KiB", -2, ""},
	}
	for _, c := range cases {
		var b byteSize
		err := b.Set(c.in)
		if c.want == -2 {
			if err == nil {
				t.Errorf("%q is taken for %d bytes", c.in, b)
			}
			continue
		}
		if err != nil || int64(b) != c.want || b.String() != c.out {
			t.Errorf("%q is %d bytes, %q, %v; want %d, %q", c.in, b, b.String(), err, c.want, c.out)
		}
	}
}
