package watch

import (
	"os"
	"path/filepath"
	"testing"
)

// TestOwnOutput has the process write its log into the tree, as nohup has it.
func TestOwnOutput(t *testing.T) {
	dir := t.TempDir()
	out, err := os.Create(filepath.Join(dir, "nohup.out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := os.WriteFile(filepath.Join(dir, "site.css"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var o others
	o.scan(dir)
	if len(o.seen) != 2 {
		t.Errorf("it sees %v", o.seen)
	}
	defer func(f *os.File) { os.Stderr = f }(os.Stderr)
	os.Stderr = out
	o.scan(dir)
	if _, ok := o.seen["site.css"]; !ok || len(o.seen) != 1 {
		t.Errorf("it sees %v with nohup.out as standard error", o.seen)
	}
}
