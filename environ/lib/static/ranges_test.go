package static_test

import (
	"fmt"
	"strings"
	"testing"
)

// ranges are Range fields for 0123456789A, the file of net/http's own corpus, and what net/http
// and nginx answer; where the two differ, or are wrong, what RFC 9110 says.
var ranges = []struct {
	field  string
	status int
	want   string // as content has it
}{
	// net/http, ServeFileRangeTests.
	{"bytes=0-4", 206, "bytes 0-4/11 01234"},
	{"bytes=2-", 206, "bytes 2-10/11 23456789A"},
	{"bytes=-5", 206, "bytes 6-10/11 6789A"},
	{"bytes=3-7", 206, "bytes 3-7/11 34567"},
	{"bytes=0-0,-2", 206, "bytes 0-0/11 0|bytes 9-10/11 9A"},
	{"bytes=0-1,5-8", 206, "bytes 0-1/11 01|bytes 5-8/11 5678"},
	{"bytes=0-1,5-", 206, "bytes 0-1/11 01|bytes 5-10/11 56789A"},
	{"bytes=5-1000", 206, "bytes 5-10/11 56789A"},
	{"bytes=0-,1-,2-,3-,4-", 200, whole},
	{"bytes=0-9", 206, "bytes 0-9/11 0123456789"},
	{"bytes=0-10", 206, "bytes 0-10/11 0123456789A"},
	{"bytes=0-11", 206, "bytes 0-10/11 0123456789A"},
	{"bytes=10-11", 206, "bytes 10-10/11 A"},
	{"bytes=10-", 206, "bytes 10-10/11 A"},
	{"bytes=11-", 416, "bytes */11"},
	{"bytes=11-12", 416, "bytes */11"},
	{"bytes=12-12", 416, "bytes */11"},
	{"bytes=11-100", 416, "bytes */11"},
	{"bytes=100-", 416, "bytes */11"},
	{"bytes=100-1000", 416, "bytes */11"},
	// The unit, in whose place nginx wants bytes= in any case and ignores all else.
	{"BYTES=0-4", 206, "bytes 0-4/11 01234"},
	{"Bytes=0-4", 206, "bytes 0-4/11 01234"},
	{"items=0-4", 200, whole},
	{"ITEMS=0-4", 200, whole},
	{"byte=0-4", 200, whole},
	{"bytess=0-4", 200, whole},
	{"none", 200, whole},
	{"bytes", 200, whole},
	{"bytes 0-4", 200, whole},
	{"=0-4", 200, whole},
	{"seconds=1.5-", 200, whole},
	// A suffix of no bytes.
	{"bytes=-0", 416, "bytes */11"},
	{"bytes=-000", 416, "bytes */11"},
	{"bytes=-0,-0", 416, "bytes */11"},
	{"bytes=-0,0-1", 206, "bytes 0-1/11 01"},
	{"bytes=0-1,-0", 206, "bytes 0-1/11 01"},
	{"bytes=-0,11-", 416, "bytes */11"},
	// Numbers of more than 63 bits.
	{"bytes=2-9223372036854775807", 206, "bytes 2-10/11 23456789A"},
	{"bytes=2-9223372036854775808", 206, "bytes 2-10/11 23456789A"},
	{"bytes=2-99999999999999999999999", 206, "bytes 2-10/11 23456789A"},
	{"bytes=99999999999999999999999-", 416, "bytes */11"},
	{"bytes=18446744073709551616-", 416, "bytes */11"},
	{"bytes=99999999999999999998-99999999999999999999", 416, "bytes */11"},
	{"bytes=-99999999999999999999999", 206, "bytes 0-10/11 0123456789A"},
	{"bytes=0000000000000000000000002-3", 206, "bytes 2-3/11 23"},
	// Blanks and empty elements.
	{"bytes= 0-4", 206, "bytes 0-4/11 01234"},
	{"bytes=0-4, ,", 206, "bytes 0-4/11 01234"},
	{"bytes=,0-1 ,\t4-5", 206, "bytes 0-1/11 01|bytes 4-5/11 45"},
	{"bytes=", 200, whole},
	// What is malformed is 416 to nginx and net/http; RFC 9110, section 14.2, lets both be.
	{"bytes=x", 416, ""},
	{"bytes=-", 416, ""},
	{"bytes=--1", 416, ""},
	{"bytes=+1-4", 416, ""},
	{"bytes=1-+4", 416, ""},
	{"bytes=0x1-4", 416, ""},
	{"bytes=1", 416, ""},
	{"bytes=4-1", 416, ""},
	{"bytes=1-2-3", 416, ""},
	{"bytes=0-1,x", 416, ""},
	{"bytes=0-1,bytes=2-3", 416, ""},
	// Too many.
	{"bytes=" + strings.Repeat("0-0,", 200) + "0-0", 200, whole},
}

const whole = "0123456789A"

func TestRanges(t *testing.T) {
	_, address := serve(t, public(map[string]string{"a.txt": whole, "empty.txt": ""}))
	for _, tt := range ranges {
		res, body := ask(t, address, "GET", "/a.txt", "Range: "+tt.field)
		if got := content(t, res, body); res.StatusCode != tt.status || got != tt.want {
			t.Errorf("%s: got %d %q, want %d %q", tt.field, res.StatusCode, got, tt.status, tt.want)
		}
		// Of an empty file there is no range: nginx and net/http send it whole.
		res, body = ask(t, address, "GET", "/empty.txt", "Range: "+tt.field)
		if got := res.Header.Get("Content-Range"); res.StatusCode != 200 || body != "" || got != "" {
			t.Errorf("%s of an empty file: got %d, Content-Range %q", tt.field, res.StatusCode, got)
		}
	}
}

func FuzzRange(f *testing.F) {
	for _, tt := range ranges {
		f.Add(tt.field)
	}
	_, address := serve(f, public(map[string]string{"a.txt": whole}))
	f.Fuzz(func(t *testing.T, field string) {
		if strings.ContainsFunc(field, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Skip()
		}
		res, _ := ask(t, address, "GET", "/a.txt", "Range: "+field)
		var first, last, size int
		at := res.Header.Get("Content-Range")
		if _, err := fmt.Sscanf(at, "bytes %d-%d/%d", &first, &last, &size); err == nil &&
			(first > last || last >= size || size != len(whole)) {
			t.Errorf("%q: Content-Range %q", field, at)
		}
		if res.StatusCode >= 500 {
			t.Errorf("%q: status %d", field, res.StatusCode)
		}
	})
}
