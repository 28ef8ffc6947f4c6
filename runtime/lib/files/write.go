package files

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func writeMembers() []host.Member {
	content := host.Param{
		Name: "content", Type: "any",
		Doc: "a string, bytes, an open file or an upload from where its reading stands, or an " +
			"iterable of blocks",
	}
	parents := flag("parents", "whether to make directories on the way that are not there", false)
	failures := []host.Failure{
		{When: "the directory is granted to be read only (kind read_only)"},
		{When: "it would be larger than the grant lets a file be (kind size); uncaught, the " +
			"client gets 413"},
		{When: "the directory would be larger than the grant lets it be (kind quota), or there " +
			"is no room left (kind full); uncaught, the client gets 507"},
		{When: "the directory that it is to stand in is not there (kind not_found)"},
		{When: "it is no path in the directory, or has a name that begins with .larkspur, which is " +
			"reserved (kind outside or name); uncaught, the client that named it so gets 400"},
		{When: "a directory has the name (kind is_directory)"},
	}
	return []host.Member{
		{
			Name: "write",
			Doc: "Writes a file as a whole: whoever reads it meanwhile sees what it was before, or " +
				"all that it is now, and so it is after a failure or a crash. A symlink is replaced, " +
				"not followed. It has no limit but that of the grant.",
			Params: []host.Param{
				pathParam("of the file"), content,
				flag("exist_ok", "whether a file of that name is replaced; else it is an error", true),
				parents,
			},
			Result: "how many bytes were written",
			Errors: append([]host.Failure{
				{When: "it is there, and exist_ok is False (kind exists)"},
			}, failures...),
			Example: `files.write("b.txt", ["one", b"two"])  # 6
files.write("b.txt", "", exist_ok = False)  # ` +
				`error: "b.txt" of the directory "notes" is there already`,
			Fn: (*Directory).write,
		},
		{
			Name: "append",
			Doc: "Writes at the end of a file, which is made if it is not there. A failure may leave " +
				"some of it written.",
			Params: []host.Param{pathParam("of the file"), content, parents},
			Result: "how many bytes were written", Errors: failures,
			Example: "files.append(\"a.txt\", \", world\")\nfiles.read(\"a.txt\")  # \"hello, world\"",
			Fn:      (*Directory).append,
		},
	}
}

// A sink takes what is written. Its methods are called while the call waits.
type sink interface {
	begin(ctx context.Context) error
	take(ctx context.Context, p string) error
	end(ctx context.Context) error
	abandon() // what began and did not end
}

// pour writes the content of a value to a sink.
func (s *store) pour(
	t *starlark.Thread, op, name string, v starlark.Value, to sink,
) (n int64, err error) {
	next, done, err := contentOf(t, v)
	if err != nil {
		return 0, err
	}
	defer done()
	began := time.Now()
	wait := host.CallOf(t).Wait
	defer to.abandon()
	err = wait(to.begin)
	for err == nil {
		p, ok, failed := next()
		if failed != nil {
			return n, failed // the script's own, or the client's
		}
		if !ok {
			err = wait(to.end)
			break
		}
		err = wait(func(ctx context.Context) error {
			for p != "" {
				some := p[:min(piece, len(p))]
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := to.take(ctx, some); err != nil {
					return err
				}
				n, p = n+int64(len(some)), p[len(some):]
			}
			return nil
		})
	}
	err = s.fault(name, err)
	s.observe(t, op, name, began, n, "bytes", err)
	return n, err
}

// write is write(path, content, exist_ok, parents).
func (d *Directory) write(
	t *starlark.Thread, name string, v starlark.Value, existOK, parents bool,
) (int64, error) {
	w, err := d.writing(name, parents)
	if err != nil {
		return 0, err
	}
	return d.pour(t, "write", name, v, &whole{writing: *w, existOK: existOK})
}

// A writing is a file that is being written.
type writing struct {
	store   *store
	path    string // as the script has it
	parents bool

	dir      *os.Root // in which it stands; nil before it has begun
	base     string   // its name in there
	file     *os.File
	size     int64 // of it
	reserved reservation
}

