package h2

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// What the encoder writes, x/net's decoder reads, whatever size of table the client asks for.
func TestEncoder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	e := encoder{limit: 8192, max: defaultTableSize}
	d := hpack.NewDecoder(defaultTableSize, nil)
	d.SetAllowedMaxDynamicTableSize(8192)
	names := []string{
		"Content-Type", "Date", "Set-Cookie", "X-Own", "Etag", "Server", "X-Request-Id",
	}
	for range 20_000 {
		if r.IntN(50) == 0 {
			for range 1 + r.IntN(2) {
				e.resize([]uint32{0, 64, 200, 4096, 100_000}[r.IntN(5)])
			}
		}
		var want []hpack.HeaderField
		p := e.status(e.begin(nil), 200+r.IntN(2))
		for range r.IntN(6) {
			name, _ := wireName(names[r.IntN(len(names))])
			value := fmt.Sprintf("%0*d", r.IntN(60), r.IntN(20))
			if r.IntN(100) == 0 {
				value = fmt.Sprintf("%05000d", r.IntN(3))
			}
			p = e.field(p, name, value)
			sensitive := name.lower == "set-cookie"
			field := hpack.HeaderField{Name: name.lower, Value: value, Sensitive: sensitive}
			want = append(want, field)
		}
		p = e.length(p, int64(r.IntN(1<<20)))
		got, err := d.DecodeFull(p)
		if err != nil {
			t.Fatal(err)
		}
		last := len(got) - 1
		if got[0].Name != ":status" || got[last].Name != "content-length" ||
			!slices.Equal(got[1:last], want) {
			t.Fatalf("decoded %v, want %v", got, want)
		}
	}
}

// A field that comes again takes one byte from its third time on, and what comes once takes no
// place in the table.
func TestEncoderIndexes(t *testing.T) {
	e := encoder{limit: 4096, max: 4096}
	kind := knownNames["Content-Type"]
	var sizes []int
	for i := range 4 {
		sizes = append(sizes, len(e.field(nil, kind, "text/html")))
		tag := fmt.Sprint("tag ", i)
		for hashOf(knownNames["Etag"], tag)%64 == hashOf(kind, "text/html")%64 {
			tag += "." // it would be taken for the last one seen in the other's place
		}
		e.field(nil, knownNames["Etag"], tag)
	}
	if sizes[2] != 1 || sizes[3] != 1 {
		t.Errorf("the same field took %v bytes", sizes)
	}
	if n := e.next - e.first; n != 1 {
		t.Errorf("the table has %d entries, want 1", n)
	}
}

// Of a name that the static table lacks the first field takes a place in the table, and others are
// sent by its index, until it has been evicted.
func TestEncoderNames(t *testing.T) {
	e := encoder{limit: 200, max: 200}
	name := fieldName{"x-request-id", 0}
	send := func(name fieldName, value string) (size int) {
		return len(e.field(nil, name, value)) - len(appendString(nil, value))
	}
	send(name, "first")
	for i := range 20 {
		// RFC 7541, section 5.1: an index above 14 has a second octet.
		if n := send(name, fmt.Sprint(i, i)); n != 2 {
			t.Errorf("%d octets besides the value, want 2", n)
		}
	}
	other := fieldName{"x-session-id", 0} // which stands in the other's place
	send(other, "a")
	send(other, "b")
	if n := e.next - e.first; n != 1 {
		t.Errorf("the table has %d entries, want 1", n)
	}
	for range 2 {
		send(knownNames["Server"], fmt.Sprintf("%0150d", 0)) // there is no room for more
	}
	send(other, "c")
	if n := send(other, "d"); n != 2 {
		t.Errorf("%d octets besides the value once the other is evicted, want 2", n)
	}
}

// A block that is larger than the client's frames goes on in CONTINUATION frames.
func TestSealBlock(t *testing.T) {
	o := frames{buf: []byte("before")}
	o.frame(http2.FrameHeaders, flagEndStream, 5, 0)
	o.buf = append(o.buf, "0123456789abcdefghijklmnop"...)
	o.sealBlock(6, 10)
	want := "before" +
		"\x00\x00\x0a\x01\x01\x00\x00\x00\x05" + "0123456789" +
		"\x00\x00\x0a\x09\x00\x00\x00\x00\x05" + "abcdefghij" +
		"\x00\x00\x06\x09\x04\x00\x00\x00\x05" + "klmnop"
	if got := string(o.buf); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// The table of names agrees with HPACK's static table and with net/http.
func TestKnownNames(t *testing.T) {
	for name, f := range knownNames {
		if got := http.CanonicalHeaderKey(f.lower); got != name {
			t.Errorf("%q is known as %q", f.lower, name)
		}
		if f.static == 0 {
			continue
		}
		fields, err := hpack.NewDecoder(0, nil).DecodeFull([]byte{0x80 | f.static})
		if err != nil || fields[0].Name != f.lower {
			t.Errorf("index %d is %v (%v), want %q", f.static, fields, err, f.lower)
		}
	}
}

func TestNames(t *testing.T) {
	for target, want := range map[string]bool{
		"/": true, "*": true, "/a?b": true, "/%20": true, "/ä": true, "//a": true, "/{}": true,
		"": false, "a": false, "/a b": false, "/#": false, `/\`: false, "/\x00": false,
		"/\x7f": false, "http://a/": false,
	} {
		if _, got := checkTarget(target); got != want {
			t.Errorf("target %q is valid: %v, want %v", target, got, want)
		}
	}
	for length, want := range map[string]bool{
		"0": true, "00": true, "999999999999999999": true, "9223372036854775807": true,
		"": false, "+1": false, "-1": false, "1 ": false, "1,1": false, "1e3": false, "1_0": false,
		"9223372036854775808": false, "9999999999999999999": false,
	} {
		if _, got := parseLength(length); got != want {
			t.Errorf("length %q is valid: %v, want %v", length, got, want)
		}
	}
}
