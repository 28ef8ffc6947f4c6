package watch

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// others are the files below a target's directory, of which only those that are not the program's
// matter: what a person who develops it also edits. They are compared by time and size, because
// nobody loads them.
type others struct {
	seen    map[string]stamp // by path in the tree; nil before the first look
	dirs    []string         // that hold them
	changed map[string]bool  // what is to be told once it has settled
	since   time.Time        // when the last change was seen
}

type stamp struct {
	written time.Time
	size    int64
}

const maxOthers = 20_000 // entries of a tree that are looked at

// lookOthers looks at the other files of t and tells of a change that has settled. It reports
// whether one has not.
func (r *runner) lookOthers(t *target, program []string) bool {
	if t.Others == nil {
		return false
	}
	o := &t.others
	before := o.seen
	o.scan(t.Dir)
	if before == nil {
		return false
	}
	fresh := false
	note := func(name string) {
		if !slices.Contains(program, name) {
			fresh = true
			if o.changed == nil {
				o.changed = map[string]bool{}
			}
			o.changed[name] = true
		}
	}
	for name, now := range o.seen {
		if old, ok := before[name]; !ok || old != now {
			note(name)
		}
	}
	for name := range before {
		if _, ok := o.seen[name]; !ok {
			note(name)
		}
	}
	if fresh {
		o.since = time.Now()
	}
	if len(o.changed) == 0 {
		return false
	}
	var names []string
	for name := range o.changed {
		names = append(names, name)
	}
	slices.Sort(names)
	if settled := time.Since(o.since); settled < Settle || settled < Open && t.written(names) {
		return true
	}
	o.changed = nil
	t.Others(names)
	return false
}

// scan takes down what there is now. A tree that cannot be read has nothing.
func (o *others) scan(dir string) {
	o.seen, o.dirs = make(map[string]stamp, len(o.seen)), o.dirs[:0]
	entries := 0
	_ = fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		entries++
		switch {
		case entries > maxOthers:
			return fs.SkipAll
		case err != nil:
			return nil // it has just gone
		case d.IsDir() && name != "." && foreign(d.Name()):
			return fs.SkipDir
		case d.IsDir():
			o.dirs = append(o.dirs, filepath.Join(dir, filepath.FromSlash(name)))
		case !passing(d.Name()):
			if info, err := d.Info(); err == nil {
				o.seen[name] = stamp{info.ModTime(), info.Size()}
			}
		}
		return nil
	})
}

// foreign reports whether a directory of that name holds nothing that a person edits.
func foreign(name string) bool {
	return name[0] == '.' || name == "node_modules" || name == "__pycache__"
}

// passing reports whether a file of that name comes and goes: those of editors, and what a running
// application writes.
func passing(name string) bool {
	if name[0] == '.' || name[0] == '#' || name == "4913" || strings.Contains(name, "___jb_") {
		return true
	}
	if strings.Contains(name, ".db-") || strings.Contains(name, ".sqlite") {
		return true
	}
	for _, end := range []string{"~", ".swp", ".swx", ".tmp", ".temp", ".bak", ".part", ".log", ".db", ".pid", ".sock", ".lock", "-journal"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}
