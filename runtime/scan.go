package runtime

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A Scan is what the files of a program were when [Live.Scan] read them. It is for who follows
// files by other means than package watch, and wants to be sure not to load one that is half
// written: to scan until two scans are the same, and load the last. It is immutable.
type Scan struct {
	live    *Live
	files   []string
	hashes  []digest              // of the files
	content digest                // of all scripts
	read    map[host.Input]digest // of what the modules of the last attempt to load have read
	written digest                // when, and how large the files were
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
	s := &Scan{live: l, content: digestFiles(nil), read: make(map[host.Input]digest)}
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
	s.content = digestFiles(g.files)
	written := sha256.New()
	for _, f := range slices.Concat(g.files, s.inputs(fsys)) {
		s.files, s.hashes = append(s.files, f.name), append(s.hashes, f.hash)
		if info, err := host.Stat(fsys, f.name); err == nil {
			fmt.Fprintln(written, f.name, info.ModTime().UnixNano(), info.Size())
		}
	}
	s.written = digest(written.Sum(nil))
	if _, ok := l.loader.config.FS.(dir); ok {
		s.root, _ = fs.Stat(fsys, ".") // without it, as for other trees, the content decides
	}
	return s
}

// inputs reads what the modules have read when the program was loaded last, and returns the files.
// A directory is one of them that has no content: so it is followed though it be empty.
func (s *Scan) inputs(fsys fs.FS) (files []file) {
	for in := range s.live.inputs {
		texts, _ := in.Read(fsys) // what cannot be read is not there
		s.read[in] = digestTexts(texts)
		if len(texts) != 1 || texts[0].Name != in.Dir { // which is a file
			files = append(files, file{name: in.Dir})
		}
		for _, t := range texts {
			files = append(files, file{t.Name, sha256.Sum256(t.Content)})
			if dir := path.Dir(t.Name); dir != in.Dir {
				files = append(files, file{name: dir})
			}
		}
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return slices.CompactFunc(files, func(a, b file) bool { return a.name == b.name })
}

// A digest is that of the content of files.
type digest [sha256.Size]byte

func digestFiles(files []file) digest {
	h := sha256.New()
	for _, f := range files {
		h.Write([]byte(f.name))
		h.Write(f.hash[:])
	}
	return digest(h.Sum(nil))
}

func digestTexts(texts []host.Text) digest {
	h := sha256.New()
	for _, t := range texts {
		fmt.Fprintf(h, "%q %d\n", t.Name, len(t.Content))
		h.Write(t.Content)
	}
	return digest(h.Sum(nil))
}

// Files returns the files that were read, as paths in the tree, those that are missing among them.
// They are not to be changed.
func (s *Scan) Files() []string { return s.files }

// Has reports whether the file is one that could be read.
func (s *Scan) Has(file string) bool {
	i := slices.Index(s.files, file)
	return i >= 0 && s.hashes[i] != digest{}
}

// Equal reports whether the files had the same content, and were in the same directory. Nothing is
// equal to nil.
func (s *Scan) Equal(o *Scan) bool {
	if s == nil || o == nil || s.content != o.content || (s.root == nil) != (o.root == nil) {
		return false
	}
	if !maps.Equal(s.read, o.read) {
		return false
	}
	return s.root == nil || os.SameFile(s.root, o.root)
}

// loaded returns the scan of a program whose modules have read that when it was loaded. It reports
// false if the scan read otherwise.
func (s *Scan) loaded(read map[host.Input]digest) (*Scan, bool) {
	for in, now := range read {
		if was, ok := s.read[in]; ok && was != now {
			return nil, false
		}
	}
	loaded := *s
	loaded.read = read
	return &loaded, true
}

// id is the same for what is Equal, but for the directory.
func (s *Scan) id() string {
	var read []string
	for in, d := range s.read {
		read = append(read, fmt.Sprintf("%+v %x\n", in, d))
	}
	slices.Sort(read)
	h := sha256.New()
	h.Write(s.content[:])
	h.Write([]byte(strings.Join(read, "")))
	return fmt.Sprintf("%x", h.Sum(nil))
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
