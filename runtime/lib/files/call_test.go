package files_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/files"
	"go.starlark.net/starlark"
)

// A call is one that can be cancelled, is told of work outside, and ends.
type call struct {
	host.Call
	ctx   context.Context
	waits int
	works []string
	ends  []func()
}

func (c *call) Step()                    {}
func (c *call) Context() context.Context { return c.ctx }
func (c *call) Observe(w host.Work) {
	c.works = append(c.works, fmt.Sprintf("%s %s %d %s %v", w.Kind, w.Text, w.Count, w.Unit, w.Err != nil))
}
func (c *call) OnEnd(f func()) func() {
	c.ends = append(c.ends, f)
	return func() {}
}
func (c *call) Wait(f func(context.Context) error) error {
	c.waits++
	return f(c.ctx)
}

// method calls a method of a directory in a call.
func method(c *call, d starlark.Value, name string, args ...starlark.Value) (starlark.Value, error) {
	thread := new(host.Thread)
	c.Call = host.CallOf(nil)
	thread.Start(c)
	m, err := d.(starlark.HasAttrs).Attr(name)
	if err != nil {
		return nil, err
	}
	return starlark.Call(&thread.Thread, m, args, nil)
}

func granted(t *testing.T, dir string) starlark.Value {
	t.Helper()
	g := &files.Grant{Dirs: map[string]files.Dir{"d": {Path: dir, Write: true}}}
	d, err := starlark.Call(new(starlark.Thread), values(t, g)["directory"],
		starlark.Tuple{starlark.String("d")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestObserve verifies that what is done is done while the call waits, and told.
func TestObserve(t *testing.T) {
	d := granted(t, t.TempDir())
	text := func(s string) starlark.Value { return starlark.String(s) }
	for _, test := range []struct {
		method string
		args   []starlark.Value
		want   string
	}{
		{"write", []starlark.Value{text("a"), text("abc")}, "files write d/a 3 bytes false"},
		{"append", []starlark.Value{text("a"), text("d")}, "files append d/a 1 bytes false"},
		{"read", []starlark.Value{text("a")}, "files read d/a 4 bytes false"},
		{"read_bytes", []starlark.Value{text("b")}, "files read d/b 0 bytes true"},
		{"list", nil, "files list d/. 1 entries false"},
		{"stat", []starlark.Value{text("a")}, "files stat d/a 0  false"},
		{"open", []starlark.Value{text("a")}, "files open d/a 4 bytes false"},
		{"blocks", []starlark.Value{text("a")}, "files blocks d/a 4 bytes false"},
		{"make", []starlark.Value{text("m")}, "files make d/m 0  false"},
		{"rename", []starlark.Value{text("a"), text("m/a")}, "files rename d/a 1  false"},
		{"remove", []starlark.Value{text("m/a")}, "files remove d/m/a 1  false"},
	} {
		c := &call{ctx: t.Context()}
		_, _ = method(c, d, test.method, test.args...) // its error is in what is told
		if len(c.works) != 1 || c.works[0] != test.want || c.waits == 0 {
			t.Errorf("%s: %q in %d waits, want %q", test.method, c.works, c.waits, test.want)
		}
		for _, f := range c.ends {
			f()
		}
	}
}

// TestCancel ends calls while they work.
func TestCancel(t *testing.T) {
	dir := t.TempDir()
	d := granted(t, dir)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"write", "append"} {
		_, err := method(&call{ctx: over}, d, name, starlark.String(name), starlark.String("x"))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "old"), []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := method(&call{ctx: over}, d, "list"); !errors.Is(err, context.Canceled) {
		t.Errorf("list: got %v", err)
	}
	if _, err := method(&call{ctx: over}, d, "read", starlark.String("old")); !errors.Is(err, context.Canceled) {
		t.Errorf("read: got %v", err)
	}

	// One that is cancelled by the third block leaves what was there.
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	blocks := &host.Iterable{Object: "blocks", Start: func() host.Steps {
		return host.Steps{Next: func() (starlark.Value, bool, error) {
			if n++; n == 3 {
				cancel()
			}
			return starlark.String("new"), true, nil
		}}
	}}
	_, err := method(&call{ctx: ctx}, d, "write", starlark.String("old"), blocks)
	text, _ := os.ReadFile(filepath.Join(dir, "old"))
	if !errors.Is(err, context.Canceled) || string(text) != "old" || n != 3 {
		t.Errorf("%v after %d blocks, and the file has %q", err, n, text)
	}

	// What is open ends with the request.
	c := &call{ctx: t.Context()}
	f, err := method(c, d, "open", starlark.String("old"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := method(c, d, "blocks", starlark.String("old"))
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range c.ends {
		end()
	}
	if _, err := f.(*host.File).Read(make([]byte, 1)); err == nil {
		t.Error("the file is open after the request")
	}
	if v, ok, err := host.Each(b.(starlark.Iterable), nil).Next(); ok || err == nil {
		t.Errorf("blocks gives %v, %v after the request", v, err)
	}
	left(t, dir)
}
