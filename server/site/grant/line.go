package grant

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/lib/files"
	"github.com/larkspur-web/larkspur/runtime/spell"
)

// add adds what a line grants.
func (s *Set) add(line string) error {
	what, value, valued := strings.Cut(line, "=")
	kind, name, named := strings.Cut(what, ":")
	switch kind {
	case "sql", "files":
		return s.name(kind, name, value)
	case "fetch", "env", "mail", "state":
		if named {
			return fmt.Errorf("%s has no names: write %s", kind, lines[kind])
		}
	case "stats":
		if named || valued {
			return errors.New("stats has neither names nor values: write stats")
		}
		s.Stats.Granted = true
		return nil
	default:
		meant := ""
		if near := spell.Nearest(kind, kinds, 3); near != "" {
			meant = fmt.Sprintf(" (did you mean %s?)", near)
		}
		return fmt.Errorf("there is no kind %q%s: sql, files, fetch, env, mail, state or stats", kind, meant)
	}
	if value == "" {
		return fmt.Errorf("it grants nothing: write %s", lines[kind])
	}
	switch kind {
	case "fetch":
		s.Fetch.Hosts = append(s.Fetch.Hosts, list(value)...)
		return s.Fetch.Check()
	case "env":
		for _, name := range list(value) {
			if strings.ContainsAny(name, "= \t\x00") {
				return fmt.Errorf("%q is not the name of a variable", name)
			}
			if !slices.Contains(s.Env.Names, name) {
				s.Env.Names = append(s.Env.Names, name)
			}
		}
		return nil
	case "state":
		return s.KeepAt(value)
	}
	if s.Mail.URL != "" {
		return errors.New("mail is granted already: there is one server of it")
	}
	s.Mail.URL = value
	return s.Mail.Check()
}

// name adds what has a name of its own.
func (s *Set) name(kind, name, value string) error {
	switch {
	case !isName(name):
		return fmt.Errorf("%q is not a name: a-z, 0-9, - and _, as in %s", name, lines[kind])
	case value == "":
		return fmt.Errorf("it says not where %s is: write %s", name,
			strings.Replace(lines[kind], "NAME", name, 1))
	}
	if kind == "sql" {
		if _, twice := s.SQL.Databases[name]; twice {
			return fmt.Errorf("%s is granted twice", name)
		}
		if s.SQL.Databases == nil {
			s.SQL.Databases = make(map[string]string)
		}
		s.SQL.Databases[name] = value
		return s.SQL.Check()
	}
	if _, twice := s.Files.Dirs[name]; twice {
		return fmt.Errorf("%s is granted twice", name)
	}
	if s.Files.Dirs == nil {
		s.Files.Dirs = make(map[string]files.Dir)
	}
	d := files.Dir{Path: value}
	if dir, ok := strings.CutSuffix(value, ":rw"); ok {
		d.Path, d.Write = dir, true
	} else if dir, ok := strings.CutSuffix(value, ":ro"); ok {
		d.Path = dir
	}
	if d.Path == "" {
		return fmt.Errorf("it says not where %s is: write %s", name,
			strings.Replace(lines[kind], "NAME", name, 1))
	}
	s.Files.Dirs[name] = d
	return nil
}

// isName reports whether a database or a directory can have the name.
func isName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// list are the parts of a value between commas, without blanks.
func list(value string) []string {
	var all []string
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// KeepAt grants state, which is kept in a directory, or by the servers of a URL, as in a line.
func (s *Set) KeepAt(value string) error {
	if s.State.Granted() {
		return errors.New("state is granted already: it is kept at one place")
	}
	if !strings.Contains(value, "://") {
		s.State.Dir = value
		return nil
	}
	where, query, _ := strings.Cut(value, "?")
	files, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("what follows the ? is not understood: %w", err)
	}
	for name := range files {
		if name != "creds" && name != "ca" {
			return fmt.Errorf("there is no %s behind the ?: creds=FILE and ca=FILE", name)
		}
	}
	s.State.URL, s.State.Credentials, s.State.CA = where, files.Get("creds"), files.Get("ca")
	return s.State.Check()
}

// Below is a line in which what names a file or a directory is counted from dir. What is no such line is
// as it was.
func Below(dir, line string) string {
	what, value, ok := strings.Cut(line, "=")
	kind, _, _ := strings.Cut(what, ":")
	if !ok || !slices.Contains([]string{"sql", "files", "state"}, kind) || value == "" ||
		strings.Contains(value, "://") || filepath.IsAbs(value) || strings.HasPrefix(value, ":") {
		return line
	}
	return what + "=" + filepath.Join(dir, value)
}
