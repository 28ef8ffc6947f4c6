package site

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/larkspur-web/larkspur/environ/lib/session"
)

// DevDir is the name of the directory, below that of an application, in which what is kept for its
// developer stands. It is no part of the tree: [runtime.Dir] does not open it.
const DevDir = ".larkspur"

// A SecretFile keeps the secrets of sessions in a file: an application that may load @session
// without naming one has it in Grants["session"]. It is safe for concurrent use, by several
// processes too.
type SecretFile struct {
	// Path is the file, with a secret a line: the first encrypts, all decrypt. If there is none it
	// is made when an application first asks, with its directory, both for their owner only.
	Path string
	// Ignore has git ignore the directory when the file is made.
	Ignore bool
}

var _ session.Keeper = SecretFile{}

// Secrets is [session.Keeper]'s.
func (f SecretFile) Secrets() ([]string, error) {
	text, err := os.ReadFile(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = f.make(); err == nil {
			text, err = os.ReadFile(f.Path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("keep a secret for sessions: %w", err)
	}
	secrets := strings.Fields(string(text))
	if err := session.Check(secrets); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return secrets, nil
}

// Ignore has git ignore what is in a directory, unless a file there says what it is to ignore.
func Ignore(dir string) error {
	file := filepath.Join(dir, ".gitignore")
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(file, []byte("*\n"), 0o666)
}

// make makes the file, unless another process has just done so.
func (f SecretFile) make() error {
	dir := filepath.Dir(f.Path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if f.Ignore {
		if err := Ignore(dir); err != nil {
			return err
		}
	}
	temp, err := os.CreateTemp(dir, ".secret-*") // made with 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	if _, err := temp.WriteString(session.MakeSecret() + "\n"); err != nil {
		temp.Close()
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	// Unlike a rename, a link takes nothing away: the first of two processes has made it.
	if err := os.Link(temp.Name(), f.Path); err != nil && !errors.Is(err, fs.ErrExist) {
		return os.Rename(temp.Name(), f.Path) // a file system without links
	}
	return nil
}
