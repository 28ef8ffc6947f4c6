package sql

import "strings"

// A piece is one statement of a file.
type piece struct {
	text string
	line int  // from 1, where it begins
	open bool // the text ended before a semicolon did
}

// split takes a file apart into its statements. A semicolon ends one, unless it stands in a string, a
// comment, a dollar quote, or between the BEGIN and END of a trigger of SQLite or of a function of
// PostgreSQL in standard SQL.
func split(text string, postgres bool) []piece {
	var all []piece
	l := lexer{text: text, postgres: postgres}
	var b body
	start := -1
	line, counted := 1, 0
	for {
		t := l.next()
		if start < 0 && t.kind != end {
			start = t.start
			line += strings.Count(text[counted:start], "\n")
			counted, b = start, body{}
		}
		semicolon := t.kind == sign && text[t.start:t.end] == ";"
		if t.kind == end || semicolon && b.depth == 0 {
			if start >= 0 && t.start > start {
				all = append(all, piece{strings.TrimSpace(text[start:t.start]), line, t.kind == end})
			}
			if t.kind == end {
				return all
			}
			start = -1
			continue
		}
		if t.kind == word || semicolon {
			b.follow(strings.ToUpper(text[t.start:t.end]))
		}
	}
}

// A body is how deep a statement is in blocks of its own: BEGIN and CASE open one, END closes one.
type body struct {
	words    int
	creates  bool // it is a CREATE TRIGGER, FUNCTION or PROCEDURE: others have no block
	began    bool
	depth    int
	previous string
}

// follow goes one word, or a semicolon, further.
func (b *body) follow(w string) {
	b.words++
	switch w {
	case "CREATE":
		b.creates = b.creates || b.words == 1
	case "TRIGGER", "FUNCTION", "PROCEDURE":
		// CREATE [OR REPLACE] [TEMP] [CONSTRAINT] TRIGGER: it is among the first words.
		b.began = b.began || b.creates && b.words <= 5
	case "BEGIN":
		// The BEGIN of a body is followed by a statement, a name of that spelling by none: which is
		// told by what comes before it. One body has one BEGIN, or nested ones.
		if b.began && (b.depth == 0 || b.previous == ";" || b.previous == "BEGIN") {
			b.depth++
		}
	case "CASE":
		if b.depth > 0 {
			b.depth++
		}
	case "END":
		if b.depth > 0 {
			b.depth--
		}
	}
	b.previous = w
}
