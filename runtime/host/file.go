package host

import (
	"bufio"
	"errors"
	"io"
	"io/fs"

	"go.starlark.net/starlark"
)

// A File is an open file as a script sees it: read, readline, readlines, iteration, seek, tell
// and close. It belongs to the request that opened it, or to the module whose loading did, until
// that is loaded.
type File struct {
	// Fail, if not nil, is told when an iteration fails, because a for loop in a script cannot ask.
	Fail func(error)

	Object
	file   fs.File
	name   string
	size   int64
	offset int64 // of file, which is ahead of what the script has read by what is buffered
	buf    *bufio.Reader
	err    error // that every later use repeats: closed, or what a read failed with
	closed bool
	stop   func() // of the call's OnEnd; nil if no call closes it
}

// NewFile returns f, which holds size bytes, as a value. Seeking needs an io.Seeker. Closing the
// value closes f.
func NewFile(f fs.File, name string, size int64) *File {
	return &File{Object: "file", file: f, name: name, size: size}
}

// Own has the request that the call of t is of close the file at its end, unless it is closed
// before. It must be called before the script has the file.
func (f *File) Own(t *starlark.Thread) {
	f.stop = CallOf(t).OnEnd(func() { f.Close() })
}

var (
	_ io.ReadSeekCloser = (*File)(nil)
	_ io.WriterTo       = (*File)(nil)
	_ starlark.Iterable = (*File)(nil)
	_ starlark.HasAttrs = (*File)(nil)
	_ Remainder         = (*File)(nil)
)

// Name returns the name that the script sees.
func (f *File) Name() string { return f.name }

// Below returns the file that was made a value, for what sends it, and then closes the value: to
// read it moves the script's reading.
func (f *File) Below() fs.File { return f.file }

// Stat describes the file, if what is below can.
func (f *File) Stat() (fs.FileInfo, error) {
	if f.err != nil {
		return nil, f.err
	}
	return f.file.Stat()
}

// raw is the File below its buffer.
type raw File

// Read counts what is read.
func (r *raw) Read(p []byte) (int, error) {
	n, err := r.file.Read(p)
	r.offset += int64(n)
	return n, err
}

// lines is the File as a [Source].
type lines File

func (l *lines) Buffer() (*bufio.Reader, error) {
	if l.buf == nil && l.err == nil {
		l.buf = bufio.NewReader((*raw)(l))
	}
	return l.buf, l.err
}

func (l *lines) Broken(err error) error {
	if l.err == nil {
		l.err = err
	}
	return err
}

func (l *lines) Misused(err error) error { return err }

func (f *File) position() int64 {
	if f.buf == nil {
		return f.offset
	}
	return f.offset - int64(f.buf.Buffered())
}

// Read reads from where the script's reading stands.
func (f *File) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if f.buf != nil && f.buf.Buffered() > 0 {
		return f.buf.Read(p)
	}
	return (*raw)(f).Read(p)
}

// WriteTo writes what is left. What is not buffered goes to w in the way that w likes best, which
// for a socket is sendfile.
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

// Remaining returns how many bytes lie behind the position, and whether the file can still be read.
func (f *File) Remaining() (int64, bool) { return max(f.size-f.position(), 0), f.err == nil }

// Seek moves the position, as io.Seeker says.
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
	if f.stop != nil {
		f.stop()
	}
	f.err, f.buf = fs.ErrClosed, nil
	return f.file.Close()
}

// String has the name of the file.
func (f *File) String() string { return "<file " + starlark.String(f.name).String() + ">" }

// Freeze closes a file that was opened while a module was loaded: it could not be read for several
// requests at once.
func (f *File) Freeze() {
	f.Close()
	f.err = errors.New("this file was opened while a module was loaded; open one in each request")
}

// AttrNames returns the names of the methods, and name and size.
func (f *File) AttrNames() []string {
	return []string{"close", "name", "read", "readline", "readlines", "seek", "size", "tell"}
}

// Attr returns a method, the name or the size.
func (f *File) Attr(name string) (starlark.Value, error) {
	switch name {
	case "name":
		return starlark.String(f.name), nil
	case "size":
		return starlark.MakeInt64(f.size), nil
	case "seek":
		return starlark.NewBuiltin("seek", f.seek).BindReceiver(f), nil
	case "tell":
		return starlark.NewBuiltin("tell", f.tell).BindReceiver(f), nil
	case "close":
		return starlark.NewBuiltin("close", f.close).BindReceiver(f), nil
	}
	return ReadMethod(f, (*lines)(f), name), nil
}

// seek(offset, whence = 0) moves the position and returns it.
func (f *File) seek(
	_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var offset int64
	var whence int
	err := starlark.UnpackArgs(b.Name(), args, kwargs, "offset", &offset, "whence?", &whence)
	if err != nil {
		return nil, err
	}
	at, err := f.Seek(offset, whence)
	if err != nil {
		return nil, err
	}
	return starlark.MakeInt64(at), nil
}

// tell() returns the position.
func (f *File) tell(
	_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	return starlark.MakeInt64(f.position()), nil
}

// close() closes the file.
func (f *File) close(
	_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	return starlark.None, f.Close()
}

// Iterate gives the lines that are left.
func (f *File) Iterate() starlark.Iterator { return Lines((*lines)(f), f.Fail) }
