package grant

import (
	"cmp"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// A Reach is what of the machine a process has to reach to give an application what a [Set] grants.
type Reach struct {
	Read, Write []string // trees and files; those to be written exist
	Network     bool
	Sockets     []string // of servers in the file system
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
		if u, err := url.Parse(where); err == nil && strings.HasPrefix(u.Scheme, "postgres") {
			r.postgres(u)
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
	r.Network = s.Network()
	if socket := s.State.Socket(); socket != "" {
		if _, err := os.Stat(socket); err == nil { // else nothing keeps state there
			r.Sockets = append(r.Sockets, socket)
		}
	}
	for _, dir := range r.Write {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return Reach{}, err
		}
	}
	return r, nil
}

// Network reports whether the modules of the Set reach other machines, or servers of this one.
func (s *Set) Network() bool {
	for _, where := range s.SQL.Databases {
		if u, err := url.Parse(where); err == nil && strings.HasPrefix(u.Scheme, "postgres") {
			return true
		}
	}
	return len(s.Fetch.Hosts) > 0 || s.Mail.URL != "" || s.State.URL != ""
}

// postgres adds a server of PostgreSQL: a URL without a host is one of this machine, at a socket where
// packages of Debian and others have it.
func (r *Reach) postgres(u *url.URL) {
	dir := u.Query().Get("host")
	for _, dir := range []string{dir, "/var/run/postgresql", "/tmp"} {
		port := cmp.Or(u.Query().Get("port"), u.Port(), "5432")
		socket := filepath.Join(dir, ".s.PGSQL."+port)
		if _, err := os.Stat(socket); u.Hostname() == "" && dir != "" && err == nil {
			r.Sockets = append(r.Sockets, socket)
		}
	}
}
