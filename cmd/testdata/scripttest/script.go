package scripttest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// A Script is a file of testdata/script.
type Script struct {
	Name string // of the file, without its extension
	// Comment is what it opens with, without the marks, in one line.
	Comment string
	// Lines are its lines up to the first file, as they stand. Their first has the number 1.
	Lines []string
	path  string
}

// Scripts returns the scripts of the package. One that does not open with a sentence fails the
// test.
func Scripts(t testing.TB) []Script {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var scripts []Script
	for _, path := range paths {
		s := read(t, path)
		if !strings.HasSuffix(s.Comment, ".") {
			t.Errorf("%s:1: the script does not open with a sentence: # Something holds.", path)
		}
		scripts = append(scripts, s)
	}
	return scripts
}

func read(t testing.TB, path string) Script {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := Script{Name: strings.TrimSuffix(filepath.Base(path), ".txtar"), path: path}
	s.Lines = strings.Split(strings.TrimSuffix(string(archive.Comment), "\n"), "\n")
	var comment []string
	for _, line := range s.Lines {
		text, ok := strings.CutPrefix(line, "# ")
		if !ok {
			break
		}
		comment = append(comment, text)
	}
	s.Comment = strings.Join(comment, " ")
	return s
}
