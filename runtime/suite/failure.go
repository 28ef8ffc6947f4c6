package suite

import (
	"bytes"
	"errors"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Failure is why a test failed, for a person. Files in it are named as [Suite.Path] has it.
type Failure struct {
	Message string
	// Frames are the lines of script that the test was in, the innermost last. There are none for a file that does not
	// load: its message names the place.
	Frames []Frame
	// Detail are lines that say more: the values of an assert, the backtrace of a program that the test called, with its
	// source between its lines.
	Detail []string
}

// A Frame is a place in a script, with the line that stands there, without its indentation.
type Frame struct {
	File   string
	Line   int
	Func   string
	Source string
}

// Explain says why the test failed. It reads the lines of source from the tree as it is now.
func (s *Suite) Explain(r *Result) *Failure {
	if r.Name == "" {
		return s.diagnose(r)
	}
	f := &Failure{Message: s.renamed(r.Err.Error())}
	for _, at := range stackOf(r.Err) {
		if at.Pos.Line > 0 { // it is no builtin
			f.Frames = append(f.Frames, s.frame(at.Pos.Filename(), int(at.Pos.Line), at.Name))
		}
	}
	if len(f.Frames) == 0 && r.Line > 0 {
		f.Frames = []Frame{s.frame(r.File, r.Line, r.Name)}
	}
	var detailed host.Detailer
	var panicked *runtime.PanicError
	switch {
	case errors.As(r.Err, &detailed):
		f.Detail = s.annotate(detailed.Detail())
	case errors.As(r.Err, &panicked):
		f.Detail = strings.Split(strings.TrimRight(string(panicked.Stack), "\n"), "\n")
	}
	return f
}

func (s *Suite) frame(file string, line int, fn string) Frame {
	return Frame{s.path(file), line, fn, s.source(file, line)}
}

// diagnose is Explain for a file that does not load.
func (s *Suite) diagnose(r *Result) *Failure {
	faults := runtime.Diagnose(r.File, r.Err)
	f := new(Failure)
	for i, d := range faults {
		text := s.source(d.File, d.Line)
		d.File = s.path(d.File)
		if i == 0 {
			f.Message = d.String()
		} else {
			f.Detail = append(f.Detail, d.String())
		}
		if text != "" {
			f.Detail = append(f.Detail, "  "+text)
		}
	}
	return f
}

// stackOf is the stack of the script when the error came up, the outermost frame first.
func stackOf(err error) (stack starlark.CallStack) {
	var limit *runtime.LimitError
	if errors.As(err, &limit) {
		return limit.Stack
	}
	// Each that wraps another knows less of the stack.
	for {
		var eval *starlark.EvalError
		if !errors.As(err, &eval) {
			return stack
		}
		stack, err = eval.CallStack, eval.Unwrap()
	}
}

// path is how a person names a file of the tree.
func (s *Suite) path(file string) string {
	if s.Path == nil {
		return file
	}
	return s.Path(file)
}

// place is a place in a script, as it stands in messages and backtraces.
var place = regexp.MustCompile(`[^\s:"'()]+\.star:\d+`)

// renamed returns the text with the files in it named as a person does.
func (s *Suite) renamed(text string) string {
	return place.ReplaceAllStringFunc(text, func(at string) string {
		file, line, _ := strings.Cut(at, ":")
		if _, err := fs.Stat(s.Config.FS, file); err != nil {
			return at // another tree's
		}
		return s.path(file) + ":" + line
	})
}

// source returns a line of a file without its indentation, "" if it cannot be read or has no such line.
func (s *Suite) source(file string, n int) string {
	src, err := fs.ReadFile(s.Config.FS, file)
	if err != nil || n < 1 {
		return ""
	}
	lines := bytes.Split(src, []byte("\n"))
	if n > len(lines) {
		return ""
	}
	return strings.TrimSpace(string(lines[n-1]))
}

// frameLine is a line of a backtrace, as starlark.CallStack writes it.
var frameLine = regexp.MustCompile(`^  (\S+):(\d+):\d+: in `)

// annotate returns the lines of a text, each that is a frame of a backtrace followed by its line of source.
func (s *Suite) annotate(text string) []string {
	if text == "" {
		return nil
	}
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		at := frameLine.FindStringSubmatch(line)
		if at == nil {
			lines = append(lines, line) // perhaps a value, which is not to be changed
			continue
		}
		lines = append(lines, s.renamed(line))
		n, _ := strconv.Atoi(at[2]) // digits
		if source := s.source(at[1], n); source != "" {
			lines = append(lines, "      "+source)
		}
	}
	return lines
}
