package template

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A source is a file of templates. It is immutable once parsed.
type source struct {
	name   string // in the directory: that of the template
	path   string // in the tree of the application
	text   string
	trees  map[string]*parse.Tree // its own, and what it defines
	shared bool
}

// ext is how the names of templates end.
const ext = ".html"

// layout is the name of the file that a page is shown in.
const layout = "layout.html"

// readSources reads and parses the templates of a directory. The error of those that are wrong is
// [host.Diagnostics].
func readSources(l *host.Load, dir string, functions map[string]any) ([]*source, error) {
	rel := path.Clean(strings.TrimLeft(dir, "/"))
	if !fs.ValidPath(rel) {
		return nil, misusef("the path %s leads out of the application's tree", starlark.String(dir))
	}
	texts, err := l.Read(host.Input{Dir: rel, Ext: ext})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, misusef(
			"there is no directory %s in the application's tree%s", starlark.String(dir),
			host.MeantDirectory(l.Tree, rel),
		)
	}
	if err != nil {
		return nil, err
	}
	if len(texts) == 0 {
		return nil, misusef("no file in %s ends in %s", starlark.String(dir), ext)
	}
	var all []*source
	var found host.Diagnostics
	for _, t := range texts {
		s := newSource(rel, t)
		if d := s.parse(functions); d != nil {
			found = append(found, *d)
		}
		all = append(all, s)
	}
	if len(found) > 0 {
		return nil, found
	}
	return all, nil
}

func newSource(dir string, t host.Text) *source {
	name := t.Name
	if dir != "." {
		name = strings.TrimPrefix(name, dir+"/")
	}
	base := path.Base(name)
	return &source{
		name: name, path: t.Name, text: string(host.Unmarked(t.Content)),
		shared: base == layout || base[0] == '_',
	}
}

// parse parses the text, and says what is wrong with it.
func (s *source) parse(functions map[string]any) *host.Diagnostic {
	if !utf8.ValidString(s.text) {
		d := s.diagnose(0, "the file is not UTF-8: save it as that")
		return &d
	}
	if d := s.foreign(); d != nil {
		return d
	}
	var err error
	s.trees, err = parse.Parse(s.name, s.text, "", "", functions)
	if err != nil {
		d := s.failed(err, functions)
		return &d
	}
	if s.trees[s.name] == nil { // only definitions: text/template forgets what is empty
		s.trees[s.name] = &parse.Tree{Name: s.name, ParseName: s.name, Root: &parse.ListNode{}}
	}
	for name := range s.trees {
		if strings.Contains(name, mangled) {
			d := s.diagnose(0, "the name "+strconv.Quote(name)+" is not for a template")
			return &d
		}
	}
	return nil
}

// failed is the error of the parser, "template: NAME:LINE: MESSAGE", as a diagnostic.
func (s *source) failed(err error, functions map[string]any) host.Diagnostic {
	message := strings.TrimPrefix(err.Error(), "template: ")
	if rest, ok := strings.CutPrefix(message, s.name+":"); ok {
		number, rest, _ := strings.Cut(rest, ":")
		if line, err := strconv.Atoi(number); err == nil {
			if _, begun, ok := strings.Cut(rest, "unclosed action started at "+s.name+":"); ok {
				if n, err := strconv.Atoi(begun); err == nil {
					return s.diagnose(n, "an action is not closed: }} is missing")
				}
			}
			return s.diagnose(line, explained(strings.TrimSpace(rest), functions))
		}
	}
	return s.diagnose(0, message)
}

// diagnose returns a diagnostic of a line, or if that is 0 of the file.
func (s *source) diagnose(line int, message string) host.Diagnostic {
	return host.Diagnostic{Place: host.Place{File: s.path, Line: line}, Message: message}
}

// at returns the place of what stands at an offset of the text.
func (s *source) at(pos parse.Pos) syntax.Position {
	before := s.text[:min(int(pos), len(s.text))]
	line := 1 + strings.Count(before, "\n")
	col := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return syntax.MakePosition(&s.path, int32(line), int32(col))
}

// sees reports whether a page can use a shared file.
func (s *source) sees(shared *source) bool {
	dir := path.Dir(shared.name)
	return shared.shared && (dir == "." || strings.HasPrefix(s.name, dir+"/"))
}

// empty reports whether the file has nothing but definitions.
func (s *source) empty() bool { return parse.IsEmptyTree(s.trees[s.name].Root) }
