// Package format lays out Starlark source in one style, as gofmt does for Go.
//
// It keeps the lines that the author made, and settles what is between them: four spaces a level,
// one space around operators, none inside brackets, a statement a line, at most one blank line and
// always one around a function at the top level, a comma after the last item of a list whose
// bracket closes on a line of its own, double quotes where nothing needs to be escaped for it. It
// never breaks or joins a line of an expression.
//
// The formatter of Bazel's buildtools cannot read this dialect: its grammar has neither bytes
// literals nor while. This one works on the tokens, of which there are few kinds, and leaves it to
// the language's own parser to say that nothing was lost: what does not parse to the same tree,
// with the same comments, is not returned.
package format

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/syntax"
)

// maxSource is how many bytes a file may have: the limit that a program is loaded with.
const maxSource = 1 << 20

// dialect accepts every construct that a file may have; the difference is for the resolver.
var dialect = syntax.FileOptions{
	Set: true, While: true, TopLevelControl: true, GlobalReassign: true, Recursion: true,
}

// ErrChanged is the error of a source that would have meant something else once formatted. It is a
// fault of this package, not of the source.
var ErrChanged = errors.New("formatting would change what the file means; " +
	"it was left as it is (please report it)")

// Source returns src as it should be laid out. The name is for the error, which is a syntax.Error
// if src does not parse. Formatting what was formatted changes nothing.
func Source(name string, src []byte) ([]byte, error) {
	if len(src) > maxSource {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxSource)
	}
	if bytes.IndexByte(src, 0) >= 0 {
		return nil, fmt.Errorf("%s: it has a NUL byte, at which the language takes it to end", name)
	}
	src = host.Unmarked(src)
	before, err := outline(name, src)
	if err != nil {
		return nil, err
	}
	p := printer{tokens: arrange(scan(newlines(src))), levels: []int{0}}
	out := p.print()
	after, err := outline(name, out)
	if err != nil || before != after {
		return nil, fmt.Errorf("%s: %w", name, ErrChanged)
	}
	return out, nil
}

// outline parses src and returns its tree as text, all of it but for positions and how literals are
// spelt, and the comments. The parser would keep comments too, but not all: of two behind one
// expression it loses one.
func outline(name string, src []byte) (string, error) {
	f, err := dialect.Parse(name, src, 0)
	if err != nil {
		return "", err
	}
	var t tree
	t.write(f)
	for _, c := range scan(newlines(src)) {
		if c.kind == comment {
			fmt.Fprintf(&t, "\n%s", c.text)
		}
	}
	return t.String(), nil
}

// newlines are those of Unix, which is how the language reads all others.
func newlines(src []byte) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(src))
}
