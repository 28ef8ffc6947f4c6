package apps_test

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"golang.org/x/net/html"
)

// abroad are the links that leave the tour. They are not followed.
var abroad = []string{"https://peps.python.org/pep-3333/", "https://www.rfc-editor.org/rfc/rfc8297", "https://commonmark.org/help/", "data:,"}

// tourPages are the names of the tour's pages.
var tourPages = []string{"", "hello", "environ", "form", "upload", "wiki", "links", "chat", "poll", "jobs", "dash", "stream", "static", "mount", "lint", "catch", "hints", "push", "reload", "httpbin", "mock", "api"}

// TestCrawl follows every address that the tour names, from its first page on: at the root, and mounted below a path.
func TestCrawl(t *testing.T) {
	racetest.Skip(t)
	for _, mount := range []string{"", "/a b/tour"} {
		s := serve(t, "tour/app.star", "", mount)
		s.Start()
		t.Cleanup(s.Close)
		home := s.URL + strings.ReplaceAll(mount, " ", "%20") + "/"
		from := map[string]string{home: "the start"}
		for todo := []string{home}; len(todo) > 0; todo = todo[1:] {
			for _, link := range s.visit(t, todo[0], from[todo[0]]) {
				switch {
				case from[link] != "" || slices.Contains(abroad, link):
				case !strings.HasPrefix(link, home):
					t.Errorf("%s links to %s, which is outside", todo[0], link)
				default:
					from[link] = todo[0]
					todo = append(todo, link)
				}
			}
		}
		for _, name := range tourPages {
			if from[home+name] == "" {
				t.Errorf("no link leads to the page %q", name)
			}
			live := home + "live/" + name
			if !slices.ContainsFunc(slices.Collect(maps.Keys(from)), func(a string) bool { return strings.HasPrefix(a, live) }) {
				t.Errorf("nothing shows %s", live)
			}
		}
	}
}

// visit asks for an address and returns those that its page names.
func (s *site) visit(t *testing.T, address, from string) (links []string) {
	t.Helper()
	res, err := s.Client().Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotFound && strings.Contains(address, "/live/wiki/p/") {
		return nil // a page that nobody has written, which a wiki may link to
	}
	if res.StatusCode != http.StatusOK {
		t.Errorf("%s, named by %s: %s", address, from, res.Status)
		return nil // which may name pages that there are none of, and so on
	}
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") || strings.Contains(address, "/live/stream/") {
		return nil
	}
	content, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range invalid(string(content)) {
		t.Errorf("%s is not valid HTML: %s", address, fault)
	}
	base := res.Request.URL
	for n := range parse(t, string(content)).Descendants() {
		for _, a := range n.Attr {
			switch a.Key {
			case "href", "src", "action", "formaction", "data-stream", "data-probe":
				link, err := base.Parse(a.Val)
				if err == nil && n.Data == "base" {
					base = link
				}
				if err != nil {
					t.Errorf("%s names %q: %v", address, a.Val, err)
					continue
				}
				if strings.HasSuffix(link.Path, "/uncaught") {
					continue // which fails on purpose
				}
				if strings.Contains(address, "/live/httpbin/") && !strings.HasSuffix(link.Path, ".css") {
					continue // some of which answer with a 418, or after seconds
				}
				link.Fragment = ""
				links = append(links, link.String())
			}
		}
	}
	return links
}

