package static

import (
	"errors"
	"io"
	"io/fs"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A reopened is a file that cannot seek, as in an archive, made into one that can: to go back it
// is opened anew, to go forward it is read.
type reopened struct {
	fs.File
	tree fs.FS
	name string
	size int64
	at   int64 // of File
	want int64 // where the next Read is to be
}

func (r *reopened) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.want
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("seek: negative position")
	}
	r.want = offset
	return offset, nil
}

func (r *reopened) Read(p []byte) (int, error) {
	if r.at > r.want {
		f, _, err := host.OpenRegular(r.tree, r.name)
		if err != nil {
			return 0, err
		}
		r.File.Close()
		r.File, r.at = f, 0
	}
	if r.at < r.want {
		n, err := io.CopyN(io.Discard, r.File, r.want-r.at)
		if r.at += n; err != nil {
			return 0, err
		}
	}
	n, err := r.File.Read(p)
	r.at += int64(n)
	r.want = r.at
	return n, err
}
