package grant

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// A Reach is what of the files of the machine a process has to reach to give an application what a
// [Set] grants. Connections are made by it as well, or by another process: see [Set.Connect].
type Reach struct {
	Read, Write []string // trees and files; those to be written exist
}

// Reach returns what the modules of the Set reach. It makes the directories that they would make.
func (s *Set) Reach() (Reach, error) {
	var r Reach
	if s.SQL.Dir != "" {
		r.Write = append(r.Write, s.SQL.Dir)
	}
	if s.Files.Below != "" {
		r.Write = append(r.Write, s.Files.Below)
	}
	for _, where := range s.SQL.Databases {
		if isPostgres(where) {
			continue
		}
		file, _, _ := strings.Cut(strings.TrimPrefix(where, "sqlite:"), "?")
		r.Write = append(r.Write, filepath.Dir(file)) // beside it are its log and its locks
	}
	for _, d := range s.Files.Dirs {
		if d.Write {
			r.Write = append(r.Write, d.Path)
		} else {
			r.Read = append(r.Read, d.Path)
		}
	}
	for _, file := range []string{s.State.Credentials, s.State.CA} {
		if file != "" {
			r.Read = append(r.Read, file)
		}
	}
	for _, dir := range r.Write {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return Reach{}, err
		}
	}
	return r, nil
}

// network reports whether the modules of the Set reach other machines, or servers of this one.
func (s *Set) network() bool {
	for _, where := range s.SQL.Databases {
		if isPostgres(where) {
			return true
		}
	}
	return len(s.Fetch.Hosts) > 0 || s.Mail.URL != "" || s.State.URL != ""
}

func isPostgres(where string) bool {
	u, err := url.Parse(where)
	return err == nil && strings.HasPrefix(u.Scheme, "postgres")
}
