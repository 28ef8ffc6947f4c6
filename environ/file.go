package environ

import (
	"bufio"
	"errors"
	"io"
	"io/fs"

	"go.starlark.net/starlark"
)

// A File is an open file as a script sees it: read, readline, readlines, iteration, seek, tell and
// close. It belongs to the request that opened it, or to the module whose loading did, until that is loaded.
type File struct {
	// Fail, if not nil, is told when an iteration fails, because a for loop in a script cannot ask.
	Fail func(error)

	file   fs.File
	name   string
	size   int64
	offset int64 // of file, which is ahead of what the script has read by what is buffered
	buf    *bufio.Reader
	err    error // that every later use repeats: closed, or what a read failed with
	closed bool
}

// NewFile returns f, which holds size bytes, as a value. Seeking needs an io.Seeker.
func NewFile(f fs.File, name string, size int64) *File {
	return &File{file: f, name: name, size: size}
}

// raw is the File below its buffer.
type raw File

func (r *raw) Read(p []byte) (int, error) {
	n, err := r.file.Read(p)
	r.offset += int64(n)
	return n, err
}

func (f *File) lines() (*bufio.Reader, error) {
	if f.buf == nil && f.err == nil {
		f.buf = bufio.NewReader((*raw)(f))
	}
	return f.buf, f.err
}

func (f *File) broken(err error) error {
	if f.err == nil {
		f.err = err
	}
	return err
}

func (f *File) position() int64 {
	if f.buf == nil {
		return f.offset
	}
	return f.offset - int64(f.buf.Buffered())
}

// Read is io.Reader's: it reads from where the script's reading stands.
func (f *File) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if f.buf != nil && f.buf.Buffered() > 0 {
		return f.buf.Read(p)
	}
	return (*raw)(f).Read(p)
}

// WriteTo is io.WriterTo's: what is not buffered goes to w in the way that w likes best, which for a
// socket is sendfile.
func (f *File) WriteTo(w io.Writer) (int64, error) {
	if f.err != nil {
		return 0, f.err
	}
	var buffered int64
	if f.buf != nil && f.buf.Buffered() > 0 {
		p, _ := f.buf.Peek(f.buf.Buffered())
		n, err := w.Write(p)
		_, _ = f.buf.Discard(n)
		buffered = int64(n)
		if err != nil {
			return buffered, err
		}
	}
	n, err := io.Copy(w, f.file)
	f.offset += n
	return buffered + n, err
}

// Remaining returns how many bytes lie behind the position.
func (f *File) Remaining() (int64, bool) { return max(f.size-f.position(), 0), f.err == nil }

// Seek is io.Seeker's.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	if f.err != nil {
		return 0, f.err
	}
	s, ok := f.file.(io.Seeker)
	if !ok {
		return 0, errors.New("this file cannot seek")
	}
	if whence == io.SeekCurrent {
		offset, whence = f.position()+offset, io.SeekStart
	}
	at, err := s.Seek(offset, whence)
	if err != nil {
		return 0, err
	}
	f.offset, f.buf = at, nil
	return at, nil
}

// Close closes the file. Later uses fail; a second Close does nothing.
func (f *File) Close() error {
	if f.closed {
		return nil
	}
	f.closed = true
	f.err, f.buf = fs.ErrClosed, nil
	return f.file.Close()
}

var fileMethods = map[string]*starlark.Builtin{
	"seek": starlark.NewBuiltin("seek", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var offset int64
		var whence int
		if err := starlark.UnpackArgs("seek", args, kwargs, "offset", &offset, "whence?", &whence); err != nil {
			return nil, err
		}
		at, err := b.Receiver().(*File).Seek(offset, whence)
		if err != nil {
			return nil, err
		}
		return starlark.MakeInt64(at), nil
	}),
	"tell": starlark.NewBuiltin("tell", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if err := starlark.UnpackArgs("tell", args, kwargs); err != nil {
			return nil, err
		}
		return starlark.MakeInt64(b.Receiver().(*File).position()), nil
	}),
	"close": starlark.NewBuiltin("close", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if err := starlark.UnpackArgs("close", args, kwargs); err != nil {
			return nil, err
		}
		return starlark.None, b.Receiver().(*File).Close()
	}),
}

var (
	_ source            = (*File)(nil)
	_ io.ReadSeekCloser = (*File)(nil)
	_ io.WriterTo       = (*File)(nil)
	_ starlark.Iterable = (*File)(nil)
	_ starlark.HasAttrs = (*File)(nil)
)

func (f *File) String() string { return "<file " + starlark.String(f.name).String() + ">" }
func (f *File) Type() string   { return "file" }

// Freeze closes a file that was opened while a module was loaded: it could not be read for several requests at once.
func (f *File) Freeze() {
	f.Close()
	f.err = errors.New("this file was opened while a module was loaded; open one in each request")
}

func (f *File) Truth() starlark.Bool  { return starlark.True }
func (f *File) Hash() (uint32, error) { return 0, errors.New("unhashable: file") }
func (f *File) AttrNames() []string {
	return []string{"close", "name", "read", "readline", "readlines", "seek", "size", "tell"}
}

func (f *File) Attr(name string) (starlark.Value, error) {
	switch name {
	case "name":
		return starlark.String(f.name), nil
	case "size":
		return starlark.MakeInt64(f.size), nil
	}
	if m := reading[name]; m != nil {
		return m.BindReceiver(f), nil
	}
	if m := fileMethods[name]; m != nil {
		return m.BindReceiver(f), nil
	}
	return nil, nil
}

// Iterate gives the lines that are left.
func (f *File) Iterate() starlark.Iterator { return &lineIterator{s: f, fail: f.Fail} }
