package cover_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/cover"
	"go.starlark.net/starlark"
)

// source has, before each line, how often it must have run when run() was called; - is a line that
// nothing can run on.
const source = `
-"""A doc string is no statement."""
-
-load("@json", "json")
-
1X = 1
-
1def run():
-    """Nor is this one."""
1    total = 0
1    for n in range(4):
4        if n == 0:
1            continue
3        elif n == 1:
1            total += 1
-        else:
2            pair = (
2                n,
2                n,
2            )
1    while total < 3:
2        total += 1
1    if total > 3:
0        fail("never")
1    if total == 3: total = 4
1    if total == 5: total = 6
1    helper(lambda: 1)
1    return total
-
1def helper(
1        fn):
1    def inner():
1        fn()
1        return
1    inner()
-    pass
-
1def never():
0    return [
0        X,
0    ]
`

// TestLines holds the count of each line, also of those whose instructions have no position (X = 1,
// return), and that errors are where they were.
func TestLines(t *testing.T) {
	var script, want strings.Builder
	for _, line := range strings.Split(strings.TrimSpace(source), "\n") {
		want.WriteString(line[:1] + "\n")
		script.WriteString(line[1:] + "\n")
	}
	profile := new(cover.Profile)
	p := load(t, profile, script.String())
	call(t, p, p.Globals()["run"])
	files := profile.Files(func(string) bool { return true })
	if len(files) != 1 || files[0].Name != "a.star" {
		t.Fatalf("files %v", files)
	}
	var got strings.Builder
	for _, l := range files[0].Lines {
		count := "-"
		if l.Statements > 0 {
			count = fmt.Sprint(l.Count)
		}
		got.WriteString(count + "\n")
	}
	if got.String() != want.String() {
		t.Errorf("the lines ran\n%s\nwant\n%s", got.String(), want.String())
	}
	if f := files[0]; f.Statements != 26 || f.Ran != 23 {
		t.Errorf("%d of %d statements ran, want 23 of 26", f.Ran, f.Statements)
	}
	if line := files[0].Lines[24]; line.Class() != "part" {
		t.Errorf("%q is %q, want part", line.Text, line.Class())
	}
}

// load loads a script that the profile counts.
func load(t testing.TB, profile *cover.Profile, script string) *runtime.Program {
	t.Helper()
	p, err := runtime.LoadFile(attached(profile, script), "a.star")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// attached returns a config of the script a.star.
func attached(profile *cover.Profile, script string) *runtime.Config {
	c := &runtime.Config{FS: fstest.MapFS{"a.star": {Data: []byte(script)}}}
	profile.Attach(c)
	return c
}

func call(t *testing.T, p *runtime.Program, fn starlark.Value) {
	t.Helper()
	err := p.Call(context.Background(), func(_ context.Context, thread *starlark.Thread, _ starlark.Callable) error {
		_, err := starlark.Call(thread, fn, nil, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestErrorsStay verifies that what a program says of its faults is the same when it is counted.
func TestErrorsStay(t *testing.T) {
	for _, script := range []string{
		"x = 1\nx = 2\n",
		"def f():\n    return 1 // 0\nf()\n",
		"for x in 3:\n    pass\n",
		"x = (1 +\n",
		"return 1\n",
		"def f():\n    load(\"a\", \"b\")\n",
		"break\n",
		"load(\"@json\", \"nothing\")\n",
	} {
		say := func(p *cover.Profile) string {
			_, err := runtime.LoadFile(attached(p, script), "a.star")
			if err == nil {
				t.Errorf("%q loads", script)
				return ""
			}
			return err.Error()
		}
		if bare, counted := say(nil), say(new(cover.Profile)); bare != counted {
			t.Errorf("%q:\nbare    %s\ncounted %s", script, bare, counted)
		}
	}
}

// TestAsWritten verifies that who looks at a file that is counted sees what is written.
func TestAsWritten(t *testing.T) {
	files, found := runtime.Parse(attached(new(cover.Profile), "x = 1\ny = x\n"), "a.star")
	if len(found) > 0 {
		t.Fatal(found)
	}
	if n := len(files[0].Syntax.Stmts); n != 2 {
		t.Errorf("the tree has %d statements, want 2", n)
	}
}

// TestSharedFile verifies that a file which several programs load is counted as one, and that one that
// nothing loads can be added.
func TestSharedFile(t *testing.T) {
	profile := new(cover.Profile)
	files := fstest.MapFS{
		"a.star":   {Data: []byte("load(\"lib.star\", \"f\")\nf()\n")},
		"b.star":   {Data: []byte("load(\"lib.star\", \"f\")\nf()\n")},
		"lib.star": {Data: []byte("def f():\n    return 1\n")},
	}
	config := &runtime.Config{FS: files}
	profile.Attach(config)
	for _, name := range []string{"a.star", "b.star"} {
		if _, err := runtime.LoadFile(config, name); err != nil {
			t.Fatal(err)
		}
	}
	profile.Add("lib.star", files["lib.star"].Data) // known already
	profile.Add("never.star", []byte("\ufeffx = 1\ny = 2\n"))
	profile.Add("broken.star", []byte("x = = 1\n"))
	var got []string
	for _, f := range profile.Files(func(name string) bool { return name != "a.star" }) {
		got = append(got, fmt.Sprintf("%s %d/%d %.1f %d", f.Name, f.Ran, f.Statements, f.Percent(), f.Lines[len(f.Lines)-1].Count))
	}
	want := "b.star 1/1 100.0 1; lib.star 2/2 100.0 2; never.star 0/2 0.0 0"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

// BenchmarkCall measures what counting costs a call, against a call that is not counted.
func BenchmarkCall(b *testing.B) {
	const script = "def run():\n    total = 0\n    for n in range(100):\n        total += n\n    return total\n"
	for name, profile := range map[string]*cover.Profile{"bare": nil, "counted": new(cover.Profile)} {
		b.Run(name, func(b *testing.B) {
			p := load(b, profile, script)
			run := p.Globals()["run"]
			b.ReportAllocs()
			for b.Loop() {
				err := p.Call(context.Background(), func(_ context.Context, t *starlark.Thread, _ starlark.Callable) error {
					_, err := starlark.Call(t, run, nil, nil)
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
