// Package grant says what applications may reach outside of their program, and has the modules that
// reach it: databases (@sql), directories (@files), other servers (@fetch), variables of the
// environment (@env), mail (@mail), what they share and keep (@kv), the numbers of the server (@stats).
//
//	grants, err := grant.Parse([]string{"sql:notes=notes.db", "fetch=api.example.com"})
//	...
//	grants.To(app)
//
// # The model
//
// Nothing outside can be reached that was not granted by name. A grant is a line that an operator
// writes, `--grant LINE` of larkspur serve, and [Parse] reads:
//
//	sql:notes=notes.db                a database of SQLite, a file
//	sql:notes=postgres://host/notes   one of PostgreSQL
//	files:uploads=DIR                 a directory, to be read
//	files:uploads=DIR:rw              and to be written to
//	fetch=api.example.com,*.cdn.net   hosts that may be asked
//	env=API_KEY,REGION                variables that may be read
//	mail=smtp://user:password@host    a server that sends mail
//	state=DIR                         a directory for what is kept and shared
//	state=nats://host                 servers of NATS for it
//	stats                             what the server counts, to be seen
//
// All of one [Set] are one: an application has it whole, and applications that share it share its
// connections. [Set.Keep] grants databases and directories that no line names, and state, in a
// directory of the server's own, so that an application which needs nothing else needs no line.
//
// The package links drivers of databases, a server of NATS, and what sends mail. Who embeds package site and needs no
// more than one of them lists that in Application.Modules, and its grant in Grants; the rest, which
// links nothing, is among [site.Modules] and needs its grant only.
package grant

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/environ/lib/stats"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/env"
	"github.com/larkspur-web/larkspur/runtime/lib/fetch"
	"github.com/larkspur-web/larkspur/runtime/lib/files"
	"github.com/larkspur-web/larkspur/runtime/lib/mail"
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
	"github.com/larkspur-web/larkspur/runtime/state"
	"github.com/larkspur-web/larkspur/server/site"
)

// A Set is what is granted. The zero value grants nothing. It must not be changed or copied once an
// application has it, and is then safe for concurrent use.
type Set struct {
	SQL   sql.Grant
	Files files.Grant
	Fetch fetch.Grant
	Env   env.Grant
	Mail  mail.Grant
	State state.Grant
	// Stats has what reads them: see [site.Counter].
	Stats stats.Grant
	// Advice says how a line is granted, as sql:notes=FILE, in the words of whoever runs the
	// program. Nil says to grant the line.
	Advice func(line string) string

	look bool // nothing of it is to be reached
}

// Modules are the host modules that reach outside and are not among [site.Modules], for what they
// link.
func Modules() []*host.Module {
	return append([]*host.Module{mail.Module(), sql.Module()}, state.Modules()...)
}

// Keep grants all databases and directories that no line names, and state unless a line says where:
// each is made in dir when something is first kept there, a database as dir/NAME.db, a directory as
// dir/files/NAME, state as dir/state. Before the first of them prepare is called, unless it is nil, to make what is above it as it should be.
func (s *Set) Keep(dir string, prepare func() error) {
	s.SQL.Dir, s.SQL.Prepare = dir, prepare
	s.Files.Below, s.Files.Prepare = filepath.Join(dir, files.Name), prepare
	if !s.State.Granted() {
		s.State.Dir, s.State.Prepare = filepath.Join(dir, "state"), prepare
	}
}

// Develop keeps the last mails of applications in memory, for whoever develops them. Without a server
// that is all that becomes of them: told is called for each, which has gone nowhere.
func (s *Set) Develop(told func(to []string, subject string)) {
	s.Mail.Outbox = &mail.Outbox{Told: func(m *mail.Mail) { told(m.To, m.Subject) }}
}

// To has the application have the modules, and what the Set grants.
func (s *Set) To(app *site.Application) {
	advice := s.advice
	s.SQL.Advice = func(name string) string { return advice("sql:" + name + "=FILE") }
	s.Files.Advice = func(name string) string { return advice("files:" + name + "=DIR:rw") }
	s.Fetch.Advice = func(host string) string { return advice("fetch=" + host) }
	s.Env.Advice = func(name string) string { return advice("env=" + name) }
	app.Modules = append(slices.Clone(app.Modules), Modules()...)
	app.Grants = maps.Clone(app.Grants)
	if app.Grants == nil {
		app.Grants = make(map[string]any)
	}
	for _, kind := range kinds {
		if grant, some := s.of(kind); some {
			for _, module := range modulesOf(kind) {
				app.Grants[module] = grant
			}
		}
	}
	other := app.Advice
	app.Advice = func(name string, m *host.Module) string {
		if line, ok := lines[name]; ok {
			return advice(line)
		}
		if other != nil {
			return other(name, m)
		}
		return ""
	}
}

func (s *Set) advice(line string) string {
	if s.Advice != nil {
		return s.Advice(line)
	}
	return "grant " + line
}

// modulesOf are the names of the modules that a kind of a grant is for.
func modulesOf(kind string) (names []string) {
	if kind != "state" {
		return []string{kind}
	}
	for _, m := range state.Modules() {
		names = append(names, m.Name)
	}
	return append(names, "middleware") // for limits that are shared
}

// of returns what is granted of a kind, and whether that is anything.
func (s *Set) of(kind string) (grant any, some bool) {
	switch kind {
	case "sql":
		if s.look { // databases in memory, so that migrations run, and touch nothing
			if trial, err := s.SQL.Trial(""); err == nil {
				return trial.Grant, true
			}
		}
		return &s.SQL, s.SQL.Dir != "" || len(s.SQL.Databases) > 0
	case "files":
		return &s.Files, s.Files.Below != "" || len(s.Files.Dirs) > 0
	case "fetch":
		return &s.Fetch, len(s.Fetch.Hosts) > 0
	case "env":
		return &s.Env, len(s.Env.Names) > 0
	case "mail":
		return &s.Mail, s.Mail.URL != "" || s.Mail.Outbox != nil
	case "state":
		return &s.State, s.State.Granted()
	case stats.Name:
		return &s.Stats, s.Stats.Granted
	}
	return nil, false
}

// Close closes what the Set has opened: databases, connections.
func (s *Set) Close() error {
	s.Fetch.Close()
	return errors.Join(s.SQL.Close(), s.Files.Close(), s.State.Close())
}

// Parse reads lines. The error names the line that is wrong, and what to write.
func Parse(lines []string) (*Set, error) {
	s := new(Set)
	for _, line := range lines {
		if err := s.add(line); err != nil {
			return nil, fmt.Errorf("grant %s: %w", shown(line), err)
		}
	}
	return s, nil
}

// shown is a line without the password that it may have.
func shown(line string) string {
	what, value, _ := strings.Cut(line, "=")
	scheme, rest, ok := strings.Cut(value, "://")
	if i := strings.LastIndexByte(rest, '@'); ok && i >= 0 {
		return what + "=" + scheme + "://...@" + rest[i+1:]
	}
	return line
}