func (s *store) writing(name string, parents bool) (*writing, error) {
	if err := s.writable(); err != nil {
		return nil, err
	}
	if _, err := localFile(name); err != nil {
		return nil, err
	}
	return &writing{store: s, path: name, parents: parents}, nil
}

// enter opens the directory of the file. Whatever becomes of the way to it, the file is written
// there.
func (w *writing) enter(ctx context.Context) error {
	r, err := w.store.open(true)
	if err != nil {
		return err
	}
	defer r.Close()
	dir := filepath.Dir(filepath.FromSlash(w.path))
	w.base = filepath.Base(filepath.FromSlash(w.path))
	if w.parents && dir != "." {
		if err := makeAll(r, dir); err != nil {
			return err
		}
	}
	if err := w.store.usage.know(ctx, w.store, r); err != nil {
		return err
	}
	w.dir, err = enterDir(r, dir)
	return err
}

// before returns what has the name now, nil if nothing has.
func (w *writing) before() (fs.FileInfo, error) {
	info, err := w.dir.Lstat(w.base)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.Mode().Type() == fs.ModeSymlink:
		return info, nil
	}
	return info, regular(info)
}

func (w *writing) take(ctx context.Context, p string) error {
	if most := w.store.File; most > 0 && w.size+int64(len(p)) > most {
		f := w.store.failed("size", w.path, nil,
			"would have more than %d bytes, which a file of it may have", most)
		f.status = http.StatusRequestEntityTooLarge
		return f
	}
	if err := w.store.usage.reserve(ctx, w, int64(len(p)), 0); err != nil {
		return err
	}
	n, err := w.file.WriteString(p)
	w.size += int64(n)
	return err
}

func (w *writing) close() {
	if w.file != nil {
		w.file.Close()
	}
	if w.dir != nil {
		w.dir.Close()
	}
	w.store.usage.release(w)
}

// A whole file is written beside its place, and then put there.
type whole struct {
	writing
	existOK bool
	temp    string // "" if there is none
}

// suffix ends the names of files that are being written.
const suffix = ".tmp"

func (w *whole) begin(ctx context.Context) error {
	if err := w.enter(ctx); err != nil {
		return err
	}
	there, err := w.before()
	if err != nil {
		return err
	}
	if there != nil && !w.existOK {
		return fs.ErrExist
	}
	if there == nil || !there.Mode().IsRegular() {
		if err := w.store.usage.reserve(ctx, &w.writing, 0, 1); err != nil {
			return err
		}
	}
	w.store.swept.sweep(ctx, w.dir, filepath.Dir(w.path))
	temp := reserved + "-" + strings.ToLower(rand.Text()) + suffix
	w.file, err = w.dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err == nil {
		w.temp = temp
	}
	return err
}

func (w *whole) end(context.Context) error {
	if err := w.file.Sync(); err != nil {
		return err
	}
	if err := w.file.Close(); err != nil {
		return err
	}
	err := w.store.usage.settle(&w.writing, func() (bytes int64, files int, err error) {
		if !w.existOK {
			// Unlike a rename, a link takes nothing away.
			return w.size, 1, w.dir.Link(w.temp, w.base)
		}
		there, err := w.before()
		if err != nil {
			return 0, 0, err
		}
		if bytes, files = w.size, 1; there != nil && there.Mode().IsRegular() {
			bytes, files = bytes-there.Size(), 0
		}
		if err = w.dir.Rename(w.temp, w.base); err == nil {
			w.temp = ""
		}
		return bytes, files, err
	})
	if err != nil {
		return err
	}
	return syncDir(w.dir)
}

func (w *whole) abandon() {
	if w.temp != "" {
		_ = w.dir.Remove(w.temp) // what is left is hidden, and swept one day
	}
	w.close()
}

// syncDir has a name that is new in a directory last.
func syncDir(r *os.Root) error {
	dir, err := openDir(r, ".")
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) &&
		!errors.Is(err, fs.ErrInvalid) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}
