package format_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/format"
	"go.starlark.net/syntax"
	"golang.org/x/tools/txtar"
)

// TestFiles formats the file in of each archive and compares it with want, which is its own format.
func TestFiles(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			in, want := archive.Files[0].Data, string(archive.Files[1].Data)
			for _, src := range [][]byte{in, []byte(want), []byte(strings.ReplaceAll(string(in), "\n", "\r\n"))} {
				got, err := format.Source("in.star", src)
				if err != nil {
					t.Fatal(err)
				}
				if string(got) != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			}
		})
	}
}

// TestApps formats the applications of this repository, which stay as they are.
func TestApps(t *testing.T) {
	scripts, err := filepath.Glob("../../apps/*.star")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, pattern := range []string{"../../apps/*/*.star", "../../apps/*/*/*.star"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		scripts = append(scripts, more...)
	}
	for _, script := range scripts {
		src, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		got, err := format.Source(script, src)
		if err != nil || string(got) != string(src) {
			t.Errorf("%s is not formatted (larkspur fmt -w apps): %v", script, err)
		}
	}
}

func TestErrors(t *testing.T) {
	_, err := format.Source("a.star", []byte("x = (1\n"))
	var parse syntax.Error
	if !errors.As(err, &parse) || parse.Pos.Filename() != "a.star" {
		t.Errorf("an open bracket: %v, want a syntax error in a.star", err)
	}
	if got, err := format.Source("a.star", nil); err != nil || len(got) > 0 {
		t.Errorf("an empty file: %q, %v", got, err)
	}
	if _, err := format.Source("a.star", make([]byte, 2<<20)); err == nil {
		t.Error("two megabytes were not refused")
	}
}

// FuzzSource looks for source that formatting would change, and for formats that are not final.
func FuzzSource(f *testing.F) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(file.Data)
			for part := range strings.SplitSeq(string(file.Data), "\n\n") {
				f.Add([]byte(part))
			}
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		once, err := format.Source("f.star", src)
		if errors.Is(err, format.ErrChanged) {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		twice, err := format.Source("f.star", once)
		if err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		if string(twice) != string(once) {
			t.Fatalf("formatted once\n%s\ntwice\n%s", once, twice)
		}
	})
}
