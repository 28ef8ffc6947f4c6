package live

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestPlace puts a | where the script goes, for a document that comes whole and one that comes
// byte by byte.
func TestPlace(t *testing.T) {
	for _, want := range []string{
		"<!DOCTYPE html><html lang=en><head>|<title>x</title>",
		"<!doctype html>\n<html>\n<HEAD data-x='>'>|\n<meta charset=utf-8>",
		"<!doctype html>|<title>x</title>",
		"<!doctype html>\n<html>|<body>x",
		"<!doctype html>|<header>x",
		"<!doctype html><!-- <head> --><html>|\n<!-- y --><p>x",
		"<html><!-- y --><head>|",
		"\ufeff<!doctype html>|x",
		"<?xml version='1.0'?><!doctype html><html><head >|",
		"|plain",
		"|<p>x",
		"|",
		"|<h",
		"<html>|<!-- never ends",
	} {
		doc := strings.Replace(want, "|", "", 1)
		for _, size := range []int{1, 3, len(doc) + 1} {
			w := httptest.NewRecorder()
			h := NewHub()
			p := h.Inject(w, httptest.NewRequest("GET", "/", nil))
			p.Header().Set("Content-Type", "text/html")
			p.WriteHeader(200)
			for rest := doc; rest != ""; {
				n := min(size, len(rest))
				if wrote, err := p.Write([]byte(rest[:n])); wrote != n || err != nil {
					t.Fatalf("%q: wrote %d, %v", doc, wrote, err)
				}
				rest = rest[n:]
			}
			p.End()
			tag := fmt.Sprintf(`<script src="/_larkspur/live.js?v=%s-1" async></script>`, h.State().Boot)
			if got := strings.Replace(w.Body.String(), tag, "|", 1); got != want {
				t.Errorf("in pieces of %d: %q, want %q", size, got, want)
			}
		}
	}
}

// TestInject compares what becomes of responses: which get the script, and that their length is
// told.
func TestInject(t *testing.T) {
	const page = "<!doctype html><head></head>"
	cases := []struct {
		what     string
		method   string
		request  string // a field of the request
		status   int
		response string // fields, one a line
		body     string
		want     bool
	}{
		{"a page", "GET", "", 200, "Content-Type: text/html; charset=utf-8", page, true},
		{"a page of known length", "GET", "", 200, "Content-Type: text/html\nContent-Length: 28", page,
			true},
		{"a page that says no", "GET", "", 404, "Content-Type: text/html", page, true},
		{"the answer to a form", "POST", "", 200, "Content-Type: text/html", page, true},
		{"an empty page", "GET", "", 200, "Content-Type: text/html\nContent-Length: 0", "", true},
		{"the header of a page", "HEAD", "", 200, "Content-Type: text/html\nContent-Length: 28", "",
			false},
		{"not modified", "GET", "", 304, "Content-Type: text/html\nContent-Length: 28", "", false},
		{"no content", "GET", "", 204, "Content-Type: text/html", "", false},
		{"a part", "GET", "", 206, "Content-Type: text/html\nContent-Range: bytes 0-27/40", page, false},
		{"compressed", "GET", "", 200, "Content-Type: text/html\nContent-Encoding: gzip", page, false},
		{"text", "GET", "", 200, "Content-Type: text/plain", page, false},
		{"no type", "GET", "", 200, "", page, false},
		{"in two bytes", "GET", "", 200, "Content-Type: text/html; charset=UTF-16LE", page, false},
		{"a download", "GET", "", 200,
			"Content-Type: text/html\nContent-Disposition: attachment; filename=x", page, false},
		{"with a digest", "GET", "", 200, "Content-Type: text/html\nRepr-Digest: sha-256=:x:", page,
			false},
		{"a piece for a script", "GET", "Sec-Fetch-Dest: empty", 200, "Content-Type: text/html", page,
			false},
		{"a frame", "GET", "Sec-Fetch-Dest: iframe", 200, "Content-Type: text/html", page, false},
		{"a document", "GET", "Sec-Fetch-Dest: document", 200, "Content-Type: text/html", page, true},
		{"a sandbox", "GET", "", 200,
			"Content-Type: text/html\nContent-Security-Policy: sandbox allow-forms", page, false},
	}
	for _, c := range cases {
		r := httptest.NewRequest(c.method, "/", nil)
		fields(r.Header, c.request)
		w := httptest.NewRecorder()
		p := NewHub().Inject(w, r)
		fields(p.Header(), c.response)
		p.Header().Set("Accept-Ranges", "bytes")
		p.WriteHeader(103)
		p.WriteHeader(c.status)
		if c.body != "" {
			_, _ = p.WriteString(c.body)
		}
		p.End()
		got := w.Body.String()
		if strings.Contains(got, "live.js") != c.want {
			t.Errorf("%s: the body is %q, want the script in it: %v", c.what, got, c.want)
		}
		if !c.want && got != c.body {
			t.Errorf("%s: the body is %q, want %q", c.what, got, c.body)
		}
		length := w.Header().Get("Content-Length")
		if length != "" && c.want && length != fmt.Sprint(len(got)) {
			t.Errorf("%s: Content-Length %s of %d bytes", c.what, length, len(got))
		}
		if c.method == "HEAD" && length == "28" {
			t.Errorf("%s: Content-Length is that of the page without the script", c.what)
		}
		if ranges := w.Header().Get("Accept-Ranges"); (ranges == "") != (c.want || c.method == "HEAD") {
			t.Errorf("%s: Accept-Ranges is %q", c.what, ranges)
		}
	}
}

func fields(h http.Header, lines string) {
	for line := range strings.SplitSeq(lines, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			h.Add(name, value)
		}
	}
}

// TestPolicy compares what policies become: they let in the script, by its URL or a nonce, and
// nothing else.
func TestPolicy(t *testing.T) {
	cases := []struct{ policy, want string }{
		{"default-src 'self'", "default-src 'self'"},
		{"script-src *; connect-src *", "script-src *; connect-src *"},
		{"img-src 'none'", "img-src 'none'"},
		{"default-src 'none'", "default-src 'none'; script-src-elem S; connect-src E"},
		{"default-src 'none'; script-src 'self'; connect-src 'none'",
			"default-src 'none'; script-src 'self'; connect-src E"},
		{"Script-Src-Elem 'none'", "script-src-elem S"},
		{"script-src 'unsafe-inline'", "script-src 'unsafe-inline'; script-src-elem 'unsafe-inline' S"},
		{"script-src 'nonce-x' 'strict-dynamic'",
			"script-src 'nonce-x' 'strict-dynamic'; script-src-elem 'nonce-x' 'strict-dynamic' N"},
		{"default-src 'self', default-src 'none'",
			"default-src 'self', default-src 'none'; script-src-elem S; connect-src E"},
		{"default-src cdn.example; default-src 'self'",
			"default-src cdn.example; default-src 'self'; " +
				"script-src-elem cdn.example S; connect-src cdn.example E"},
		{"", ""},
	}
	for _, c := range cases {
		h := NewHub()
		header := http.Header{"Content-Security-Policy": {c.policy}}
		nonce, runs := h.admit(header, "http://localhost:8000")
		const base = "http://localhost:8000/_larkspur/"
		want := strings.NewReplacer("S", base+"live.js", "E", base+"events",
			"N", "'nonce-"+h.nonce+"'").Replace(c.want)
		got := header.Get("Content-Security-Policy")
		if got != want || !runs || nonce != strings.Contains(c.want, "N") {
			t.Errorf("%s: %s, nonce %v, want %s", c.policy, got, nonce, want)
		}
	}
}
