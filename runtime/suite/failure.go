package suite

import (
	"errors"
	"io/fs"
	"regexp"
	"strings"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Failure is why a test failed, for a person. Files in it are named as [Suite.Path] has it.
type Failure struct {
	Message string
	// Frames are the lines of script that the test was in, the innermost last. There are none for a
	// file that does not load: its message names the place.
	Frames []Frame
	// Detail are lines that say more: the values of an assert, the backtrace of a program that the
	// test called, with its source between its lines.
	Detail []string
}

// A Frame is a line of a script that a call was in.
type Frame struct {
	host.Place
	Func   string
	Source string // what stands there, without its indentation
}

// Explain says why the test failed. It reads the lines of source from the tree as it is now.
func (s *Suite) Explain(r *Result) *Failure {
	if r.Name == "" {
		return s.diagnose(r)
	}
	f := &Failure{Message: s.renamed(r.Err.Error())}
	for _, at := range stackOf(r.Err) {
		if p := host.PlaceAt(at.Pos); p.Line > 0 { // it is no builtin
			f.Frames = append(f.Frames, s.frame(p, at.Name))
		}
	}
	if len(f.Frames) == 0 && r.Line > 0 {
		f.Frames = []Frame{s.frame(host.Place{File: r.File, Line: r.Line}, r.Name)}
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

func (s *Suite) frame(p host.Place, fn string) Frame {
	source := s.source(p)
	p.File = s.path(p.File)
	return Frame{p, fn, source}
}

// diagnose is Explain for a file that does not load.
func (s *Suite) diagnose(r *Result) *Failure {
	found := runtime.Diagnose(r.File, r.Err)
	f := new(Failure)
	for i, d := range found {
		text := s.source(d.Place)
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
func stackOf(err error) starlark.CallStack {
	var limit *runtime.LimitError
	if errors.As(err, &limit) {
		return limit.Stack
	}
	if eval := host.Innermost(err); eval != nil {
		return eval.CallStack
	}
	return nil
}

// path is how a person names a file of the tree.
func (s *Suite) path(file string) string {
	if s.Path == nil {
		return file
	}
	return s.Path(file)
}

// place is a place in a script, as it stands in messages and backtraces.
var place = regexp.MustCompile(`[^\s:"'()]+\.star:\d+(:\d+)?`)

// renamed returns the text with the files in it named as a person does.
func (s *Suite) renamed(text string) string {
	return place.ReplaceAllStringFunc(text, func(at string) string {
		p, ok := host.ParsePlace(at)
		if _, err := fs.Stat(s.Config.FS, p.File); !ok || err != nil {
			return at // another tree's
		}
		p.File = s.path(p.File)
		return p.String()
	})
}

// source returns a line of a file without its indentation, "" if it cannot be read or has no such
// line.
func (s *Suite) source(p host.Place) string {
	for _, l := range host.Excerpt(s.Config.FS, p, 0) {
		return strings.TrimSpace(l.Text)
	}
	return ""
}

// annotate returns the lines of a text, each that is a frame of a backtrace followed by its line of
// source.
func (s *Suite) annotate(text string) []string {
	if text == "" {
		return nil
	}
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		at, ok := host.FramePlace(line)
		if !ok {
			lines = append(lines, line) // perhaps a value, which is not to be changed
			continue
		}
		lines = append(lines, s.renamed(line))
		if source := s.source(at); source != "" {
			lines = append(lines, "      "+source)
		}
	}
	return lines
}
