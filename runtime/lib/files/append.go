package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"go.starlark.net/starlark"
)

// append is append(path, content, parents).
func (d *Directory) append(
	t *starlark.Thread, name string, v starlark.Value, parents bool,
) (int64, error) {
	w, err := d.writing(name, parents)
	if err != nil {
		return 0, err
	}
	return d.pour(t, "append", name, v, &appended{writing: *w})
}

// An appended file is written at its end.
type appended struct {
	writing
	made bool
}

func (a *appended) begin(ctx context.Context) error {
	if err := a.enter(ctx); err != nil {
		return err
	}
	// It may be behind a symlink, which leads anywhere in the directory that is granted.
	r, err := a.store.open(true)
	if err != nil {
		return err
	}
	defer r.Close()
	system := filepath.FromSlash(a.path)
	info, err := r.Stat(system)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		a.made = true
		err = a.store.usage.reserve(ctx, &a.writing, 0, 1)
	case err == nil:
		err = regular(info)
	}
	if err != nil {
		return err
	}
	a.file, err = r.OpenFile(system, os.O_WRONLY|os.O_APPEND|os.O_CREATE|nonblocking, 0o666)
	if err != nil {
		return err
	}
	if info, err = a.file.Stat(); err == nil {
		err = regular(info)
	}
	if err == nil {
		a.size = info.Size()
	}
	return err
}

func (a *appended) end(context.Context) error {
	if err := a.file.Sync(); err != nil {
		return err
	}
	if a.made {
		return syncDir(a.dir)
	}
	return nil
}

func (a *appended) abandon() {
	written := a.reserved
	if a.file == nil {
		written = reservation{}
	}
	_ = a.store.usage.settle(&a.writing, func() (int64, int, error) {
		return written.bytes, written.files, nil // or less, if it failed
	})
	a.close()
}
