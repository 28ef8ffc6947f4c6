package push

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// What a map may have, so that a file that is no map is not taken for one.
const (
	maxMapLine  = 4 << 10
	maxMapPages = 10000
)

// ReadMap reads a map from a file.
func ReadMap(name string) (*Map, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err // it says which file
	}
	defer f.Close()
	return ParseMap(name, f)
}

// ParseMap reads a map from r. Errors name the place as name and the line.
func ParseMap(name string, r io.Reader) (*Map, error) {
	if r == nil {
		return nil, fmt.Errorf("push: %s: nil io.Reader", name)
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxMapLine), maxMapLine)
	var m mapReader
	n := 1
	for ; lines.Scan(); n++ {
		if err := m.read(uncomment(lines.Text())); err != nil {
			return nil, fmt.Errorf("push: %s:%d: %w", name, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("push: %s:%d: %w", name, n, err)
	}
	result := &Map{pages: m.pages}
	result.index()
	return result, nil
}

// uncomment takes a comment off a line.
func uncomment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || blank(line[i-1])) {
			return line[:i]
		}
	}
	return line
}

// A mapReader reads the lines of a map.
type mapReader struct {
	pages []mapPage
	group int  // index of the first of the pages that resources go to
	open  bool // the line before was one of patterns
}

// read reads a line without comments.
func (m *mapReader) read(line string) error {
	words := strings.Fields(line)
	switch {
	case len(words) == 0:
		return nil
	case blank(line[0]):
		m.open = false
		return m.resource(strings.TrimSpace(line))
	}
	if !m.open {
		m.group = len(m.pages)
	}
	m.open = true
	for _, pattern := range words {
		if err := m.pattern(pattern); err != nil {
			return err
		}
	}
	return nil
}

// pattern takes the pattern of a page.
func (m *mapReader) pattern(pattern string) error {
	switch {
	case !strings.HasPrefix(pattern, "/"):
		return fmt.Errorf("the pattern %q does not begin with a slash; resources are indented",
			pattern)
	case strings.ContainsAny(pattern, "?#"):
		return fmt.Errorf("the pattern %q has a query or a fragment: "+
			"only the path of a page is compared", pattern)
	case len(m.pages) == maxMapPages:
		return fmt.Errorf("more than %d patterns", maxMapPages)
	}
	m.pages = append(m.pages, mapPage{pattern: pattern})
	return nil
}

// resource takes a line that names a resource of the pages of the group.
func (m *mapReader) resource(line string) error {
	if len(m.pages) == 0 {
		return errors.New("the resource " + strings.Fields(line)[0] + " has no page: " +
			"write the pattern of a page above it, without a blank before it")
	}
	link, err := parseResource(line)
	if err != nil {
		return err
	}
	for i := range m.pages[m.group:] {
		p := &m.pages[m.group+i]
		if len(p.links) == maxLinks {
			return fmt.Errorf("the page %s has more than %d resources", p.pattern, maxLinks)
		}
		p.links = append(p.links, link)
		p.lines = append(p.lines, line)
	}
	return nil
}

// resourceAttributes are the attributes that a resource of a map may have.
var resourceAttributes = []string{"rel", "as", "type", "media", "crossorigin", "critical", "nopush",
	"fetchpriority", "imagesrcset",
	"imagesizes", "integrity", "referrerpolicy", "x-http2-push-only"}

// parseResource reads a line that names a resource.
func parseResource(line string) (Link, error) {
	target, rest := line, ""
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		target, rest = line[:i], strings.Trim(line[i:], " \t")
	}
	if err := checkResource(target); err != nil {
		return Link{}, err
	}
	text := "<" + target + ">"
	for rest != "" {
		var attribute string
		attribute, rest = cutAttribute(rest)
		name, _, _ := strings.Cut(attribute, "=")
		if !slices.Contains(resourceAttributes, strings.ToLower(name)) {
			return Link{}, fmt.Errorf("the attribute %s is unknown; there are %s", name,
				strings.Join(resourceAttributes, ", "))
		}
		text += "; " + attribute
	}
	if links, _ := ParseLinks([]string{text}); len(links) == 1 && links[0].Rel == "" {
		text = "<" + target + ">; rel=preload" + text[len(target)+2:]
	}
	links, _ := ParseLinks([]string{text})
	if len(links) != 1 || links[0].Text != text {
		return Link{}, fmt.Errorf("the attributes of %s cannot be read", target)
	}
	return links[0], nil
}

// cutAttribute cuts the first attribute off s: up to a blank that is not in quotes.
func cutAttribute(s string) (attribute, rest string) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			if n := quoted(s[i:]); n > 0 {
				i += n - 1
			}
		case blank(s[i]):
			return s[:i], strings.TrimLeft(s[i:], " \t")
		}
	}
	return s, ""
}

// checkResource returns what is wrong with the target of a resource.
func checkResource(target string) error {
	_, _, absolute := cutScheme(target)
	switch {
	case strings.ContainsAny(target, "<>"):
		return fmt.Errorf("the resource %s is written without angle brackets", target)
	case !absolute && !strings.HasPrefix(target, "/"):
		return fmt.Errorf("the resource %s is neither a path nor a URL: "+
			"it begins with a slash or with a scheme", target)
	case !plain(target):
		return fmt.Errorf("the resource %q is not a URL", target)
	}
	return nil
}
