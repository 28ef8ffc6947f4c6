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
	seen    map[string]stamp     // by path in the tree; nil before the first look
	dirs    []string             // that hold them
	changed map[string]time.Time // what is to be told once it has settled, by when it changed last
}

type stamp struct {
	written time.Time
	size    int64
}

const maxOthers = 20_000 // entries of a tree that are looked at

// lookOthers looks at the other files of t and tells of the changes that have settled. It reports
// whether one has not, and soon will.
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
	o.note(before, program)
	names, soon := t.settled()
	if len(names) > 0 {
		for _, name := range names {
			delete(o.changed, name)
		}
		t.Others(names)
	}
	return soon
}

// note takes down what is not as it was before.
func (o *others) note(before map[string]stamp, program []string) {
	change := func(name string) {
		if slices.Contains(program, name) {
			return
		}
		if o.changed == nil {
			o.changed = map[string]time.Time{}
		}
		o.changed[name] = time.Now()
	}
	for name, now := range o.seen {
		if old, ok := before[name]; !ok || old != now {
			change(name)
		}
	}
	for name := range before {
		if _, ok := o.seen[name]; !ok {
			change(name)
		}
	}
}

// settled returns the files whose change has settled, in order, and whether others soon will. Each
// settles by itself: one that is written all the time keeps no other back. One that somebody has
// open to write is looked at again when something happens, or at the next poll.
func (t *target) settled() (names []string, soon bool) {
	for name, at := range t.others.changed {
		switch since := time.Since(at); {
		case since < Settle:
			soon = true
		case t.written([]string{name}):
			soon = soon || since < Open
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, soon
}

// scan takes down what there is now. A tree that cannot be read has nothing.
func (o *others) scan(dir string) {
	o.seen, o.dirs = make(map[string]stamp, len(o.seen)), o.dirs[:0]
	entries, own := 0, outputs()
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
			if info, err := d.Info(); err == nil && !slices.ContainsFunc(own, is(info)) {
				o.seen[name] = stamp{info.ModTime(), info.Size()}
			}
		}
		return nil
	})
}

// outputs are what this process writes its log to: a page that is asked for again for a line of the
// log would be another line.
func outputs() (files []fs.FileInfo) {
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		if info, err := f.Stat(); err == nil {
			files = append(files, info)
		}
	}
	return files
}

func is(file fs.FileInfo) func(fs.FileInfo) bool {
	return func(other fs.FileInfo) bool { return os.SameFile(file, other) }
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
	return slices.ContainsFunc([]string{
		"~", ".swp", ".swx", ".tmp", ".temp", ".bak", ".part", ".log", ".db", ".pid", ".sock", ".lock",
		"-journal",
	}, func(end string) bool { return strings.HasSuffix(name, end) })
}
