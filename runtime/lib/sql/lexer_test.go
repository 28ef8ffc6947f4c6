package sql

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.starlark.net/starlark"
)

// TestParse finds placeholders, and nothing else.
func TestParse(t *testing.T) {
	tests := []struct {
		postgres    bool
		source      string
		text, slots string // text is empty if it is the source
	}{
		{false, "SELECT ?, ?", "", "? ?"},
		{true, "SELECT ?, ?", "SELECT $1, $2", "? ?"},
		{false, "SELECT :a, ?, :b, :a", "SELECT ?1, ?2, ?3, ?1", "a ? b"},
		{true, "SELECT :a, ?, :b, :a", "SELECT $1, $2, $3, $1", "a ? b"},
		{false, `SELECT '?', "?", [?], ` + "`?`" + ` -- ?` + "\n, /* ? /* ? */ ?", "", "?"},
		{true, `SELECT '?', "?" -- ?` + "\n, /* ? /* ? */ ? */ ?", `SELECT '?', "?" -- ?` + "\n, /* ? /* ? */ ? */ $1", "?"},
		{true, "SELECT $$?$$, $a$ ? $$ ? $a$, x$1$", "", ""},
		{true, `SELECT E'\'?', e'\\', ?, 'a\', ?`, `SELECT E'\'?', e'\\', $1, 'a\', $2`, "? ?"},
		{true, `SELECT se'\', ?`, `SELECT se'\', $1`, "?"},
		{true, "SELECT a::int, b :: text, ?::jsonb ?? 'x', a[1:2], a[lo:hi], f(a := 1), :x", "SELECT a::int, b :: text, $1::jsonb ? 'x', a[1:2], a[lo:hi], f(a := 1), $2", "? x"},
		{true, "SELECT x ??| ?, y ??& :z", "SELECT x ?| $1, y ?& $2", "? z"},
		{false, "SELECT 'it''s ?', ?", "", "?"},
		{false, "SELECT 'open ?", "", ""},
		{false, "SELECT 1 WHERE a IN (?) OR b IN (?, ?)", "", "?in ?in ?in"},
	}
	for _, test := range tests {
		s, err := parse(test.source, test.postgres)
		if err != nil {
			t.Errorf("%s: %v", test.source, err)
			continue
		}
		var slots []string
		for _, slot := range s.slots {
			text := slot.name
			if text == "" {
				text = "?"
			}
			if slot.inner {
				text += "in"
			}
			slots = append(slots, text)
		}
		want := test.text
		if want == "" {
			want = test.source
		}
		if got := strings.Join(slots, " "); s.text != want || got != test.slots {
			t.Errorf("%s\n is %s with %q, want\n    %s with %q", test.source, s.text, got, want, test.slots)
		}
	}
}

// TestReads tells statements that change something from those that do not.
func TestReads(t *testing.T) {
	for source, want := range map[string]bool{
		"SELECT 1": true, "(SELECT 1) UNION SELECT 2": true, "VALUES (1)": true, "EXPLAIN SELECT 1": true,
		"WITH a AS (SELECT 1) SELECT * FROM a": true, "SELECT replace('a', 'b', 'c')": true, "SELECT 'DELETE'": true,
		"WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a": false, "INSERT INTO t VALUES (1) RETURNING x": false,
		"WITH a AS (SELECT 1) REPLACE INTO t SELECT * FROM a": false, "PRAGMA user_version": false, "CREATE TABLE t (x)": false,
		"WITH d AS (DELETE FROM t RETURNING x) SELECT * FROM d": false,
	} {
		if s, err := parse(source, false); err != nil || s.reads != want {
			t.Errorf("%s: it reads %v, %v, want %v", source, s != nil && s.reads, err, want)
		}
	}
}

