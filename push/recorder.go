package push

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Recorder learns which resources go with which pages from what clients ask for: a resource whose request names a page
// in its Referer goes with that page, and one that names a stylesheet goes with the pages of the stylesheet. It learns only what could be
// promised, and nothing of who asked. What it has learned is a [Map], for people to review. The zero value works. It must not be copied
// or changed after its first use, is safe for concurrent use, and has bounds; nil learns nothing.
type Recorder struct {
	// MaxPages is how many pages are kept, the most visited. Zero means 256.
	MaxPages int
	// MaxResources is how many resources of a page are kept, the most used. Zero means 32.
	MaxResources int
	// HalfLife is after which time a visit counts half. Zero means 24 hours.
	HalfLife time.Duration

	mu      sync.Mutex
	pages   map[string]*visited
	decayed time.Time
}

// A visited is a page that was visited.
type visited struct {
	visits float64
	uses   map[string]*use // of resources, by target
}

// A use is a resource that was used on a page.
type use struct {
	count       float64
	as          string
	crossOrigin bool
}

// What a recorder keeps of a name.
const (
	maxPagePath       = 512
	maxResourceTarget = 1024
)

// Of what is learned, a map gets what was used at least so often, and at least so often as compared with the resource of
// the page that was used most. Visits do not serve for that: a client that comes back has the resources already.
const (
	learnedUses  = 3
	learnedShare = 0.5
	learnedMost  = 16
)

// observe learns from the request of p, which gets a response with this status and header.
func (c *Recorder) observe(p *page, status int, header http.Header, now time.Time) {
	r := p.request
	if c == nil || r.Method != http.MethodGet || status != http.StatusOK && status != http.StatusNotModified {
		return
	}
	path, _, _ := strings.Cut(p.target, "?")
	if isDocument(r, header) {
		if len(path) <= maxPagePath {
			c.visit(path, now)
		}
		return
	}
	as := usedAs(r, p.target)
	referer, ok := p.referer()
	if !ok || as == "" || !storable(header) || len(p.target) > maxResourceTarget {
		return
	}
	c.use(referer, p.target, use{as: as, crossOrigin: as == "font" || r.Header.Get("Sec-Fetch-Mode") == "cors"}, now)
}

// isDocument reports whether a response is a page, as opposed to a resource of one.
func isDocument(r *http.Request, header http.Header) bool {
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" {
		return dest == "document"
	}
	media, _, _ := strings.Cut(first(header, "Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(media), "text/html")
}

// usedAs returns what a client wants a resource for, "" if it is nothing that is worth a push.
func usedAs(r *http.Request, target string) string {
	switch dest := r.Header.Get("Sec-Fetch-Dest"); dest {
	case "style", "script", "font", "image":
		return dest
	case "":
		return destination(target)
	}
	return ""
}

// referer returns the target of the page of this origin that the request names.
func (p *page) referer() (target string, ok bool) {
	u, err := url.Parse(first(p.request.Header, "Referer"))
	if err != nil || u.Scheme != p.origin.scheme || normalAuthority(u.Scheme, u.Host) != p.origin.authority {
		return "", false
	}
	return u.RequestURI(), true
}

func (c *Recorder) visit(path string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.decay(now)
	v := c.pages[path]
	if v == nil {
		if len(c.pages) >= orDefault(c.MaxPages, 256) {
			delete(c.pages, rarest(c.pages, func(v *visited) float64 { return v.visits }))
		}
		if c.pages == nil {
			c.pages = make(map[string]*visited)
		}
		v = &visited{uses: make(map[string]*use)}
		c.pages[path] = v
	}
	v.visits++
}

// use counts a resource for the pages that referer stands for: one that was visited, or those that use it as a stylesheet. Names that
// a client makes up are neither.
func (c *Recorder) use(referer, target string, u use, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.decay(now)
	path, _, _ := strings.Cut(referer, "?")
	if v := c.pages[path]; v != nil {
		v.add(target, u, orDefault(c.MaxResources, 32))
		return
	}
	for _, v := range c.pages {
		if s := v.uses[referer]; s != nil && s.as == "style" {
			v.add(target, u, orDefault(c.MaxResources, 32))
		}
	}
}

func (v *visited) add(target string, u use, most int) {
	known := v.uses[target]
	if known == nil {
		if len(v.uses) >= most {
			delete(v.uses, rarest(v.uses, func(u *use) float64 { return u.count }))
		}
		known = &u
		v.uses[target] = known
	}
	known.count++
}

// rarest returns the key of the entry that counts least.
func rarest[T any](m map[string]T, count func(T) float64) (key string) {
	least := math.Inf(1)
	for k, v := range m {
		if n := count(v); n < least {
			key, least = k, n
		}
	}
	return key
}

// decay halves what was counted, once for each half-life that has gone by, and forgets what is next to nothing.
func (c *Recorder) decay(now time.Time) {
	half := orDefault(c.HalfLife, 24*time.Hour)
	if c.decayed.IsZero() {
		c.decayed = now
	}
	n := int(now.Sub(c.decayed) / half)
	if n <= 0 {
		return
	}
	c.decayed = c.decayed.Add(time.Duration(n) * half)
	factor := math.Pow(0.5, float64(n))
	for path, v := range c.pages {
		v.visits *= factor
		for target, u := range v.uses {
			if u.count *= factor; u.count < 0.25 {
				delete(v.uses, target)
			}
		}
		if v.visits < 0.25 {
			delete(c.pages, path)
		}
	}
}

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
	slices.SortFunc(m.pages, func(a, b mapPage) int { return strings.Compare(a.pattern, b.pattern) })
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
