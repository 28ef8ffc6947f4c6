package h2

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// What a trimmer has left of a block, in whatever pieces that came, leaves the decoder as the block
// itself would, and has all fields but those that are cut.
func TestTrimmer(t *testing.T) {
	const limit, table = 4 * 4096, 4096
	r := rand.New(rand.NewPCG(1, 2))
	var buf bytes.Buffer
	e := hpack.NewEncoder(&buf)
	var got, want []hpack.HeaderField
	trimmed := hpack.NewDecoder(table, func(f hpack.HeaderField) { got = append(got, f) })
	whole := hpack.NewDecoder(table, func(f hpack.HeaderField) { want = append(want, f) })
	var tr trimmer
	for range 300 {
		buf.Reset()
		if r.IntN(20) == 0 {
			e.SetMaxDynamicTableSize(uint32(r.IntN(table)))
		}
		huge := 0
		for range 1 + r.IntN(10) {
			f := hpack.HeaderField{Name: fmt.Sprint("x", r.IntN(5)), Value: fmt.Sprint(r.IntN(5)), Sensitive: r.IntN(9) == 0}
			switch r.IntN(12) {
			case 0:
				f.Value = strings.Repeat("~v"[r.IntN(2):], 4*limit)
				huge++
			case 1:
				f.Name = strings.Repeat("n", 2*limit)
				huge++
			case 2:
				f.Value = strings.Repeat("w", r.IntN(limit/2))
			case 3:
				f.Value = ""
			case 4:
				f = hpack.HeaderField{Name: ":method", Value: "GET"}
			}
			e.WriteField(f)
		}
		tr.init(limit, table)
		for p := buf.Bytes(); len(p) > 0; {
			n := min(len(p), 1+r.IntN(1<<r.IntN(16)))
			if _, err := trimmed.Write(tr.trim(p[:n])); err != nil {
				t.Fatal(err)
			}
			p = p[n:]
		}
		if err := trimmed.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := whole.Write(buf.Bytes()); err != nil {
			t.Fatal(err)
		}
		whole.Close()
		if tr.cut != (huge > 0) {
			t.Fatalf("cut is %v with %d huge fields", tr.cut, huge)
		}
		long := func(f hpack.HeaderField) bool { return len(f.Name) > table || len(f.Value) > table }
		if tr.cut {
			got, want = slices.DeleteFunc(got, long), slices.DeleteFunc(want, long)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("decoded %v, want %v", got, want)
		}
		got, want = got[:0], want[:0]
	}
}

// A trimmer bears anything, and hands on what has no string that is too long as it is.
func FuzzTrimmer(f *testing.F) {
	f.Add([]byte{0x82, 0x40, 1, 'x', 0x7f, 0xbd, 0x1d}, uint8(3))
	f.Add([]byte{0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1}, uint8(1))
	f.Fuzz(func(t *testing.T, p []byte, size uint8) {
		var tr trimmer
		tr.init(100, 10)
		var out []byte
		for piece := range slices.Chunk(p, int(size)+1) {
			out = append(out, tr.trim(piece)...)
		}
		if !tr.cut && !bytes.HasPrefix(p, out) {
			t.Errorf("%x became %x", p, out)
		}
	})
}
