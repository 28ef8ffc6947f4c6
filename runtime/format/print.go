package format

import (
	"bytes"
	"strings"
)

const tab = 4

// A printer writes tokens.
type printer struct {
	tokens []token
	out    bytes.Buffer

	levels []int     // the columns in the source that blocks begin at, the outermost first
	open   []bracket // that are open
	line   int       // how far the present line is indented
	stmt   int       // how far the present statement is
	header bool      // the present statement begins a block
	def    bool      // that of a function
	inDef  bool      // the last statement at the top level was a function
	block  bool      // nothing was written yet in the block, or at all
}

// A bracket is one that is open.
type bracket struct {
	indent int // of the line that it is on
	within int // of lines inside it
}

func (p *printer) print() []byte {
	p.block = true
	for i := 0; i < len(p.tokens); {
		i = p.statement(i)
	}
	if p.out.Len() > 0 {
		p.out.WriteByte('\n')
	}
	return p.out.Bytes()
}

// statement writes the comments and then the line of a statement that begin with token i, and
// returns where the next begins.
func (p *printer) statement(i int) int {
	code := i
	for code < len(p.tokens) && p.tokens[code].kind == comment {
		code++
	}
	if code == len(p.tokens) {
		p.comments(i, code, -1, 0, p.levels)
		return code
	}
	first, old := &p.tokens[code], p.levels
	level := p.indent(first)
	def := level == 0 && first.is("def")
	attached := -1 // the first of what stands apart from what is above the function
	if def {
		attached = code
		for attached > i && p.tokens[attached].lines < 2 {
			attached--
		}
	}
	p.comments(i, code, attached, level, old)
	p.begin(first, level*tab, level == 0 && (p.inDef || code == attached))
	if level == 0 {
		p.inDef = def
	}
	p.header, p.def = first.is(headers...), first.is("def")
	p.stmt = p.line
	return p.rest(code)
}

// comments writes the comments from token i to code, which is a statement at that level, or the
// end. A comment stands with what it was indented like, from the block above it, whose levels are
// old, to what is below it.
func (p *printer) comments(i, code, attached, level int, old []int) {
	at := max(len(old)-1, level)
	for ; i < code; i++ {
		t := &p.tokens[i]
		for at > level && at < len(old) && old[at] > t.col {
			at--
		}
		p.begin(t, at*tab, at == 0 && (p.inDef || i == attached))
		p.out.WriteString(t.text)
		p.inDef = p.inDef && at > 0
	}
}

// indent returns the level of the block that a line is in whose first token is t.
func (p *printer) indent(t *token) int {
	p.levels = p.levels[:len(p.levels):len(p.levels)]
	for len(p.levels) > 1 && p.levels[len(p.levels)-1] > t.col {
		p.levels = p.levels[:len(p.levels)-1]
	}
	if t.col > p.levels[len(p.levels)-1] {
		p.levels = append(p.levels, t.col)
	}
	return len(p.levels) - 1
}

// begin begins a line.
func (p *printer) begin(t *token, indent int, apart bool) {
	if p.out.Len() > 0 {
		p.out.WriteByte('\n')
		if (apart || t.lines > 1) && !p.block {
			p.out.WriteByte('\n')
		}
	}
	p.block = false
	p.indentTo(indent)
}

func (p *printer) indentTo(n int) {
	p.line = n
	p.out.WriteString(strings.Repeat(" ", n))
}

// rest writes the line of statements that begins with token i, which may go over many lines and be
// written on many, and returns where the next begins.
func (p *printer) rest(i int) int {
	p.token(i)
	for i++; i < len(p.tokens); i++ {
		prev, t := p.before(i), &p.tokens[i]
		ended := p.tokens[i-1].is(";") && len(p.open) == 0
		switch {
		case len(p.open) > 0 && t.lines > 0:
			p.continued(t, i)
		case t.lines > 0:
			p.block = prev.role == headerEnds
			return i
		case t.kind == comment:
			p.out.WriteString("  ")
		case prev.role == headerEnds:
			p.header, p.def = false, false
			p.stmt += tab
			p.next()
		case ended:
			p.next()
		case len(p.open) == 0 && t.cont && !t.is(";"):
			p.out.WriteString(" \\\n")
			p.indentTo(p.deeper(p.stmt))
		case spaced(prev, t):
			p.out.WriteByte(' ')
		}
		p.token(i)
	}
	return i
}

// before is the last token before i that is no comment.
func (p *printer) before(i int) *token {
	for i--; i > 0 && p.tokens[i].kind == comment; i-- {
	}
	return &p.tokens[i]
}

// next begins a line for a statement that shared one.
func (p *printer) next() {
	p.out.WriteByte('\n')
	p.indentTo(p.stmt)
}

// continued begins a line inside brackets.
func (p *printer) continued(t *token, i int) {
	top := p.open[len(p.open)-1]
	p.out.WriteByte('\n')
	switch {
	case t.closes():
		p.indentTo(top.indent)
		return
	case t.lines > 1 && !p.tokens[i-1].opens():
		p.out.WriteByte('\n')
	}
	p.indentTo(top.within)
}

// deeper is where the lines go that continue one. Those of a header go further than its block.
func (p *printer) deeper(n int) int {
	if p.header && n == p.stmt {
		return n + 2*tab
	}
	return n + tab
}

// closesApart reports whether the bracket that is token i closes at the beginning of a line.
func (p *printer) closesApart(i int) bool {
	depth := 0
	for ; i < len(p.tokens); i++ {
		switch t := &p.tokens[i]; {
		case t.opens():
			depth++
		case t.closes():
			if depth--; depth == 0 {
				return t.lines > 0
			}
		}
	}
	return false
}

// token writes token i itself.
func (p *printer) token(i int) {
	switch t := &p.tokens[i]; {
	case t.is(";") && len(p.open) == 0: // a statement has its own line
	case t.kind == str:
		p.out.WriteString(requote(t.text))
	default:
		p.out.WriteString(t.text)
		if t.opens() {
			within := p.deeper(p.line)
			if p.header && !p.def && p.closesApart(i) {
				within = p.line + tab // what closes it stands between what is in it and the block
			}
			p.open = append(p.open, bracket{p.line, within})
		} else if t.closes() && len(p.open) > 0 {
			p.open = p.open[:len(p.open)-1]
		}
	}
}

// spaced reports whether there is a space between two tokens of a line.
func spaced(a, b *token) bool {
	switch {
	case b.is(",", ";", ":") || b.closes() || a.opens() || a.role == unary || a.role == sliced:
		return false
	case a.kind == number && b.is("."):
		return true // 1.x is a number
	case a.is(".") || b.is("."):
		return false
	case b.opens():
		return b.role == group || b.role == display
	}
	return true
}
