package suite

import (
	"bytes"
	"errors"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/runtime"
	"go.starlark.net/starlark"
)

// A Failure is why a test failed, for a person.
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
	File   string // path in the tree
	Line   int
	Func   string
	Source string
}

// Explain says why the test failed. It reads the lines of source from the tree as it is now.
func (s *Suite) Explain(r *Result) *Failure {
	f := &Failure{Message: r.Err.Error()}
	src := sources{tree: s.Config.FS}
	if r.Name == "" {
		f.diagnose(r, src)
		return f
	}
	for _, at := range stackOf(r.Err) {
		if at.Pos.Line < 1 {
			continue // a builtin
		}
		frame := Frame{File: at.Pos.Filename(), Line: int(at.Pos.Line), Func: at.Name}
		frame.Source = strings.TrimSpace(src.line(frame.File, frame.Line))
		f.Frames = append(f.Frames, frame)
	}
	if len(f.Frames) == 0 && r.Line > 0 {
		f.Frames = []Frame{{r.File, r.Line, r.Name, strings.TrimSpace(src.line(r.File, r.Line))}}
	}
	var detailed interface{ Detail() string }
	var panicked *runtime.PanicError
	switch {
	case errors.As(r.Err, &detailed):
		f.Detail = src.annotate(detailed.Detail())
	case errors.As(r.Err, &panicked):
		f.Detail = strings.Split(strings.TrimRight(string(panicked.Stack), "\n"), "\n")
	}
	return f
}

// diagnose is Explain for a file that does not load.
func (f *Failure) diagnose(r *Result, src sources) {
	faults := runtime.Diagnose(r.File, r.Err)
	f.Message = faults[0].Msg
	for _, d := range faults {
		if d.Line > 0 {
			f.Detail = append(f.Detail, d.String())
			if text := strings.TrimSpace(src.line(d.File, d.Line)); text != "" {
				f.Detail = append(f.Detail, "    "+text)
			}
		} else if len(faults) > 1 {
			f.Detail = append(f.Detail, d.String())
		}
	}
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

// sources gives lines of the files of a tree.
type sources struct{ tree fs.FS }

// line returns a line of a file, "" if it cannot be read or has no such line.
func (s sources) line(file string, n int) string {
	src, err := fs.ReadFile(s.tree, file)
	if err != nil || n < 1 {
		return ""
	}
	lines := bytes.Split(src, []byte("\n"))
	if n > len(lines) {
		return ""
	}
	return string(lines[n-1])
}

// frameLine is a line of a backtrace, as starlark.CallStack writes it.
var frameLine = regexp.MustCompile(`^  (\S+):(\d+):\d+: in `)

// annotate returns the lines of a text, each that is a frame of a backtrace followed by its line of source.
func (s sources) annotate(text string) []string {
	if text == "" {
		return nil
	}
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		lines = append(lines, line)
		if at := frameLine.FindStringSubmatch(line); at != nil {
			n, _ := strconv.Atoi(at[2]) // digits
			if source := strings.TrimSpace(s.line(at[1], n)); source != "" {
				lines = append(lines, "      "+source)
			}
		}
	}
	return lines
}
