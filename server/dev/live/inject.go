package live

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// A Page is the http.ResponseWriter of a response into which the script goes if it is an HTML page.
// Its End must be called when the handler has returned.
//
// The script goes behind the start of the head, so that the document stays what it is, in standards
// mode or not. All else of the body goes out as it comes.
type Page struct {
	http.ResponseWriter
	hub    *Hub
	r      *http.Request
	change uint64 // that the page is made in

	begun bool   // the final header is out
	tag   string // to be put in; "" if nothing is, or no longer
	held  []byte // of the body: it may be that the place is behind it
}

// maxHeld is how much of a page may come before its head.
const maxHeld = 4 << 10

// Inject returns the writer for the response to r, before the application is called.
func (h *Hub) Inject(w http.ResponseWriter, r *http.Request) *Page {
	return &Page{ResponseWriter: w, hub: h, r: r, change: h.State().Change}
}

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
	switch {
	case status == http.StatusNoContent, status == http.StatusResetContent,
		status == http.StatusNotModified, status == http.StatusPartialContent,
		p.r.Method != http.MethodGet && p.r.Method != http.MethodHead && p.r.Method != http.MethodPost:
		return false
	}
	media, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err != nil || media != "text/html" || strings.HasPrefix(charset, "utf-16") {
		return false
	}
	// Fetch Metadata: a piece of HTML that a script asks for is no page, and a frame is reloaded
	// with the page around it.
	if to := p.r.Header.Get("Sec-Fetch-Dest"); to != "" && to != "document" {
		return false
	}
	encoding := header.Get("Content-Encoding")
	disposition, _, _ := strings.Cut(header.Get("Content-Disposition"), ";")
	attached := strings.EqualFold(strings.TrimSpace(disposition), "attachment")
	return (encoding == "" || strings.EqualFold(encoding, "identity")) && !attached &&
		header["Repr-Digest"] == nil && header["Content-Digest"] == nil
}

// prepare makes the header that of the page with the script.
func (p *Page) prepare() {
	header := p.Header()
	scheme := "http://"
	if p.r.TLS != nil {
		scheme = "https://"
	}
	nonce, runs := p.hub.admit(header, scheme+p.r.Host)
	if !runs {
		return
	}
	attribute := ""
	if nonce {
		attribute = fmt.Sprintf(` nonce="%s"`, p.hub.nonce)
	}
	p.tag = fmt.Sprintf(`<script src="%s?v=%s-%d"%s async></script>`,
		ScriptPath, p.hub.state.Boot, p.change, attribute)
	if n, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64); err == nil {
		header["Content-Length"] = []string{strconv.FormatInt(n+int64(len(p.tag)), 10)}
	}
	header.Del("Accept-Ranges") // the ranges of the page are not those of the file
	if p.r.Method == http.MethodHead {
		p.tag = ""
	}
}

// Write sends a piece of the body.
func (p *Page) Write(b []byte) (int, error) {
	if !p.begun {
		p.WriteHeader(http.StatusOK)
	}
	if p.tag == "" {
		return p.ResponseWriter.Write(b)
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
	if p.begun && p.tag == "" {
		return io.WriteString(p.ResponseWriter, s)
	}
	return p.Write([]byte(s))
}

// put sends what was held with the script at its place in it.
func (p *Page) put(at int) error {
	b := make([]byte, 0, len(p.held)+len(p.tag))
	b = append(append(append(b, p.held[:at]...), p.tag...), p.held[at:]...)
	p.tag, p.held = "", nil
	_, err := p.ResponseWriter.Write(b)
	return err
}

// End sends what is still held: the handler has returned.
func (p *Page) End() {
	if p.tag != "" {
		at, _ := place(p.held)
		_ = p.put(at) // nobody is left to tell
	}
}

// place returns where in the beginning of a document the script goes: behind the start tag of the
// head, or else of the html element, or else the doctype. It is not sure as long as a start tag
// that is not whole, or none, has come.
func place(doc []byte) (at int, sure bool) {
	s := string(doc)
	const mark = "\ufeff"
	i := 0
	switch {
	case strings.HasPrefix(s, mark):
		i = len(mark)
	case s != "" && strings.HasPrefix(mark, s):
		return 0, false
	}
	for at = i; ; {
		i += len(s[i:]) - len(strings.TrimLeft(s[i:], " \t\r\n\f"))
		rest := s[i:]
		switch name := tagName(rest); {
		case strings.HasPrefix("<!--", rest): // nothing, or too little to tell
			return at, false
		case strings.HasPrefix(rest, "<!--"):
			n := strings.Index(rest, "-->")
			if n < 0 {
				return at, false
			}
			i += n + len("-->")
		case strings.HasPrefix(rest, "<!"), strings.HasPrefix(rest, "<?"), name == "html", name == "head":
			n := tagEnd(rest)
			if n < 0 {
				return at, false
			}
			i += n
			at = i
			if name == "head" {
				return at, true
			}
		case rest[0] == '<' && len(name) == len(rest)-1: // the name may go on
			return at, false
		default:
			return at, true
		}
	}
}

// tagName returns the name of the start tag that s begins with, in lower case.
func tagName(s string) string {
	if s == "" || s[0] != '<' {
		return ""
	}
	n := strings.IndexAny(s[1:], " \t\r\n\f/>")
	if n < 0 {
		n = len(s) - 1
	}
	return strings.ToLower(s[1 : n+1])
}

// tagEnd returns how long the tag is that s begins with, -1 if it does not end.
func tagEnd(s string) int {
	quote := byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return -1
}
