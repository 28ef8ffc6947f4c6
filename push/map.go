package push

import (
	"bufio"
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

// A Map says which resources go with which pages, so that they are promised, or hinted, before the page's handler
// runs. It does not change, and is safe for concurrent use. A nil *Map is empty.
//
// It is read from a text that people write and review:
//
//	# what comes with the pages of the shop
//	/
//	    /static/site.css     as=style critical
//	    /static/site.js      as=script
//	/shop/**
//	    /static/shop.css     as=style
//	    /static/shop.woff2   as=font type=font/woff2 crossorigin
//	    https://cdn.example  rel=preconnect
//
// A line that begins without a blank is the pattern of a page, or of several, separated by blanks: a path, in which * stands for any
// characters but a slash, and ** for any. A line that begins with a blank names a resource of the pages above it: a
// path or a URL, and then attributes, which are those of a Link field (name, name=value or name="value"); rel is preload if it
// is not given. A page has the resources of all patterns that match its path, in the order of the text. A # at the beginning
// of a line or after a blank begins a comment.
type Map struct {
	pages []mapPage
	exact map[string][]int // of the pages whose patterns are paths
	globs []int            // of the others
}

type mapPage struct {
	pattern string
	links   []Link
	lines   []string // the links as they are written, with comments where the map was learned
	note    string
}

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
	m := &Map{}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxMapLine), maxMapLine)
	var current []int // the pages that resources go to
	open := false     // the line before was one of patterns
	n := 0
	for lines.Scan() {
		n++
		fault := func(format string, args ...any) error {
			return fmt.Errorf("push: %s:%d: %s", name, n, fmt.Sprintf(format, args...))
		}
		line := uncomment(lines.Text())
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if !blank(line[0]) {
			if !open {
				current = current[:0]
			}
			open = true
			for _, pattern := range words {
				if !strings.HasPrefix(pattern, "/") {
					return nil, fault("the pattern %q does not begin with a slash; resources are indented", pattern)
				}
				if strings.ContainsAny(pattern, "?#") {
					return nil, fault("the pattern %q has a query or a fragment: only the path of a page is compared", pattern)
				}
				if len(m.pages) == maxMapPages {
					return nil, fault("more than %d patterns", maxMapPages)
				}
				current = append(current, len(m.pages))
				m.pages = append(m.pages, mapPage{pattern: pattern})
			}
			continue
		}
		open = false
		if len(current) == 0 {
			return nil, fault("the resource %s has no page: write the pattern of a page above it, without a blank before it", words[0])
		}
		link, err := parseResource(strings.TrimSpace(line))
		if err != nil {
			return nil, fault("%v", err)
		}
		for _, i := range current {
			if len(m.pages[i].links) == maxLinks {
				return nil, fault("the page %s has more than %d resources", m.pages[i].pattern, maxLinks)
			}
			m.pages[i].links = append(m.pages[i].links, link)
			m.pages[i].lines = append(m.pages[i].lines, strings.TrimSpace(line))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("push: %s:%d: %w", name, n+1, err)
	}
	m.index()
	return m, nil
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

// resourceAttributes are the attributes that a resource of a map may have.
var resourceAttributes = []string{"rel", "as", "type", "media", "crossorigin", "critical", "nopush", "fetchpriority", "imagesrcset",
	"imagesizes", "integrity", "referrerpolicy", "x-http2-push-only"}

// parseResource reads a line that names a resource.
func parseResource(line string) (Link, error) {
	target, rest := line, ""
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		target, rest = line[:i], strings.Trim(line[i:], " \t")
	}
	if strings.ContainsAny(target, "<>") {
		return Link{}, fmt.Errorf("the resource %s is written without angle brackets", target)
	}
	if _, _, absolute := cutScheme(target); !absolute && !strings.HasPrefix(target, "/") {
		return Link{}, fmt.Errorf("the resource %s is neither a path nor a URL: it begins with a slash or with a scheme", target)
	}
	if !plain(target) {
		return Link{}, fmt.Errorf("the resource %q is not a URL", target)
	}
	text := "<" + target + ">"
	for rest != "" {
		var attribute string
		attribute, rest = cutAttribute(rest)
		name, _, _ := strings.Cut(attribute, "=")
		if !slices.Contains(resourceAttributes, strings.ToLower(name)) {
			return Link{}, fmt.Errorf("the attribute %s is unknown; there are %s", name, strings.Join(resourceAttributes, ", "))
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

// index makes what links looks up.
func (m *Map) index() {
	m.exact = make(map[string][]int)
	for i, p := range m.pages {
		if strings.Contains(p.pattern, "*") {
			m.globs = append(m.globs, i)
		} else {
			m.exact[p.pattern] = append(m.exact[p.pattern], i)
		}
	}
}

// links returns the resources of the page with this target, each once, in the order of the text.
func (m *Map) links(target string) []Link {
	if m == nil || len(m.pages) == 0 {
		return nil
	}
	path, _, _ := strings.Cut(target, "?")
	pages := m.exact[path]
	if len(m.globs) > 0 {
		pages = slices.Clone(pages)
		for _, i := range m.globs {
			if match(m.pages[i].pattern, path) {
				pages = append(pages, i)
			}
		}
		slices.Sort(pages)
	}
	if len(pages) == 1 {
		return slices.Clip(m.pages[pages[0]].links)
	}
	var links []Link
	for _, i := range pages {
		for _, l := range m.pages[i].links {
			if len(links) < maxLinks && !slices.ContainsFunc(links, func(o Link) bool { return o.Text == l.Text }) {
				links = append(links, l)
			}
		}
	}
	return links
}

// match reports whether a path matches a pattern. Its time is bounded by the product of their lengths.
func match(pattern, path string) bool {
	// at is where the pattern goes on after the last star, and mark what of the path that star has taken.
	type star struct{ pattern, path int }
	var one, any star // the last * and the last **
	one.pattern, any.pattern = -1, -1
	i, j := 0, 0
	for j < len(path) || i < len(pattern) {
		switch {
		case strings.HasPrefix(pattern[i:], "**"):
			i += 2
			any, one = star{i, j}, star{-1, 0}
		case i < len(pattern) && pattern[i] == '*':
			i++
			one = star{i, j}
		case i < len(pattern) && j < len(path) && pattern[i] == path[j]:
			i, j = i+1, j+1
		case one.pattern >= 0 && one.path < len(path) && path[one.path] != '/':
			one.path++
			i, j = one.pattern, one.path
		case any.pattern >= 0 && any.path < len(path):
			any.path++
			one.pattern = -1
			i, j = any.pattern, any.path
		default:
			return false
		}
	}
	return true
}

// WriteTo writes the map as a text that [ParseMap] reads.
func (m *Map) WriteTo(w io.Writer) (n int64, err error) {
	if m == nil {
		return 0, nil
	}
	var b strings.Builder
	for _, p := range m.pages {
		b.WriteString(p.pattern)
		if p.note != "" {
			b.WriteString("  # " + p.note)
		}
		b.WriteByte('\n')
		for _, line := range p.lines {
			b.WriteString("    " + line + "\n")
		}
	}
	c, err := io.WriteString(w, b.String())
	return int64(c), err
}
