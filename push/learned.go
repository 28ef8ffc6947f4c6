package push

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A resource goes into the map if it was used at least learnedUses times, and at least learnedShare
// times as often as the page's most used resource, for learnedMost resources of a page. Visits are
// no measure for that: a client that comes back has the resources already.
const (
	learnedUses  = 3
	learnedShare = 0.5
	learnedMost  = 16
)

// Map returns what has been learned.
func (c *Recorder) Map() *Map {
	m := &Map{}
	if c == nil {
		return m
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for path, v := range c.pages {
		if page, ok := v.learned(path); ok {
			m.pages = append(m.pages, page)
		}
	}
	byPattern := func(a, b mapPage) int { return strings.Compare(a.pattern, b.pattern) }
	slices.SortFunc(m.pages, byPattern)
	m.index()
	return m
}

// learned returns the page as one of a map. It is false if there is nothing to say.
func (v *visited) learned(path string) (page mapPage, ok bool) {
	page = mapPage{pattern: path, note: fmt.Sprintf("%.0f visits", math.Ceil(v.visits))}
	if strings.ContainsAny(path, "*# \t") || !plain(path) {
		return page, false // no pattern, as it is
	}
	targets := make([]string, 0, len(v.uses))
	most := 0.0
	for target, u := range v.uses {
		targets = append(targets, target)
		most = max(most, u.count)
	}
	slices.SortFunc(targets, func(a, b string) int {
		if d := v.uses[b].count - v.uses[a].count; d != 0 {
			return int(math.Copysign(1, d))
		}
		return strings.Compare(a, b)
	})
	for _, target := range targets {
		u := v.uses[target]
		if u.count < learnedUses || u.count < learnedShare*most || len(page.links) == learnedMost {
			break
		}
		line := target + " as=" + u.as
		if u.crossOrigin {
			line += " crossorigin"
		}
		link, err := parseResource(line)
		if err != nil {
			continue // it cannot be written
		}
		page.links = append(page.links, link)
		page.lines = append(page.lines, fmt.Sprintf("%s  # %.0f uses", line, u.count))
	}
	return page, len(page.links) > 0
}
