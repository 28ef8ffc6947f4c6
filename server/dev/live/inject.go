package live

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// A Page is the http.ResponseWriter of a response into which the script goes if it is an HTML page.
// Its End must be called when the handler has returned.
//
// The script goes behind the start of the head, so that the document stays what it is, in standards
// mode or not. Policies in the metas of the head are extended as those of the header are. All else
// of the body goes out as it comes.
//
// Such a page has no length, which is known too late, and no ETag and no time: a copy that a
// browser has kept would be of the state that it was made in.
type Page struct {
	http.ResponseWriter
	// ID names the page in a [Failure]; 0 is none. It is set before the header is sent.
	ID uint64

	hub    *Hub
	r      *http.Request
	change uint64 // that the page is made in

	begun bool   // the final header is out
	live  bool   // the script is put in
	tag   string // to be put in; "" if nothing is, or no longer
	held  []byte // of the body: it may be that the place is behind it
	head  *head  // that is being sent behind the script; nil before, and after
}

// maxHeld is how much of a page may come before its head.
const maxHeld = 4 << 10

// Whole returns r without its conditions, if a browser asks so for a document that it has: it is to
// get the page with the script of now.
func Whole(r *http.Request) *http.Request {
	if r.Header.Get("Sec-Fetch-Dest") != "document" {
		return r
	}
	whole := r.WithContext(r.Context())
	whole.Header = r.Header.Clone()
	whole.Header.Del("If-None-Match")
	whole.Header.Del("If-Modified-Since")
	return whole
}

// Inject returns the writer for the response to r, before the application is called.
func (h *Hub) Inject(w http.ResponseWriter, r *http.Request) *Page {
	return &Page{ResponseWriter: w, hub: h, r: r, change: h.State().Change}
}

// Live reports whether the response is a page into which the script goes.
func (p *Page) Live() bool { return p.live }

// Unwrap is what http.ResponseController uses.
func (p *Page) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// Flush sends what has been written.
func (p *Page) Flush() {
	if !p.begun {
		p.WriteHeader(http.StatusOK)
	}
	_ = http.NewResponseController(p.ResponseWriter).Flush() // as http.Flusher, which cannot fail
}

// WriteHeader sends the header, with the length of the page with the script.
func (p *Page) WriteHeader(status int) {
	if !p.begun && status >= 200 {
		p.begun = true
		if p.wants(status) {
			p.prepare()
		}
	}
	p.ResponseWriter.WriteHeader(status)
}

// wants reports whether the response is a whole HTML page that a person looks at.
func (p *Page) wants(status int) bool {
	header := p.Header()
	switch status {
	case http.StatusNoContent, http.StatusResetContent,
		http.StatusNotModified, http.StatusPartialContent:
		return false
	}
	switch p.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		return false
	}
	media, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	wide := strings.HasPrefix(strings.ToLower(params["charset"]), "utf-16")
	if err != nil || media != "text/html" || wide {
		return false
	}
	// Fetch Metadata: a piece of HTML that a script asks for is no page, and a frame is reloaded
	// with the page around it.
	if to := p.r.Header.Get("Sec-Fetch-Dest"); to != "" && to != "document" {
		return false
	}
	encoding := header.Get("Content-Encoding")
	disposition, _, _ := strings.Cut(header.Get("Content-Disposition"), ";")
	return (encoding == "" || strings.EqualFold(encoding, "identity")) &&
		!strings.EqualFold(strings.TrimSpace(disposition), "attachment") &&
		header["Repr-Digest"] == nil && header["Content-Digest"] == nil
}

// prepare makes the header that of the page with the script.
func (p *Page) prepare() {
	header := p.Header()
	scheme := "http://"
	if p.r.TLS != nil {
		scheme = "https://"
	}
	origin := scheme + p.r.Host
	nonce, runs := p.hub.admit(header, origin)
	if !runs {
		return
	}
	attribute := ""
	if nonce {
		attribute = fmt.Sprintf(` nonce="%s"`, p.hub.nonce)
	}
	id := ""
	if p.ID != 0 {
		id = fmt.Sprintf("-%d", p.ID)
	}
	p.live = true
	p.tag = fmt.Sprintf(`<script src="%s?v=%s-%d%s"%s async></script>`,
		ScriptPath, p.hub.state.Boot, p.change, id, attribute)
	p.head = &head{extend: func(policy string) string {
		extended, _, _ := p.hub.extend(policy, origin) // the script stands before it
		return extended
	}}
	for _, name := range []string{
		"Content-Length", "Etag", "Last-Modified",
		"Accept-Ranges", // the ranges of the page are not those of the file
	} {
		header.Del(name)
	}
	if p.r.Method == http.MethodHead {
		p.tag, p.head = "", nil
	}
}

// Write sends a piece of the body.
func (p *Page) Write(b []byte) (int, error) {
	if !p.begun {
		p.WriteHeader(http.StatusOK)
	}
	if p.tag == "" {
		if err := p.send(string(b)); err != nil {
			return 0, err
		}
		return len(b), nil
	}
	p.held = append(p.held, b...)
	at, sure := place(p.held)
	if !sure && len(p.held) < maxHeld {
		return len(b), nil
	}
	if err := p.put(at); err != nil {
		return 0, err
	}
	return len(b), nil
}

// WriteString is Write, without a copy where there is nothing to put in.
func (p *Page) WriteString(s string) (int, error) {
	if p.begun && p.tag == "" && p.head == nil {
		return io.WriteString(p.ResponseWriter, s)
	}
	return p.Write([]byte(s))
}

// put sends what was held with the script at its place in it.
func (p *Page) put(at int) error {
	before, behind := string(p.held[:at])+p.tag, string(p.held[at:])
	p.tag, p.held = "", nil
	if _, err := io.WriteString(p.ResponseWriter, before); err != nil {
		return err
	}
	return p.send(behind)
}

// send sends what comes behind the script.
func (p *Page) send(s string) error {
	if p.head != nil {
		var over bool
		if s, over = p.head.take(s); over {
			p.head = nil
		}
	}
	if s == "" {
		return nil
	}
	_, err := io.WriteString(p.ResponseWriter, s)
	return err
}

// End sends what is still held: the handler has returned.
func (p *Page) End() {
	if p.tag != "" {
		at, _ := place(p.held)
		_ = p.put(at) // nobody is left to tell
	}
	if p.head != nil {
		rest := p.head.held
		p.head = nil
		_ = p.send(rest)
	}
}
