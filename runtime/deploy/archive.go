package deploy

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// MaxArchive is how many bytes an archive has at most.
const MaxArchive = 64 << 20

// maxEntries is how many entries an archive has at most: files, directories, and those of archives in it that
// are not compressed, for they are counted by what begins each in the list of all: APPNOTE.TXT, section 4.3.12.
const maxEntries = 8 * MaxFiles

var entryMark = []byte("PK\x01\x02")

// Pack reads all files of a tree, but those whose path has a name that begins with a dot. A symbolic
// link is the file that it leads to, which has to be in the tree.
func Pack(fsys fs.FS) (*Tree, error) {
	t := new(Tree)
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case hidden(name) && d.IsDir():
			return fs.SkipDir
		case hidden(name), d.IsDir():
			return nil
		}
		if err := t.admit(name); err != nil {
			return err
		}
		info, err := host.Stat(fsys, name) // what a link leads to
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%q is no file, and leads to none", host.Cut(name))
		}
		f, err := fsys.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		return t.read(name, f)
	})
	if err == nil {
		err = t.seal()
	}
	if err != nil {
		return nil, fmt.Errorf("deploy: %w", err)
	}
	return t, nil
}

// Unpack reads a .zip, which may come from anybody: what it says of sizes is not believed. If all of its
// files are below one directory, as those of a release often are, that is the root. Names that begin
// with a dot are left out, as by [Pack].
func Unpack(data []byte) (*Tree, error) {
	t, err := unpack(data)
	if err != nil {
		return nil, fmt.Errorf("deploy: %w", err)
	}
	return t, nil
}

func unpack(data []byte) (*Tree, error) {
	switch {
	case len(data) > MaxArchive:
		return nil, fmt.Errorf("the archive has more than %d MiB", MaxArchive>>20)
	case bytes.Count(data, entryMark) > maxEntries: // before there is a value for each
		return nil, fmt.Errorf("the archive has more than %d entries", maxEntries)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	root := rootOf(z)
	t := new(Tree)
	for _, f := range z.File {
		name, ok := strings.CutPrefix(f.Name, root)
		if strings.HasSuffix(name, "/") && f.Mode().IsDir() || !ok || name == "" || fs.ValidPath(name) && hidden(name) {
			continue
		}
		if err := t.admit(name); err != nil {
			return nil, err
		}
		if !f.Mode().IsRegular() {
			return nil, fmt.Errorf("%q is a symbolic link or a device, which an archive is not to have", host.Cut(name))
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", host.Cut(name), err)
		}
		err = t.read(name, r)
		r.Close()
		if err != nil {
			return nil, err
		}
	}
	return t, t.seal()
}

// rootOf is the directory that all files are below, with a slash, if app.star is there and not above.
func rootOf(z *zip.Reader) string {
	root := ""
	for i, f := range z.File {
		first, _, below := strings.Cut(f.Name, "/")
		if f.Name == "app.star" || !below || i > 0 && first+"/" != root {
			return ""
		}
		root = first + "/"
	}
	return root
}

// pack writes the tree as an archive, the same for the same files.
func (t *Tree) pack() ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range t.names() {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err == nil {
			_, err = w.Write(t.files[name])
		}
		if err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if b.Len() > MaxArchive {
		return nil, fmt.Errorf("the archive has more than %d MiB", MaxArchive>>20)
	}
	return b.Bytes(), nil
}

// ReadZip reads a file that [Unpack] understands.
func ReadZip(file string) (*Tree, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxArchive+1))
	if err != nil {
		return nil, err
	}
	t, err := unpack(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return t, nil
}
