package environ

import (
	"io"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A FileWrapper is what wsgi.file_wrapper(file, block_size) returns: a body that sends what file
// still has. Nothing is read before it is iterated or sent. It gives blocks of the file's bytes,
// and close, if the file has it (PEP 3333, "Optional Platform-Specific File Handling").
type FileWrapper struct {
	host.Object
	file   starlark.HasAttrs
	block  int
	thread *starlark.Thread // that made it: a file whose read is a script's is read on it
}

var fileWrapper starlark.Value = starlark.NewBuiltin("file_wrapper", wrapFile)

func wrapFile(
	t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var file starlark.Value
	block := defaultBlock
	err := starlark.UnpackArgs(b.Name(), args, kwargs, "file", &file, "block_size?", &block)
	if err != nil {
		return nil, Errorf(CodeWrapper, "", "%v", err)
	}
	f, ok := file.(starlark.HasAttrs)
	if ok {
		read, err := f.Attr("read")
		ok = err == nil && read != nil
	}
	if !ok {
		return nil, Errorf(
			CodeWrapper, "pass something with a read method",
			"file_wrapper: %s has no read method", file.Type(),
		)
	}
	if block < 1 || block > 16<<20 {
		return nil, Errorf(
			CodeWrapper, "", "file_wrapper: block_size is %d, not between 1 and 16 MiB", block,
		)
	}
	return &FileWrapper{"file_wrapper", f, block, t}, nil
}

const defaultBlock = 8192

// NewFileWrapper returns a wrapper of file, whose read method, if it is a script's, is called on t.
func NewFileWrapper(t *starlark.Thread, file starlark.HasAttrs) *FileWrapper {
	return &FileWrapper{"file_wrapper", file, defaultBlock, t}
}

// File returns the file.
func (w *FileWrapper) File() starlark.Value { return w.file }

// Reader returns what the wrapper sends. If the file is a Go one it is that file.
func (w *FileWrapper) Reader() io.Reader { return Reader(w.thread, w.file) }

// Remaining returns how many bytes the file still has, if it knows.
func (w *FileWrapper) Remaining() (int64, bool) {
	if f, ok := w.file.(host.Remainder); ok {
		return f.Remaining()
	}
	return 0, false
}

var (
	_ starlark.Iterable = (*FileWrapper)(nil)
	_ starlark.HasAttrs = (*FileWrapper)(nil)
	_ host.Remainder    = (*FileWrapper)(nil)
	_ host.Iterator     = (*blockIterator)(nil)
)

// AttrNames has close if the file has it.
func (w *FileWrapper) AttrNames() []string {
	if c, _ := w.Attr("close"); c != nil {
		return []string{"close"}
	}
	return nil
}

// Attr gives the file's own close: closing the wrapper closes the file.
func (w *FileWrapper) Attr(name string) (starlark.Value, error) {
	if name == "close" {
		return w.file.Attr("close")
	}
	return nil, nil
}

// Iterate gives blocks of the block size.
func (w *FileWrapper) Iterate() starlark.Iterator {
	return &blockIterator{r: w.Reader(), block: w.block, thread: w.thread}
}

type blockIterator struct {
	r      io.Reader
	block  int
	thread *starlark.Thread
	err    error
}

func (i *blockIterator) Next(p *starlark.Value) bool {
	if i.err != nil {
		return false
	}
	buf := make([]byte, i.block)
	n, err := io.ReadFull(i.r, buf)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		i.err = err
		host.CallOf(i.thread).Fail(err)
		return false
	}
	*p = starlark.Bytes(buf[:n])
	return n > 0
}

func (i *blockIterator) Done()      {}
func (i *blockIterator) Err() error { return i.err }

// Reader is [host.Reader], with the code of the contract for what is no file.
func Reader(t *starlark.Thread, file starlark.Value) io.Reader {
	r := host.Reader(t, file)
	if _, ok := file.(io.Reader); ok {
		return r
	}
	return scriptReader{r}
}

// A scriptReader calls the read method of a script's value.
type scriptReader struct{ r io.Reader }

func (s scriptReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if no, ok := err.(*host.NotFileError); ok {
		err = Errorf(CodeWrapper, "", "%v", no)
	}
	return n, err
}
