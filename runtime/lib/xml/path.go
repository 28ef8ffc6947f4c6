package xml

import (
	"fmt"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
)

// maxSteps is how many steps a path may have.
const maxSteps = 10

// A step leads from elements to some that are in them.
type step struct {
	deep  bool   // at any depth below
	name  string // "*" is any
	wants []predicate
}

// A predicate says which of the elements of one parent are wanted.
type predicate struct {
	attribute, child string // "." is the element itself
	value            *string
	position         int // from 1 on; -1 is the last
}

// findAll returns the elements that a path leads to, each once.
func (e *element) findAll(path string) ([]*element, error) {
	steps, err := parsePath(path)
	if err != nil {
		return nil, fmt.Errorf("path %.100q: %w", path, err)
	}
	at := []*element{e}
	for _, s := range steps {
		at = s.from(at)
	}
	return at, nil
}

// parsePath reads the part of XPath that Python's ElementTree has, but for the parent.
func parsePath(path string) ([]step, error) {
	if path == "" || strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("it begins at the element: write a name, * or .//")
	}
	var steps []step
	deep := false
	for rest := path; ; {
		part := rest[:segment(rest)]
		rest = rest[len(part):]
		switch {
		case part == "" && deep, part == "" && rest == "":
			return nil, fmt.Errorf("there is no name behind /")
		case part == "":
			deep = true
		case part == "." && !deep:
		default:
			s, err := parseStep(part)
			if err != nil {
				return nil, err
			}
			s.deep, deep = deep, false
			steps = append(steps, s)
		}
		if len(steps) > maxSteps {
			return nil, fmt.Errorf("it has more than %d steps", maxSteps)
		}
		if rest == "" {
			if deep {
				return nil, fmt.Errorf("there is no name behind //")
			}
			return steps, nil
		}
		rest = rest[1:]
	}
}

// segment is how long the first step is: a slash in a namespace or in quotes is not its end.
func segment(path string) int {
	var closing byte
	for i := range len(path) {
		switch c := path[i]; {
		case closing != 0:
			if c == closing {
				closing = 0
			}
		case c == '{':
			closing = '}'
		case c == '\'' || c == '"':
			closing = c
		case c == '/':
			return i
		}
	}
	return len(path)
}

func parseStep(part string) (step, error) {
	end := 0
	if strings.HasPrefix(part, "{") {
		end = strings.IndexByte(part, '}') + 1
	}
	if i := strings.IndexByte(part[end:], '['); i >= 0 {
		end += i
	} else {
		end = len(part)
	}
	s := step{name: part[:end]}
	if s.name == "" || s.name == ".." || strings.ContainsAny(s.name[:1], "@[]=()") {
		return s, fmt.Errorf("%.40q is no name of an element", part)
	}
	for rest := part[end:]; rest != ""; {
		inside, after, ok := strings.Cut(rest[1:], "]")
		if rest[0] != '[' || !ok {
			return s, fmt.Errorf("%.40q: want [...]", rest)
		}
		p, err := parsePredicate(strings.TrimSpace(inside))
		if err != nil {
			return s, err
		}
		if s.wants = append(s.wants, p); len(s.wants) > maxSteps {
			return s, fmt.Errorf("it has more than %d conditions", maxSteps)
		}
		rest = after
	}
	return s, nil
}

func parsePredicate(text string) (p predicate, err error) {
	if text == "last()" {
		return predicate{position: -1}, nil
	}
	if n, err := strconv.Atoi(text); err == nil {
		if n < 1 {
			return p, fmt.Errorf("[%d]: positions begin at 1", n)
		}
		return predicate{position: n}, nil
	}
	left, right, compared := strings.Cut(text, "=")
	left, right = strings.TrimSpace(left), strings.TrimSpace(right)
	if compared {
		n := len(right)
		if n < 2 || right[0] != '\'' && right[0] != '"' || right[n-1] != right[0] {
			return p, fmt.Errorf("[%.40s]: write the value in quotes", text)
		}
		value := right[1 : n-1]
		p.value = &value
	}
	if name, ok := strings.CutPrefix(left, "@"); ok {
		p.attribute = name
	} else {
		p.child = left
	}
	if p.attribute == "" && p.child == "" || strings.ContainsAny(left, "()[]!<>") ||
		p.child == "." && !compared {
		return p, fmt.Errorf("[%.40s]: want a position, last(), @name, name, or one of these = 'value'",
			text)
	}
	return p, nil
}

// from returns what the step leads to from some elements, each once and in their order.
func (s *step) from(elements []*element) []*element {
	var to []*element
	if s.name == "." && !s.deep {
		return s.filter(elements, nil)
	}
	seen := make(map[*element]bool) // that whose children were looked at
	var look func(e *element)
	look = func(e *element) {
		if seen[e] {
			return
		}
		seen[e] = true
		to = s.filter(e.children, to)
		if s.deep {
			for _, child := range e.children {
				look(child)
			}
		}
	}
	for _, e := range elements {
		look(e)
	}
	return ordered(elements, to, s.deep)
}

// ordered returns to in the order of the document, where a step at any depth found children before
// what is in an earlier sibling of theirs.
func ordered(from, to []*element, deep bool) []*element {
	if !deep || len(to) < 2 {
		return to
	}
	want := make(map[*element]bool, len(to))
	for _, e := range to {
		want[e] = true
	}
	sorted := make([]*element, 0, len(to))
	var walk func(e *element)
	seen := make(map[*element]bool)
	walk = func(e *element) {
		if seen[e] {
			return
		}
		seen[e] = true
		for _, child := range e.children {
			if want[child] {
				want[child] = false
				sorted = append(sorted, child)
			}
			walk(child)
		}
	}
	for _, e := range from {
		walk(e)
	}
	return sorted
}

// filter appends those of the children of one element that the step wants.
func (s *step) filter(children, to []*element) []*element {
	var named []*element
	for _, child := range children {
		if s.name == "*" || s.name == "." || s.name == child.tag {
			named = append(named, child)
		}
	}
	for _, p := range s.wants {
		named = p.filter(named)
	}
	return append(to, named...)
}

func (p *predicate) filter(elements []*element) []*element {
	var to []*element
	for i, e := range elements {
		wanted := p.position == i+1 || p.position == -1 && i == len(elements)-1
		if wanted || p.position == 0 && p.holds(e) {
			to = append(to, e)
		}
	}
	return to
}

func (p *predicate) holds(e *element) bool {
	switch {
	case p.attribute != "":
		v, found, _ := e.attrib.Get(starlark.String(p.attribute))
		return found && (p.value == nil || v == starlark.String(*p.value))
	case p.child == ".":
		return e.says(*p.value)
	}
	for _, child := range e.children {
		if (p.child == "*" || child.tag == p.child) && (p.value == nil || child.says(*p.value)) {
			return true
		}
	}
	return false
}
