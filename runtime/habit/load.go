package habit

import (
	"fmt"
	"slices"
	"strings"
)

// imports says how to write "import a.b" and "from a import b, c as d". The token is the first.
func (s *spot) imports() string {
	i := s.i + 1
	_, end := s.line(s.i)
	path := ""
	for ; i < end && s.tokens[i].text != "import" && s.tokens[i].text != "as" &&
		s.tokens[i].text != ","; i++ {
		path += s.tokens[i].text
	}
	var names, pairs []string
	if s.at(0) == "from" {
		for i++; i < end; i++ {
			name := s.tokens[i].text
			if !isName(name) {
				continue
			}
			names = append(names, name)
			if i+2 < end && s.tokens[i+1].text == "as" {
				pairs = append(pairs, fmt.Sprintf("%s = %q", s.tokens[i+2].text, name))
				i += 2
			} else {
				pairs = append(pairs, fmt.Sprintf("%q", name))
			}
		}
	}
	return "Starlark has no import" + s.language.load(path, names, pairs)
}

// load says how to load what Python imports as path, and of that the names.
func (l *Language) load(path string, names, pairs []string) string {
	first, _, _ := strings.Cut(path, ".")
	c, known := counterparts()[path]
	if !known {
		c, known = counterparts()[first]
	}
	if known {
		if text := l.instead(c, names); text != "" {
			return "; write " + text
		}
	}
	if m := l.module(first); m != nil {
		return "; write " + m.load(names)
	}
	if slices.Contains(missing(), first) {
		var all []string
		for _, m := range l.Modules {
			all = append(all, "@"+m.Name)
		}
		return fmt.Sprintf(", and no module %s: there are %s, and files; "+
			"write load(\"file.star\", \"name\")", first, strings.Join(all, ", "))
	}
	if len(pairs) == 0 {
		pairs = []string{`"name"`}
	}
	return fmt.Sprintf("; write load(%q, %s)", file(path), strings.Join(pairs, ", "))
}

// load is the statement that loads those of the names that the module has: else the one that is
// called as the module is, or all.
func (m *Module) load(names []string) string {
	var have []string
	for _, name := range names {
		if slices.Contains(m.Names, name) {
			have = append(have, name)
		}
	}
	switch {
	case len(have) > 0:
	case slices.Contains(m.Names, m.Name):
		have = []string{m.Name}
	default:
		have = m.Names
	}
	return fmt.Sprintf("load(\"@%s\", %s)", m.Name, quoted(have))
}

// quoted writes names as load wants them.
func quoted(names []string) string {
	return `"` + strings.Join(names, `", "`) + `"`
}

// file is the script that stands where Python looks for a module.
func file(path string) string {
	name := strings.TrimLeft(path, ".")
	up := max(len(path)-len(name)-1, 0)
	if name == "" {
		name = "file"
	}
	return strings.Repeat("../", up) + strings.ReplaceAll(name, ".", "/") + ".star"
}

// unquoted says how to write a load whose names or module are not strings. The token is the one
// that should be.
func (s *spot) unquoted() string {
	first, end := s.line(s.i)
	if s.tokens[first].text != "load" {
		return ""
	}
	var words []string
	for i := first + 1; i < end; i++ {
		switch text := s.tokens[i].text; {
		case text == "@":
		case isName(text) && i+1 < end && s.tokens[i+1].text == "=":
			words = append(words, text+" = "+quoted([]string{s.at(i + 2 - s.i)}))
			i += 2
		case isName(text) && s.tokens[i-1].text == "@":
			words = append(words, quoted([]string{"@" + text}))
		case isName(text):
			words = append(words, quoted([]string{text}))
		case isText(text):
			words = append(words, text)
		}
	}
	if len(words) == 1 {
		if m := s.language.module(strings.Trim(words[0], `"@`)); m != nil {
			return "load names what it loads; write " + m.load(nil)
		}
		words = append(words, `"name"`)
	}
	return "load takes strings; write load(" + strings.Join(words, ", ") + ")"
}
