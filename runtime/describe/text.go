package describe

import (
	"bufio"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/display"
)

// A Style is how entries are written for a terminal.
type Style struct {
	// Width is how many characters a line has at most. Zero means 80, fewer than 40 are 40. Code
	// is not wrapped.
	Width int
	// Palette colours, or does not.
	Palette display.Palette
}

const (
	usualWidth = 80
	leastWidth = 40
	maxColumn  = 24 // of names, before what is said of them
)

// A writer writes entries.
type writer struct {
	*bufio.Writer
	Style
}

func (s Style) writer(w io.Writer) *writer {
	if s.Width == 0 {
		s.Width = usualWidth
	}
	s.Width = max(s.Width, leastWidth)
	return &writer{bufio.NewWriter(w), s}
}

// Write writes all that is known of an entry.
func (e *Entry) Write(w io.Writer, s Style) error {
	t := s.writer(w)
	t.entry(e)
	return t.Flush()
}

// WriteList writes the name and the sentence of each module and each table of the library.
func (l *Library) WriteList(w io.Writer, s Style) error {
	t := s.writer(w)
	all := slices.Concat(l.Entries(), l.Tables)
	t.rows(0, all, func(e *Entry) (string, string) {
		return e.Name, e.Summary
	})
	return t.Flush()
}

func (t *writer) line(indent int, text string) {
	if text != "" {
		t.WriteString(strings.Repeat(" ", indent))
		t.WriteString(text)
	}
	t.WriteByte('\n')
}

func (t *writer) entry(e *Entry) {
	title := []string{e.Name}
	if e.Signature != "" {
		title = e.call(t.Width)
	}
	for _, line := range title {
		t.line(0, t.Palette.In(display.Bold, line))
	}
	if e.How != "" {
		t.line(4, t.Palette.In(display.Cyan, e.How))
	}
	t.line(0, "")
	t.text(0, e.Doc)
	if e.Grant != "" {
		t.heading("Needs a grant of")
		t.text(2, e.Grant)
	}
	if len(e.Params) > 0 {
		t.heading("Parameters")
		for i := range e.Params {
			t.param(&e.Params[i])
		}
	}
	if e.Result != "" {
		t.heading("Returns")
		t.text(2, e.Result)
	}
	if len(e.Errors) > 0 {
		t.heading("Errors")
		for _, f := range e.Errors {
			t.hanging(2, 0, f.Code, display.Yellow, f.When)
		}
	}
	if len(e.Facts) > 0 {
		t.line(0, "")
	}
	column := 0
	for _, f := range e.Facts {
		column = max(column, utf8.RuneCountInString(f.Name))
	}
	for _, f := range e.Facts {
		t.hanging(0, column, f.Name, display.Bold, f.Text)
	}
	if e.Example != "" {
		t.heading("Example")
		for line := range strings.SplitSeq(strings.TrimSpace(e.Example), "\n") {
			t.line(2, t.code(line))
		}
	}
	t.members(e)
}

// call is the signature, in one line if that has at most width characters, or else with a parameter
// a line.
func (e *Entry) call(width int) []string {
	if utf8.RuneCountInString(e.Signature) <= width || len(e.written) < 2 {
		return []string{e.Signature}
	}
	name, _, _ := strings.Cut(e.Signature, "(")
	lines := []string{name + "("}
	for _, p := range e.written {
		lines = append(lines, "    "+p+",")
	}
	return append(lines, ")")
}

func (t *writer) heading(text string) {
	t.line(0, "")
	t.line(0, t.Palette.In(display.Bold, text))
}

// param writes a parameter: its name, what may be passed, and what it is for below.
func (t *writer) param(p *Param) {
	about := p.Type
	if p.Default != "" {
		about += " = " + p.Default
	} else if !p.Required && !strings.HasPrefix(p.Pass, "all") {
		about += ", may be left out"
	}
	if p.Pass != "" {
		about += ", " + p.Pass
	}
	name := p.Name
	switch p.Pass {
	case passes[3]:
		name = "*" + name
	case passes[4]:
		name = "**" + name
	}
	t.line(2, t.Palette.In(display.Green, name)+"  "+t.Palette.In(display.Faint, about))
	t.text(6, p.Doc)
}

// members writes what is in an entry, a line or two each.
func (t *writer) members(e *Entry) {
	if len(e.Members) == 0 {
		return
	}
	t.line(0, "")
	t.rows(0, e.Members, func(m *Entry) (string, string) {
		name := m.Name
		if m.Kind == KindRow {
			name = strings.TrimPrefix(name, e.Name+".")
		}
		if m.Signature != "" {
			name = m.Signature
		}
		return name, m.Summary
	})
}

// rows writes entries in two columns, what is too long for the first alone on its line.
func (t *writer) rows(indent int, entries []Entry, of func(*Entry) (string, string)) {
	column := 0
	for i := range entries {
		name, _ := of(&entries[i])
		if n := utf8.RuneCountInString(name); n <= maxColumn {
			column = max(column, n)
		}
	}
	column = max(column, 6) + 2
	for i := range entries {
		name, about := of(&entries[i])
		lines := wrap(about, t.Width-indent-column)
		n := utf8.RuneCountInString(name)
		shown := t.Palette.In(display.Green, name)
		if n+2 > column || len(lines) == 0 {
			t.line(indent, shown)
		} else {
			t.line(indent, shown+strings.Repeat(" ", column-n)+lines[0])
			lines = lines[1:]
		}
		for _, line := range lines {
			t.line(indent+column, line)
		}
	}
}

// hanging writes a text behind a word, which takes column characters at least, and goes on below the
// text.
func (t *writer) hanging(indent, column int, word string, c display.Color, text string) {
	if word == "" {
		t.text(indent, text)
		return
	}
	n := utf8.RuneCountInString(word)
	column = max(column, n) + 2
	at := indent + column
	for i, line := range wrap(text, t.Width-at) {
		if i == 0 {
			t.line(indent, t.Palette.In(c, word)+strings.Repeat(" ", column-n)+line)
		} else {
			t.line(at, line)
		}
	}
}

// text writes a text, wrapped.
func (t *writer) text(indent int, text string) {
	for _, line := range wrap(text, t.Width-indent) {
		t.line(indent, line)
	}
}

// code colours a line of an example: what it gives is said in the comment.
func (t *writer) code(line string) string {
	at := strings.LastIndex(line, "  # ")
	if at < 0 {
		return line
	}
	return line[:at] + t.Palette.In(display.Faint, line[at:])
}

// wrap breaks a text into lines of at most width characters, between its words. A line break in the
// text stays, and a line that is indented is code.
func wrap(text string, width int) (lines []string) {
	if text == "" {
		return nil
	}
	for paragraph := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(paragraph, "    ") {
			lines = append(lines, paragraph)
			continue
		}
		line, n := "", 0
		for _, word := range strings.Fields(paragraph) {
			length := utf8.RuneCountInString(word)
			if n > 0 && n+1+length > width {
				lines, line, n = append(lines, line), "", 0
			}
			if n > 0 {
				line, n = line+" ", n+1
			}
			line, n = line+word, n+length
		}
		lines = append(lines, line)
	}
	return lines
}
