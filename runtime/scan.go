package runtime

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A Scan is what the files of a program were when [Live.Scan] read them. It is for who follows
// files by other means than package watch, and wants to be sure not to load one that is half
// written: to scan until two scans are the same, and load the last. It is immutable.
type Scan struct {
	live    *Live
	files   []string
	hashes  [][sha256.Size]byte // of the files
	content [sha256.Size]byte   // of all of them
	written [sha256.Size]byte   // when, and how large they were
	// root tells the directory of a tree from another that has taken its name. Nil for other trees.
	root fs.FileInfo
}

// Scan reads the files that the program would be made of now. It compiles what is new, to find the
// files that it loads, and runs nothing.
func (l *Live) Scan() *Scan {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.scan()
}

// scan is Scan; the lock is held.
func (l *Live) scan() *Scan {
	s := &Scan{live: l, content: digest(nil)}
	name, _, err := splitEntry(l.entry)
	if err != nil {
		return s // as load, which looks at no file either
	}
	fsys, done, err := l.loader.snapshot()
	if err != nil {
		return s
	}
	defer done()
	g := l.loader.newGraph(fsys, name)
	g.survey()
	s.content = digest(g.files)
	written := sha256.New()
	for _, f := range g.files {
		s.files, s.hashes = append(s.files, f.name), append(s.hashes, f.hash)
		if info, err := host.Stat(fsys, f.name); err == nil {
			fmt.Fprintln(written, f.name, info.ModTime().UnixNano(), info.Size())
		}
	}
	s.written = [sha256.Size]byte(written.Sum(nil))
	if _, ok := l.loader.config.FS.(dir); ok {
		s.root, _ = fs.Stat(fsys, ".") // without it, as for other trees, the content decides
	}
	return s
}

func digest(files []file) [sha256.Size]byte {
	h := sha256.New()
	for _, f := range files {
		h.Write([]byte(f.name))
		h.Write(f.hash[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Files returns the files that were read, as paths in the tree, those that are missing among them.
// They are not to be changed.
func (s *Scan) Files() []string { return s.files }

// Has reports whether the file is one that could be read.
func (s *Scan) Has(file string) bool {
	i := slices.Index(s.files, file)
	return i >= 0 && s.hashes[i] != [sha256.Size]byte{}
}

// Equal reports whether the files had the same content, and were in the same directory. Nothing is
// equal to nil.
func (s *Scan) Equal(o *Scan) bool {
	if s == nil || o == nil || s.content != o.content || (s.root == nil) != (o.root == nil) {
		return false
	}
	return s.root == nil || os.SameFile(s.root, o.root)
}

// Settled reports whether the files are as they were at an earlier scan, and none was written
// between the two with the content that it had.
func (s *Scan) Settled(earlier *Scan) bool {
	return s.Equal(earlier) && s.written == earlier.written
}

// Changed returns the files that were not there at an earlier scan, those that had another content,
// and those that are there no more.
func (s *Scan) Changed(earlier *Scan) []string {
	var names []string
	for i, name := range s.files {
		if j := slices.Index(earlier.files, name); j < 0 || s.hashes[i] != earlier.hashes[j] {
			names = append(names, name)
		}
	}
	for _, name := range earlier.files {
		if !slices.Contains(s.files, name) {
			names = append(names, name)
		}
	}
	return names
}

// Loaded reports whether this is what was loaded last, well or not.
func (s *Scan) Loaded() bool {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	return s.Equal(s.live.last)
}

// Load is [Live.Reload] for exactly what was scanned: if the files are not like that any more, it
// publishes nothing and returns [ErrChanging]. A caller that saw the content settle is thus sure
// not to load a file that is half written.
func (s *Scan) Load() error {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	return s.live.load(s)
}