// TestSplit takes files apart.
func TestSplit(t *testing.T) {
	tests := []struct {
		postgres bool
		text     string
		want     []string
	}{
		{false, "", nil},
		{false, "-- nothing\n;;\n", nil},
		{false, "a;b", []string{"1 a", "1 b"}},
		{false, "\n-- c;\na 'x;y' ;\n\n/* ; */ b \"z;\";", []string{"3 a 'x;y'", "5 b \"z;\""}},
		{
			false, "CREATE TRIGGER t AFTER INSERT ON x BEGIN\n  UPDATE y SET a = CASE WHEN 1 THEN 2 END;\n  DELETE FROM z;\nEND;\nSELECT 1;",
			[]string{"1 CREATE TRIGGER t AFTER INSERT ON x BEGIN\n  UPDATE y SET a = CASE WHEN 1 THEN 2 END;\n  DELETE FROM z;\nEND", "5 SELECT 1"},
		},
		{
			false, "CREATE TEMP TRIGGER IF NOT EXISTS t AFTER INSERT ON x WHEN CASE 1 WHEN 1 THEN 1 END BEGIN SELECT 1; END; SELECT 2",
			[]string{"1 CREATE TEMP TRIGGER IF NOT EXISTS t AFTER INSERT ON x WHEN CASE 1 WHEN 1 THEN 1 END BEGIN SELECT 1; END", "1 SELECT 2"},
		},
		{
			true, "CREATE FUNCTION f() RETURNS int AS $$ BEGIN; RETURN 1; END $$ LANGUAGE plpgsql;\nCREATE OR REPLACE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN 1=1 THEN 2 END; END; SELECT 1",
			[]string{
				"1 CREATE FUNCTION f() RETURNS int AS $$ BEGIN; RETURN 1; END $$ LANGUAGE plpgsql",
				"2 CREATE OR REPLACE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN 1=1 THEN 2 END; END", "2 SELECT 1",
			},
		},
		{true, "DO $x$ BEGIN PERFORM 1; END $x$; SELECT 'a\\'; SELECT E'\\';';", []string{"1 DO $x$ BEGIN PERFORM 1; END $x$", "1 SELECT 'a\\'", "1 SELECT E'\\';'"}},
	}
	for _, test := range tests {
		var got []string
		for _, p := range split(test.text, test.postgres) {
			got = append(got, fmt.Sprint(p.line, " ", p.text))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s\n is %q, want\n    %q", test.text, got, test.want)
		}
	}
}

// FuzzLexer sees that any text comes to its end, that no token is lost, and that a statement which is
// parsed asks for as many values as it says.
func FuzzLexer(f *testing.F) {
	for _, text := range []string{"SELECT ?, :a, 'x''y', $$a$$, /* /* */ */, E'\\''", "[`\"'", "$a$", "?1 $1 @a ::x :=", "CREATE TRIGGER t BEGIN ; END;", "\ufeff--\n"} {
		f.Add(text, true)
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, text string, postgres bool) {
		l := lexer{text: text, postgres: postgres}
		at := 0
		for token := l.next(); token.kind != end; token = l.next() {
			if token.start < at || token.end <= token.start || token.end > len(text) {
				t.Fatalf("a token is from %d to %d, after %d", token.start, token.end, at)
			}
			at = token.end
		}
		split(text, postgres)
		s, err := parse(text, postgres)
		if err != nil {
			return
		}
		args := slices.Repeat(starlark.Tuple{starlark.None}, s.bare)
		var named []starlark.Tuple
		for _, name := range s.names {
			named = append(named, starlark.Tuple{starlark.String(name), starlark.None})
		}
		if values, err := s.values(args, named); err != nil || len(values) != len(s.slots) {
			t.Fatalf("it has %d values for %d slots: %v", len(values), len(s.slots), err)
		}
	})
}

// FuzzArray reads arrays of PostgreSQL.
func FuzzArray(f *testing.F) {
	for _, text := range []string{"{}", "{1,NULL}", `{"a\"b",c}`, "{{1,2},{3}}", "[2:3]={1,2}", "{{{{{{{1}}}}}}}", `{"`} {
		f.Add(text, "INT4")
	}
	f.Fuzz(func(t *testing.T, text, element string) {
		if v := arrayOf(text, element); v == nil {
			t.Fatal("it is nothing")
		}
	})
}
