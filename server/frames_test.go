package server_test

import (
	"bytes"
	"testing"

	"github.com/larkspur-web/larkspur/server"
)

// TestFrames ends a WebSocket after each number of bytes: the frame that is on its way is whole, and then
// comes a Close frame and nothing more, however the bytes come.
func TestFrames(t *testing.T) {
	var stream []byte
	ends := map[int]bool{0: true}
	for _, frame := range [][]byte{
		{0x81, 2, 'h', 'i'}, {0x89, 0}, {0x82, 0x83, 1, 2, 3, 4, 'a', 'b', 'c'},
		append([]byte{0x01, 126, 0, 200}, make([]byte, 200)...),
		append([]byte{0x80, 0xff, 0, 0, 0, 0, 0, 0, 0, 3, 9, 9, 9, 9}, "end"...),
	} {
		stream = append(stream, frame...)
		ends[len(stream)] = true
	}
	for _, step := range []int{1, 3, len(stream)} {
		for at := range len(stream) + 1 {
			var got bytes.Buffer
			w, end := server.NewFrames(&got, false)
			for i := 0; i < len(stream); i += step {
				p := stream[i:min(i+step, len(stream))]
				if at >= i && at < i+len(p) {
					_, _ = w.Write(p[:at-i])
					end()
					p = p[at-i:]
				}
				if n, err := w.Write(p); n != len(p) || err != nil {
					t.Fatal(n, err)
				}
			}
			end() // once more, or at last
			want := at
			for !ends[want] {
				want++
			}
			if whole := string(stream[:want]) + "\x88\x02\x03\xe9"; got.String() != whole {
				t.Fatalf("ended after %d bytes, written %d at a time, it is\n%x, not\n%x", at, step, got.String(), whole)
			}
		}
	}
	var masked bytes.Buffer
	_, end := server.NewFrames(&masked, true)
	end()
	if p := masked.Bytes(); len(p) != 8 || p[0] != 0x88 || p[1] != 0x82 || p[2]^p[6] != 3 || p[3]^p[7] != 0xe9 {
		t.Errorf("to a server it is %x", p)
	}
}
