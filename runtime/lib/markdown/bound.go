package markdown

import (
	"fmt"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// goldmark takes a time that grows with the square of how deep blocks are nested, of how many
// definitions of links stand in a row, of how many columns a table has, and of how many marks of
// emphasis or brackets one paragraph has: 200 KB of "*a_ " are 25 seconds, and 100 KB of a table
// 500 MB, and nothing can end it meanwhile. Each is bounded here.
const (
	maxNesting     = 100     // blocks in blocks
	maxDefinitions = 1000    // of links, in a row
	maxCells       = 100_000 // of tables; a short row is filled up
	maxMarks       = 256     // of one kind in a paragraph; what comes after is text
)

// bounded returns an error for a text whose blocks are nested too deep, or that has too many
// definitions in a row. It may count what stands in a block of code as nesting.
func bounded(source string) error {
	definitions, columns, cells := 0, 0, 0
	for source != "" {
		var line string
		line, source, _ = strings.Cut(source, "\n")
		depth, rest := nesting(line)
		if depth > maxNesting {
			return fmt.Errorf("the Markdown is nested deeper than %d", maxNesting)
		}
		if strings.TrimSpace(rest) == "" {
			columns = 0
		} else {
			columns = max(columns, columnsOf(line)) // a short row is filled up
		}
		if cells += columns; cells > maxCells {
			return fmt.Errorf("the tables have more than %d cells", maxCells)
		}
		if !strings.HasPrefix(rest, "[") {
			definitions = 0
		} else if definitions++; definitions > maxDefinitions {
			return fmt.Errorf("more than %d definitions of links are in a row", maxDefinitions)
		}
	}
	return nil
}

// columnsOf returns how many columns a table has that a line begins below its head, 0 if it is no
// such line. Whatever a table stands in may come before it.
func columnsOf(line string) int {
	if strings.Trim(line, "|-: \t\r>+*0123456789.)") != "" || !strings.Contains(line, "|") {
		return 0
	}
	return strings.Count(line, "|") + 1
}

// nesting returns how many quotes and lists a line may be in, and what it says. An element of a
// list is indented by two columns at least.
func nesting(line string) (depth int, rest string) {
	indented, n := 0, 0
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == ' ':
			indented++
		case c == '\t':
			indented += 4
		case c == '>':
			n++
		case c == '-' || c == '+' || c == '*':
			if i+1 < len(line) && line[i+1] != ' ' && line[i+1] != '\t' {
				return n + indented/2, line[i:]
			}
			n++
		case '0' <= c && c <= '9':
			end := i
			for end < len(line) && '0' <= line[end] && line[end] <= '9' {
				end++
			}
			if end+1 >= len(line) || line[end] != '.' && line[end] != ')' || line[end+1] != ' ' &&
				line[end+1] != '\t' {
				return n + indented/2, line[i:]
			}
			i = end
			n++
		case n == 0:
			return 0, line[i:] // indented, but no block
		default:
			return n + indented/2, line[i:]
		}
	}
	if n == 0 {
		return 0, ""
	}
	return n + indented/2, ""
}

// The keys of how many marks a paragraph has had.
var (
	brackets = parser.NewContextKey()
	marks    = parser.NewContextKey()
)

// A counted parser of marks takes no more than maxMarks in a paragraph.
type counted struct {
	parser.InlineParser
	key parser.ContextKey
}

var _ parser.CloseBlocker = counted{}

// Parse is parser.InlineParser's. Nil means that what is there is text.
func (c counted) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	if block.Peek() != ']' {
		n, _ := pc.Get(c.key).(int)
		if n >= maxMarks {
			return nil
		}
		pc.Set(c.key, n+1)
	}
	return c.InlineParser.Parse(parent, block, pc)
}

// CloseBlock is parser.CloseBlocker's: the next paragraph begins.
func (c counted) CloseBlock(parent ast.Node, block text.Reader, pc parser.Context) {
	pc.Set(c.key, 0)
	if p, ok := c.InlineParser.(parser.CloseBlocker); ok {
		p.CloseBlock(parent, block, pc)
	}
}