func parse(t *testing.T, content string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// optional are the elements whose end tag may be left out; void those that have none.
var (
	optional = []string{"html", "head", "body", "li", "tr", "td", "th", "thead", "tbody", "p", "option"}
	void     = []string{"meta", "link", "img", "input", "br", "base"}
)

// invalid says what is wrong with a page, as far as the tour's pages could go wrong: elements that are not closed in
// order, ids given twice, images without a text, frames without a title, and what every page has.
func invalid(content string) (faults []string) {
	if !strings.HasPrefix(content, "<!DOCTYPE html>\n<html lang=\"en\">") {
		faults = append(faults, "it does not begin as a page does")
	}
	if !regexp.MustCompile(`<title>[^<]+</title>`).MatchString(content) {
		faults = append(faults, "it has no title")
	}
	if strings.Contains(content, "{base}") || strings.Contains(content, "%!") || strings.Contains(content, "{curl}") {
		faults = append(faults, "a placeholder was left")
	}
	var open []string
	ids := make(map[string]bool)
	for z := html.NewTokenizer(strings.NewReader(content)); ; {
		switch z.Next() {
		case html.ErrorToken:
			for _, name := range open {
				if !slices.Contains(optional, name) {
					faults = append(faults, "<"+name+"> is not closed")
				}
			}
			return faults
		case html.StartTagToken:
			token := z.Token()
			if !slices.Contains(void, token.Data) {
				open = append(open, token.Data)
			}
			attrs := make(map[string]string)
			for _, a := range token.Attr {
				if a.Key == "id" && ids[a.Val] {
					faults = append(faults, "the id of "+token.String()+" is taken")
				}
				attrs[a.Key] = a.Val
				ids[a.Val] = ids[a.Val] || a.Key == "id"
			}
			for element, needs := range map[string]string{"img": "alt", "iframe": "title", "html": "lang", "a": "href"} {
				if _, ok := attrs[needs]; token.Data == element && !ok {
					faults = append(faults, "no "+needs+" in "+token.String())
				}
			}
		case html.EndTagToken:
			name := z.Token().Data
			for len(open) > 0 && open[len(open)-1] != name && slices.Contains(optional, open[len(open)-1]) {
				open = open[:len(open)-1]
			}
			if len(open) == 0 || open[len(open)-1] != name {
				return append(faults, "</"+name+"> closes nothing")
			}
			open = open[:len(open)-1]
		}
	}
}

// TestInvalid verifies that invalid finds what it looks for.
func TestInvalid(t *testing.T) {
	const ok = "<!DOCTYPE html>\n<html lang=\"en\">\n<title>x</title>\n<ul><li>one<li>two</ul>"
	for content, want := range map[string]int{
		ok: 0, "<title>x</title>": 1, strings.Replace(ok, "x", "", 1): 1, ok + "{base}": 1, ok + "<b>": 1, ok + "</b>": 1, ok + "<b><i></b></i>": 1,
		ok + `<b id="a"></b><i id="a"></i>`: 1, ok + "<img>": 1, ok + "<iframe></iframe>": 1,
	} {
		if got := invalid(content); len(got) != want {
			t.Errorf("%q: %q, want %d faults", content, got, want)
		}
	}
}

// TestPages verifies that each page shows the source that runs, and commands that name the address it was asked under.
func TestPages(t *testing.T) {
	racetest.Skip(t)
	s := start(t, "tour/app.star", "")
	sources := map[string]string{"hello": "hello.star", "environ": "environ.star", "form": "form.star", "upload": "upload.star", "wiki": "wiki/app.star", "stream": "stream.star", "mount": "mount.star", "lint": "lint.star", "httpbin": "httpbin/app.star"}
	for _, name := range tourPages {
		res, err := s.Client().Get(s.URL + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		page := string(content)
		if policy := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'self'") {
			t.Errorf("%s: Content-Security-Policy %q", name, policy)
		}
		if name != "" && !strings.Contains(page, "<h2>Running</h2>") || !strings.Contains(page, `aria-current="page"`) {
			t.Errorf("%s lacks its demonstration, or its place in the tour", name)
		}
		if file := sources[name]; file != "" && !slices.Contains(listings(t, page), readSource(t, file)) {
			t.Errorf("%s does not show %s as it is", name, file)
		}
		if strings.Contains(page, "<code>curl") && !strings.Contains(page, s.URL+"/live/"+name) {
			t.Errorf("%s: the commands do not name %s", name, s.URL)
		}
	}
	res, err := s.Client().Get(s.URL + "/static?x=1")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if page, err := io.ReadAll(res.Body); err != nil || strings.Contains(string(page), "x=1") {
		t.Errorf("the query is part of the page (%v)", err)
	}
}

// listings returns the text of each code element that stands in a pre.
func listings(t *testing.T, page string) (texts []string) {
	t.Helper()
	for n := range parse(t, page).Descendants() {
		if n.Data != "code" || n.Parent.Data != "pre" {
			continue
		}
		var text strings.Builder
		for d := range n.Descendants() {
			if d.Type == html.TextNode {
				text.WriteString(d.Data)
			}
		}
		texts = append(texts, text.String())
	}
	return texts
}

// TestMountWithoutSlash verifies that the relative links of the first page have something to be relative to.
func TestMountWithoutSlash(t *testing.T) {
	s := serve(t, "tour/app.star", "", "/tour")
	s.Start()
	t.Cleanup(s.Close)
	res, err := s.Client().Get(s.URL + "/tour")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if want, _ := url.JoinPath(s.URL, "tour/"); res.Request.URL.String() != want || res.StatusCode != http.StatusOK {
		t.Errorf("led to %s with %s, want %s", res.Request.URL, res.Status, want)
	}
}
