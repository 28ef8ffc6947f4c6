package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/prompt"
	"go.starlark.net/starlark"
	"golang.org/x/term"
)

// A pipe gives the lines that are piped in.
type pipe struct{ r *bufio.Reader }

func newPipe(r io.Reader) *pipe { return &pipe{bufio.NewReader(r)} }

func (p *pipe) line(bool) ([]byte, error) {
	line, err := p.r.ReadBytes('\n')
	if err == io.EOF && len(line) > 0 {
		return append(line, '\n'), nil
	}
	return line, err
}

// An editor gives the lines that are edited at one. It is raw only while a line is read, so that
// Ctrl-C is a signal while a statement runs.
type editor struct {
	fd      int
	t       *term.Terminal
	dropped bool // Ctrl-C was typed
}

// openTerminal returns the lines of the terminal that stdin and stdout are, and what to do in the
// end; nil if they are none. complete completes what ends at pos.
func openTerminal(
	stdin io.Reader, stdout io.Writer, complete func(line string, pos int) (string, int),
) (lines, func()) {
	in, ok := stdin.(*os.File)
	out, same := stdout.(*os.File)
	if !ok || !same || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return nil, nil
	}
	t := &editor{fd: int(in.Fd())}
	t.t = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{&keys{in, t}, out}, "")
	t.t.AutoCompleteCallback = func(line string, pos int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		line, pos = complete(line, pos)
		return line, pos, true
	}
	return t, func() { _, _ = io.WriteString(out, "\n") }
}

func (t *editor) line(first bool) ([]byte, error) {
	state, err := term.MakeRaw(t.fd)
	if err != nil {
		return nil, err
	}
	defer func() { _ = term.Restore(t.fd, state) }()
	if width, height, err := term.GetSize(t.fd); err == nil && width > 0 {
		_ = t.t.SetSize(width, height)
	}
	t.t.SetPrompt("... ")
	if first {
		t.t.SetPrompt(">>> ")
	}
	line, err := t.t.ReadLine()
	switch {
	case t.dropped:
		t.dropped = false
		return nil, errDropped
	case err != nil && err != term.ErrPasteIndicator:
		return nil, err
	}
	return []byte(line + "\n"), nil
}

// keys are what is typed, and Ctrl-C, which package term takes for the end, is to it as if the line
// were wiped and entered.
type keys struct {
	r io.Reader
	t *editor
}

func (k *keys) Read(p []byte) (int, error) {
	const ctrlC, wipe = '\x03', "\x05\x15\r" // Ctrl-E, Ctrl-U, Enter
	n, err := k.r.Read(p[:max(len(p)/len(wipe), 1)])
	if i := bytes.IndexByte(p[:n], ctrlC); i >= 0 && i+len(wipe) <= len(p) {
		k.t.dropped = true
		n = i + copy(p[i:], wipe)
	}
	return n, err
}

// inName are the characters of names, with dots.
const inName = "_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// complete returns what completes a name, perhaps with dots, of a session.
func complete(s *prompt.Session) func(line string, pos int) (string, int) {
	return func(line string, pos int) (string, int) {
		return completed(line, pos, func(before string) []string {
			path := strings.Split(before, ".")
			if len(path) > 1 {
				return attributes(s.Value(path[0]), path[1:len(path)-1])
			}
			return s.Names()
		})
	}
}

// completed completes the word that ends at pos, of which what is behind the last dot is one of the
// names that there are for it, as far as there is one way to.
func completed(line string, pos int, names func(word string) []string) (string, int) {
	word := line[len(strings.TrimRight(line[:pos], inName)):pos]
	stem := word[strings.LastIndexByte(word, '.')+1:]
	common, found := "", false
	for _, name := range names(word) {
		switch {
		case !strings.HasPrefix(name, stem):
		case !found:
			common, found = name, true
		default:
			common = prefix(common, name)
		}
	}
	if !found {
		return line, pos
	}
	return line[:pos] + common[len(stem):] + line[pos:], pos + len(common) - len(stem)
}

// prefix is what both begin with.
func prefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// attributes are the names of the attributes of what path leads to from v.
func attributes(v starlark.Value, path []string) []string {
	for _, name := range path {
		has, ok := v.(starlark.HasAttrs)
		if !ok {
			return nil
		}
		v, _ = has.Attr(name) // without it there is nothing to complete
	}
	if has, ok := v.(starlark.HasAttrs); ok {
		return has.AttrNames()
	}
	return nil
}
