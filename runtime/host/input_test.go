package host_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// TestRead reads the files of inputs, and tells of them.
func TestRead(t *testing.T) {
	tree := fstest.MapFS{
		"pages/b.html": {Data: []byte("b")}, "pages/a/c.html": {Data: []byte("c")}, "pages/a.html": {},
		"pages/a.txt": {}, "pages/.d.html": {}, "pages/.git/e.html": {}, "f.html": {}, "pages/dir.html": {Mode: fs.ModeDir},
		"large/a": {Data: make([]byte, 4<<20+1)},
	}
	for i := range 17 {
		tree[fmt.Sprintf("many/%d", i)] = &fstest.MapFile{Data: make([]byte, 4<<20)}
	}
	for _, test := range []struct {
		in          host.Input
		want, fails string
	}{
		{host.Input{Dir: "pages", Ext: ".html"}, "pages/a.html= pages/a/c.html=c pages/b.html=b", ""},
		{host.Input{Dir: "pages/a"}, "pages/a/c.html=c", ""},
		{host.Input{Dir: ".", Ext: ".txt"}, "pages/a.txt=", ""},
		{host.Input{Dir: "none"}, "", "file does not exist"},
		{host.Input{Dir: "large"}, "", "large/a has more than 4194304 bytes"},
		{host.Input{Dir: "many"}, "", "the files of many have more than 67108864 bytes"},
	} {
		told := 0
		l := &host.Load{Tree: tree, Reads: func(in host.Input, _ []host.Text) {
			if told++; in != test.in {
				t.Errorf("told of %v, want %v", in, test.in)
			}
		}}
		texts, err := l.Read(test.in)
		if told != 1 || test.fails == "" && err != nil || test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)) {
			t.Errorf("%v: told %d times, %v, want %q", test.in, told, err, test.fails)
		}
		var got []string
		for _, text := range texts {
			got = append(got, text.Name+"="+string(text.Content))
		}
		if err == nil && strings.Join(got, " ") != test.want {
			t.Errorf("%v: %v, want %s", test.in, got, test.want)
		}
	}
	if _, err := new(host.Load).Read(host.Input{Dir: "."}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no tree: %v", err)
	}
}
