package push

import (
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// A Recorder learns which resources go with which pages from what clients ask for. A resource whose
// request names a page in its Referer goes with that page; one that names a style sheet goes with
// the pages of the style sheet. It learns only what could be promised, and nothing about who asked.
// What it has learned is a [Map], for people to review.
//
// The zero value works, and nil learns nothing. A Recorder has bounds, is safe for concurrent use,
// and must not be copied or changed after its first use.
type Recorder struct {
	// MaxPages is how many pages are kept, the most visited. Zero means 256.
	MaxPages int
	// MaxResources is how many resources of a page are kept, the most used. Zero means 32.
	MaxResources int
	// HalfLife is how old a visit is that counts half. Zero means 24 hours.
	HalfLife time.Duration

	mu      sync.Mutex
	pages   map[string]*visited
	decayed time.Time
}

// A visited is a page that clients have asked for.
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

// How long the names are that a Recorder keeps; a page or resource with a longer one is not
// learned.
const (
	maxPagePath       = 512
	maxResourceTarget = 1024
)

// observe learns from the request of p, which gets a response with this status and header.
func (c *Recorder) observe(p *page, status int, header http.Header, now time.Time) {
	r := p.request
	answered := status == http.StatusOK || status == http.StatusNotModified
	if c == nil || r.Method != http.MethodGet || !answered {
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
	cors := as == "font" || r.Header.Get("Sec-Fetch-Mode") == "cors"
	c.use(referer, p.target, use{as: as, crossOrigin: cors}, now)
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
	if err != nil || u.Scheme != p.origin.scheme ||
		normalAuthority(u.Scheme, u.Host) != p.origin.authority {
		return "", false
	}
	return u.RequestURI(), true
}

// visit counts a visit of a page.
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

// use counts a resource for the pages that referer stands for: the one of that name that was
// visited, or those that use it as a style sheet. Names that a client makes up are neither.
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

// add counts a use of a resource of the page, which keeps the most used.
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

// decay halves what was counted, once for each half-life that has gone by, and forgets what is next
// to nothing.
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
