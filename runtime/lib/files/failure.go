package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"syscall"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A failure is an error of the module.
type failure struct {
	kind   string
	text   string
	err    error // of the system; nil if there is none
	status int   // 0 for that of the kind
}

var (
	_ host.Kinder   = (*failure)(nil)
	_ host.Statuser = (*failure)(nil)
)

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }

// Kind is what a script tells the error by.
func (f *failure) Kind() string { return f.kind }

// HTTPStatus is what a client gets who sends what cannot be kept, if the script does not catch it:
// it is not the script that is wrong then.
func (f *failure) HTTPStatus() int {
	switch {
	case f.status != 0:
		return f.status
	case f.kind == "busy":
		return http.StatusServiceUnavailable
	case f.kind == "quota" || f.kind == "full":
		return http.StatusInsufficientStorage
	}
	return 0
}

var (
	errIrregular = errors.New("it is not a regular file")
	errDirectory = errors.New("it is a directory")
)

// faults are the errors of the system that say what is wrong with a path or a directory.
var faults = []struct {
	kind, text string // after the name
	errs       []error
}{
	{"not_found", "is not there", []error{fs.ErrNotExist}},
	{"not_empty", "is a directory that is not empty", []error{syscall.ENOTEMPTY}},
	{"exists", "is there already", []error{fs.ErrExist}},
	{"is_directory", "is a directory", []error{errDirectory, syscall.EISDIR}},
	{"not_directory", "leads through what is no directory", []error{syscall.ENOTDIR}},
	{"not_file", "is not a regular file", []error{errIrregular, syscall.ENXIO}},
	{"full", "cannot be written: there is no room left",
		[]error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}},
	{"name", "has a name that is too long", []error{syscall.ENAMETOOLONG}},
	{"outside", "leads through too many symlinks", []error{syscall.ELOOP}},
	{"denied", "may not be used by this process", []error{fs.ErrPermission, syscall.EROFS}},
	{"busy", "cannot be opened now: the system has run out of something",
		[]error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM}},
}

// fault makes an error of the system, about a path of the store, one of the module.
func (s *store) fault(name string, err error) error {
	var own *failure
	if err == nil || errors.As(err, &own) || errors.Is(err, errClosed) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	for _, f := range faults {
		for _, is := range f.errs {
			if errors.Is(err, is) {
				known := s.failed(f.kind, name, err, "%s", f.text)
				if f.kind == "name" {
					known.status = http.StatusBadRequest // as of other names that none can be
				}
				return known
			}
		}
	}
	// os.Root has no error to compare with.
	if strings.Contains(err.Error(), "escapes from parent") {
		return s.failed("outside", name, err, "leads out of the directory")
	}
	return fmt.Errorf("%s of the directory %s: %w", quoted(name), quoted(s.name), err)
}

// failed is an error about a path of the store.
func (s *store) failed(kind, name string, err error, format string, args ...any) *failure {
	return &failure{kind: kind, err: err, text: fmt.Sprintf("%s of the directory %s %s",
		quoted(name), quoted(s.name), fmt.Sprintf(format, args...))}
}
