package sql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.starlark.net/starlark"
)

// A statement is one of SQL as a script wrote it, and as the database gets it. It is immutable.
type statement struct {
	source   string // what the script wrote
	text     string // what the database gets
	verb     string // its first word, in capitals
	reads    bool   // it changes nothing, as far as its words say
	slots    []slot // where the values of the database's placeholders come from
	bare     int    // how many ? there are
	names    []string
	postgres bool
	lasting  bool // it leaves something in its connection, which PostgreSQL has until that is closed
}

// A slot is a placeholder of the database.
type slot struct {
	index int    // of the value that is passed by position, if it has no name
	name  string // of the value that is passed by name
	inner bool   // it is one of the values of IN (...)
}

// cached is how many statements are remembered; those that are built of parts for each request
// would have no end.
const (
	cached      = 256
	cachedBytes = 16 << 10 // of one
)

// statements remember those that were parsed. They are safe for concurrent use.
type statements struct {
	postgres bool
	mu       sync.RWMutex
	all      map[string]*statement
}

// parse returns the statement that a text is.
func (s *statements) parse(source string) (*statement, error) {
	s.mu.RLock()
	st := s.all[source]
	s.mu.RUnlock()
	if st != nil {
		return st, nil
	}
	st, err := parse(source, s.postgres)
	if err != nil || len(source) > cachedBytes {
		return st, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil || len(s.all) >= cached {
		s.all = make(map[string]*statement)
	}
	s.all[source] = st
	return st, nil
}

// forbidden are first words of what is not for a script to say, and what to do instead. A
// connection is one request's for the time of a statement, or of a transaction, only: what is set on
// it, or left open, would be the next one's.
var forbidden = map[string]string{
	"BEGIN":      "transactions are db.transaction(fn)",
	"START":      "transactions are db.transaction(fn)",
	"COMMIT":     "a transaction ends with its function",
	"END":        "a transaction ends with its function",
	"ROLLBACK":   "a transaction is rolled back if its function fails: call fail()",
	"ABORT":      "a transaction is rolled back if its function fails: call fail()",
	"SAVEPOINT":  "a transaction inside another is tx.transaction(fn)",
	"RELEASE":    "a transaction inside another is tx.transaction(fn)",
	"ATTACH":     "an application reaches the databases that it is granted, each by database(name)",
	"DETACH":     "an application reaches the databases that it is granted, each by database(name)",
	"SET":        "the connection is shared by all requests",
	"RESET":      "the connection is shared by all requests",
	"DISCARD":    "the connection is shared by all requests",
	"LISTEN":     "the connection is shared by all requests",
	"UNLISTEN":   "the connection is shared by all requests",
	"PREPARE":    "each statement is prepared by itself",
	"EXECUTE":    "each statement is prepared by itself",
	"DEALLOCATE": "each statement is prepared by itself",
	"DECLARE":    "rows one by one are db.each(...)",
	"FETCH":      "rows one by one are db.each(...)",
	"COPY":       "rows go in by INSERT",
	"LOAD":       "nothing can be loaded into the database",
}

// sessionLocks are the functions of PostgreSQL that take a lock which the end of a transaction does not
// give back.
var sessionLocks = []string{
	"PG_ADVISORY_LOCK", "PG_ADVISORY_LOCK_SHARED", "PG_TRY_ADVISORY_LOCK", "PG_TRY_ADVISORY_LOCK_SHARED",
}

// parse reads one statement.
func parse(source string, postgres bool) (*statement, error) {
	if strings.IndexByte(source, 0) >= 0 {
		return nil, usage("there is a byte 0 in the statement")
	}
	s := &statement{source: source, text: source, postgres: postgres}
	l := lexer{text: source, postgres: postgres}
	var out strings.Builder
	var before [2]string // the last two tokens
	var copied, words int
	writes, over, among := false, false, false
	var sets, local, temporary bool // set_config(..., true) is undone with the transaction
	numbered := postgres || strings.IndexByte(source, ':') >= 0
	for t := l.next(); t.kind != end; t = l.next() {
		text := source[t.start:t.end]
		if over {
			return nil, usage("there is a second statement behind the ;, and one is run at a time " +
				"(a file of migrate() may have several)")
		}
		among = before[1] == "IN" || among && (t.kind == hole || t.kind == name || text == ",")
		switch t.kind {
		case word:
			text = strings.ToUpper(text)
			if words++; words == 1 {
				s.verb = text
			}
			writes = writes || slices.Contains([]string{"INSERT", "UPDATE", "DELETE", "MERGE"}, text) ||
				text == "INTO" && before[1] == "REPLACE"
			sets, local = sets || text == "SET_CONFIG", local || text == "TRUE"
			temporary = temporary || slices.Contains([]string{"TEMP", "TEMPORARY", "PG_TEMP"}, text) &&
				(s.verb == "CREATE" || before[1] == "INTO")
			if postgres && slices.Contains(sessionLocks, text) {
				return nil, usage("%s is not for a script: its lock would stay with a connection that all "+
					"requests share; take one by pg_advisory_xact_lock in db.transaction(fn)",
					strings.ToLower(text))
			}
		case hole, name:
			n := s.slot(t.kind, strings.TrimPrefix(text, ":"), among)
			if numbered {
				sigil := "?"
				if postgres {
					sigil = "$"
				}
				out.WriteString(source[copied:t.start])
				out.WriteString(sigil + strconv.Itoa(n))
				copied = t.end
			}
		case mark:
			if !postgres {
				return nil, usage("?? is a ? of PostgreSQL's operators, which SQLite has not; " +
					"a placeholder is ?")
			}
			out.WriteString(source[copied:t.start] + "?")
			copied = t.end
		case native:
			return nil, usage("%s is no placeholder here: write ? for a value that is passed by "+
				"position, :name for one by name", text)
		case sign:
			over = text == ";" && s.verb != "CREATE"
		}
		before = [2]string{before[1], text}
	}
	if s.verb == "" {
		return nil, usage("there is no statement in the text")
	}
	if instead, no := forbidden[s.verb]; no {
		return nil, usage("%s is not for a script: %s", s.verb, instead)
	}
	if s.verb == "CREATE" {
		if len(split(source, postgres)) > 1 {
			return nil, usage("there is a second statement behind the ;, and one is run at a time " +
				"(a file of migrate() may have several)")
		}
	}
	s.reads = slices.Contains([]string{"SELECT", "VALUES", "EXPLAIN", "TABLE", "SHOW", "WITH"}, s.verb) &&
		!writes
	s.lasting = postgres && (sets && !local || temporary)
	if copied > 0 {
		out.WriteString(source[copied:])
		s.text = out.String()
	}
	return s, nil
}

// slot takes down a placeholder, and returns the number that it has.
func (s *statement) slot(k kind, text string, inner bool) int {
	if k == hole {
		s.slots = append(s.slots, slot{index: s.bare, inner: inner})
		s.bare++
		return len(s.slots)
	}
	if i := slices.IndexFunc(s.slots, func(o slot) bool { return o.name == text }); i >= 0 {
		return i + 1
	}
	s.slots = append(s.slots, slot{name: text, inner: inner})
	s.names = append(s.names, text)
	return len(s.slots)
}

// values returns the values of the slots, in their order.
func (s *statement) values(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Tuple, error) {
	if len(args) != s.bare {
		if instead := s.instead(args); instead != "" {
			return nil, usage("%s", instead)
		}
		return nil, usage("the statement has %s (?), and %s passed", plural(s.bare, "placeholder"),
			were(len(args), "value"))
	}
	if len(s.names) == 0 && len(kwargs) == 0 {
		return args, s.check(args)
	}
	named := make(map[string]starlark.Value, len(kwargs))
	for _, kv := range kwargs {
		key := string(kv[0].(starlark.String))
		if !slices.Contains(s.names, key) {
			if instead := s.instead(nil); instead != "" {
				return nil, usage("%s", instead)
			}
			return nil, usage("there is no :%s in the statement, which has %s and got %s by name",
				key, plural(len(s.names), "named placeholder"), plural(len(kwargs), "value"))
		}
		named[key] = kv[1]
	}
	values := make(starlark.Tuple, len(s.slots))
	for i, slot := range s.slots {
		v := named[slot.name]
		if slot.name == "" {
			v = args[slot.index]
		}
		if v == nil {
			return nil, usage("nothing is passed for :%s; the statement has %s and got %s by name",
				slot.name, plural(len(s.names), "named placeholder"), plural(len(kwargs), "value"))
		}
		values[i] = v
	}
	return values, s.check(values)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func were(n int, what string) string {
	if n == 1 {
		return "1 " + what + " was"
	}
	return fmt.Sprintf("%d %ss were", n, what)
}
