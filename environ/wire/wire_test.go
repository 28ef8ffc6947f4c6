package wire_test

import (
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// TestAuthority compares what is a host with or without a port.
func TestAuthority(t *testing.T) {
	cases := []struct {
		in   string
		want bool
	}{
		{"example.com", true}, {"example.com:80", true}, {"EXAMPLE.com:", true}, {"127.0.0.1:8000", true},
		{"[::1]", true}, {"[::1]:443", true}, {"a%20b", true}, {"x_y", true},
		{"", false}, {":80", false}, {"a b", false}, {"u@h", false}, {"h/p", false}, {"h:x", false}, {"h:123456", false},
		{"h:8:8", false}, {"::1", false}, {"[::1", false}, {"[::1]x", false}, {"[1.2.3.4]", false}, {"[fe80::1%25en0]", false},
		{"[::1]:x", false}, {"h\x00", false}, {"hé", false}, {"h<>", false}, {"h?q", false}, {"h#f", false}, {"[]", false},
	}
	for _, c := range cases {
		if got := wire.Authority(c.in); got != c.want {
			t.Errorf("Authority(%q) = %v, want %v", c.in, got, c.want)
		}
	}
}

// TestText compares what tokens, values, digits and targets are.
func TestText(t *testing.T) {
	cases := []struct {
		in                          string
		token, lower, value, digits bool
		bad                         byte // in a target
	}{
		{"GET", true, false, true, false, 0},
		{"x-a", true, true, true, false, 0},
		{"12", true, true, true, true, 0},
		{"", false, false, true, false, 0},
		{"a b", false, false, true, false, ' '},
		{"a\tb", false, false, true, false, '\t'},
		{"a\nb", false, false, false, false, '\n'},
		{"a\x7f", false, false, false, false, 0x7f},
		{"é", false, false, true, false, 0xc3},
		{`/a\b`, false, false, true, false, '\\'},
		{"/a#b", false, false, true, false, '#'},
		{"/a?b=%20&c", false, false, true, false, 0},
	}
	for _, c := range cases {
		bad, _ := wire.BadOctet(c.in)
		if wire.Token(c.in) != c.token || wire.LowerToken(c.in) != c.lower || wire.Value(c.in) != c.value || wire.Digits(c.in) != c.digits || bad != c.bad {
			t.Errorf("%q: token %v, lower %v, value %v, digits %v, bad octet %q; want %+v", c.in,
				wire.Token(c.in), wire.LowerToken(c.in), wire.Value(c.in), wire.Digits(c.in), bad, c)
		}
	}
}

// TestFields asks for each field of each set in three cases, and for fields that are like one and none.
func TestFields(t *testing.T) {
	for _, f := range []wire.Fields{wire.HopByHop, wire.Connection, wire.Framing, wire.Personal, wire.Final} {
		names := f.Names()
		if len(names) < 4 {
			t.Errorf("set %d has the fields %q", f, names)
		}
		for _, name := range names {
			title := strings.ToUpper(name[:1]) + name[1:]
			if !f.Has(name) || !f.Has(strings.ToUpper(name)) || !f.Has(title) {
				t.Errorf("set %d lacks %s", f, name)
			}
			if f.Has(name+"x") || f.Has(name[:len(name)-1]+"\x00") || f.Has("x"+name[1:]) {
				t.Errorf("set %d has what is like %s", f, name)
			}
		}
	}
	all := wire.HopByHop | wire.Connection | wire.Framing | wire.Personal | wire.Final
	for _, name := range []string{"", "Link", "X-Powered-By", "Accept", "Cache-Control", strings.Repeat("a", 1000)} {
		if all.Has(name) {
			t.Errorf("%q is in a set", name)
		}
	}
	if wire.Connection.Has("te") || !wire.HopByHop.Has("TE") || wire.Personal.Has("Accept") {
		t.Error("a field is in a wrong set")
	}
	if n := testing.AllocsPerRun(100, func() { wire.HopByHop.Has("Transfer-Encoding") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzAuthority(f *testing.F) {
	f.Add("[::1]:80")
	f.Fuzz(func(t *testing.T, s string) {
		if wire.Authority(s) && strings.ContainsAny(s, " /@\\?#\x00") {
			t.Errorf("%q is an authority", s)
		}
	})
}
