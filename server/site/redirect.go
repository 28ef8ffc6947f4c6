package site

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A Redirect is a handler that sends clients elsewhere. To is required. It must not be changed once
// it is in use.
type Redirect struct {
	// Path is the path of its [Mount], of which what follows is added to To.
	Path string
	// To is a path that begins with a slash, or a URL of http or https.
	To string
	// Status is 301, 302, 303, 307 or 308. Zero means 308: RFC 9110, section 15.4.9, the method
	// stays, and clients may remember it.
	Status int
	// Whole says that To is all of it: nothing is added.
	Whole bool
}

// Check returns what is wrong with it, nil if nothing is.
func (d *Redirect) Check() error {
	u, err := url.Parse(d.To)
	switch {
	case err != nil:
		return fmt.Errorf("%q is no URL", d.To)
	case u.Scheme == "" && (!strings.HasPrefix(d.To, "/") || strings.HasPrefix(d.To, "//")):
		return fmt.Errorf("%q: write a path that begins with one slash, or https://HOST", d.To)
	case u.Scheme != "" && (u.Scheme != "http" && u.Scheme != "https" || u.Host == ""):
		return fmt.Errorf("%q: write a path that begins with a slash, or https://HOST", d.To)
	case !d.Whole && (u.RawQuery != "" || u.Fragment != ""):
		return errors.New("what follows the path would be added to a query: write whole = True, or leave the query out")
	case d.Status != 0 && !slices.Contains([]int{301, 302, 303, 307, 308}, d.Status):
		return fmt.Errorf("the status of a redirect is 301, 302, 303, 307 or 308, not %d", d.Status)
	}
	return nil
}

// ServeHTTP redirects a request.
func (d *Redirect) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to := d.To
	if !d.Whole {
		rest, same := strings.CutPrefix(r.URL.EscapedPath(), (&url.URL{Path: d.Path}).EscapedPath())
		if !same { // it is encoded another way
			rest = (&url.URL{Path: strings.TrimPrefix(r.URL.Path, d.Path)}).EscapedPath()
		}
		to = strings.TrimSuffix(to, "/") + rest
		if strings.HasPrefix(to, "/") || to == "" {
			// A path that begins with two slashes is another host, which is not the client's to choose.
			to = "/" + strings.TrimLeft(to, "/")
		}
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
	}
	status := d.Status
	if status == 0 {
		status = http.StatusPermanentRedirect
	}
	w.Header().Set("Location", to)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}
