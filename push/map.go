package push

import (
	"io"
	"slices"
	"strings"
)

// A Map says which resources go with which pages, so that they are promised, or hinted, before the
// page's handler runs. It does not change, and is safe for concurrent use. A nil *Map is empty.
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
// A line that begins without a blank is the pattern of a page, or of several, separated by blanks:
// a path, in which * stands for any characters but a slash, and ** for any. A line that begins with
// a blank names a resource of the pages above it: a path or a URL, and then attributes, which are
// those of a Link field (name, name=value or name="value"); rel is preload if it is not given. A
// page has the resources of all patterns that match its path, in the order of the text. A # at the
// beginning of a line or after a blank begins a comment.
type Map struct {
	pages []mapPage
	exact map[string][]int // of the pages whose patterns are paths
	globs []int            // of the others
}

// A mapPage is a pattern of pages, and their resources.
type mapPage struct {
	pattern string
	note    string // a comment
	links   []Link
	lines   []string // the links as they are written, with comments where the map was learned
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
			if len(links) < maxLinks &&
				!slices.ContainsFunc(links, func(o Link) bool { return o.Text == l.Text }) {
				links = append(links, l)
			}
		}
	}
	return links
}

// match reports whether a path matches a pattern. Its time is bounded by the product of their
// lengths.
func match(pattern, path string) bool {
	// Of the last * and the last **, where the pattern goes on after it, -1 if there is none, and
	// how far into the path it goes.
	type star struct{ pattern, path int }
	one, all := star{-1, 0}, star{-1, 0}
	i, j := 0, 0
	for j < len(path) || i < len(pattern) {
		switch {
		case strings.HasPrefix(pattern[i:], "**"):
			i += 2
			all, one = star{i, j}, star{-1, 0}
		case i < len(pattern) && pattern[i] == '*':
			i++
			one = star{i, j}
		case i < len(pattern) && j < len(path) && pattern[i] == path[j]:
			i, j = i+1, j+1
		case one.pattern >= 0 && one.path < len(path) && path[one.path] != '/':
			one.path++
			i, j = one.pattern, one.path
		case all.pattern >= 0 && all.path < len(path):
			all.path++
			one.pattern = -1
			i, j = all.pattern, all.path
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
