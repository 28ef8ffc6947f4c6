package grant

import (
	"strings"

	"github.com/larkspur-web/larkspur/runtime/state"
)

// A Form is a way to write a grant.
type Form struct {
	// Line is the form, with words in capitals for what an operator fills in.
	Line string
	// Doc says what it grants.
	Doc string
}

// Kind is the module whose grant it is, without its @.
func (f Form) Kind() string { return kindOf(f.Line) }

func kindOf(line string) string {
	if i := strings.IndexAny(line, ":="); i >= 0 {
		return line[:i]
	}
	return line
}

// Forms returns all that there are, in the order of their kinds.
func Forms() []Form {
	return []Form{
		{"sql:NAME=FILE", "A database of SQLite for @sql: a file, which is made if there is none. Behind a ? " +
			"may be settings, as in notes.db?_pragma=synchronous(normal)."},
		{"sql:NAME=postgres://USER:PASSWORD@HOST/DATABASE", "A database of PostgreSQL for @sql. What the URL " +
			"leaves open is as for psql: PGHOST, PGPASSWORD and so on, ~/.pgpass."},
		{"files:NAME=DIR:rw", "A directory for @files, that is read and written to."},
		{"files:NAME=DIR", "A directory for @files and what serves files, that is read only."},
		{"fetch=HOST", "Hosts that @fetch may ask, with commas between them: example.com, example.com:8443, " +
			"*.example.com, and * for all. An address that is not public is reached only if the very host " +
			"and port is named, as in 127.0.0.1:9000."},
		{"env=NAME", "Variables of the environment that @env may read, with commas between them."},
		{"mail=smtp://USER:PASSWORD@HOST?from=ADDRESS", "A server that @mail sends by: smtp://, with " +
			"STARTTLS, or smtps://. For a relay without TLS add &tls=none."},
		{"state=DIR", "What @kv, @topic, @queue and @cron keep: in a directory, by a server of NATS that runs " +
			"inside Larkspur."},
		{"state=nats://HOST", "The same, by servers of NATS that have JetStream, nats:// or tls://, with " +
			"commas between those of one cluster. Behind a ? may be the files creds= and ca=."},
		{"stats", "What the server counts, for @stats: requests of all that it serves, connections, calls, what was " +
			"pushed, memory. Nothing of what clients have sent is in it."},
	}
}

// kinds are what a line begins with.
var kinds = []string{"sql", "files", "fetch", "env", "mail", "state", "stats"}

// lines are how what a module needs is granted, as an example: the first form of its kind. Several
// modules need state.
var lines = func() map[string]string {
	all := make(map[string]string)
	for _, f := range Forms() {
		if all[f.Kind()] == "" {
			all[f.Kind()] = f.Line
		}
	}
	for _, m := range state.Modules() {
		all[m.Name] = all["state"]
	}
	return all
}()
