// Package scripttest is the language of the scripts in the testdata/script of runtime, server,
// server/apptest and cmd/larkspur. It is that of testscript of go-internal; a package adds commands
// and conditions of its own, as a [Language]. Its README.md is made from that, so that whoever
// opens the directory of a script reads what a script may say.
//
// The package is for tests only. It lies below testdata so that it is neither built nor shown with
// the packages of the module.
package scripttest

import (
	"flag"
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// dir is where a package has its scripts.
const dir = "testdata/script"

var update = flag.Bool("update", false, "rewrite the README.md of scripts and what cmp compares")

// A Language is what the scripts of a package may say.
type Language struct {
	// About says what a script of the package is, in Markdown.
	About string
	// Example is the name of a script that shows what they look like. "" is for none.
	Example string
	// Commands are those of the package, beside those of testscript.
	Commands []Command
	// Conditions are those of the package, beside those of testscript.
	Conditions []Condition
}

// A Command is the first word of a line.
type Command struct {
	// Usage is the command and its arguments: upper case is what a script fills in, brackets are
	// around what may be left out, "..." follows what may be repeated, and "[!] " comes before all
	// if the command may be negated. A script that keeps to anything else fails.
	Usage string
	// Doc says what the command does, in Markdown.
	Doc string
	Run func(ts *testscript.TestScript, neg bool, args []string)
}

// A Condition is a word in brackets before a command.
type Condition struct{ Name, Doc string }

// Params are what testscript runs the scripts with. With -update a cmp that fails rewrites its
// second file.
func (l *Language) Params() testscript.Params {
	commands := make(map[string]func(*testscript.TestScript, bool, []string))
	for _, c := range l.Commands {
		commands[c.name()] = c.run
	}
	return testscript.Params{
		Dir: dir, Cmds: commands, UpdateScripts: *update,
		RequireExplicitExec: true, RequireUniqueNames: true,
	}
}

func (c *Command) name() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(c.Usage, "[!] "), " ")
	return name
}

// run runs the command if it is used as it says.
func (c *Command) run(ts *testscript.TestScript, neg bool, args []string) {
	usage, negatable := strings.CutPrefix(c.Usage, "[!] ")
	if neg && !negatable {
		ts.Fatalf("unsupported: ! %s", c.name())
	}
	if least, most := arity(usage); len(args) < least || most >= 0 && len(args) > most {
		ts.Fatalf("usage: %s", c.Usage)
	}
	c.Run(ts, neg, args)
}

// arity counts the arguments of a usage: at least, and at most, which is -1 if there is no end.
func arity(usage string) (least, most int) {
	depth := 0 // of brackets
	for _, word := range strings.Fields(usage)[1:] {
		most++
		depth += strings.Count(word, "[")
		if depth == 0 {
			least++
		}
		depth -= strings.Count(word, "]")
	}
	if strings.Contains(usage, "...") {
		return least, -1
	}
	return least, most
}

// Text is an argument that may have the escapes of a Go string, such as \r, \xff or \\.
func Text(arg string) (string, error) {
	var b strings.Builder
	for rest := arg; rest != ""; {
		r, multibyte, tail, err := strconv.UnquoteChar(rest, 0)
		if err != nil {
			return "", fmt.Errorf("%s: a backslash begins an escape, as in Go: write \\\\ for one", arg)
		}
		if multibyte {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		rest = tail
	}
	return b.String(), nil
}

// AtEnd has check called when a script has come to its end. An error fails the script at its last
// line.
func AtEnd(env *testscript.Env, check func() error) {
	t := env.T().(testing.TB) // testscript.Run promises that
	env.Defer(func() {
		if t.Failed() || t.Skipped() {
			return
		}
		if err := check(); err != nil {
			s := read(t, filepath.Join(dir, path.Base(t.Name())+".txtar"))
			t.Errorf("%s:%d: at the end: %v", s.path, len(s.Lines), err)
		}
	})
}
