package dev

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// save writes a kept request down as a test, beside the application, and shows where.
func (s *Server) save(w http.ResponseWriter, r *http.Request) {
	rec := s.find(r.PathValue("id"))
	if rec == nil {
		s.refuse(w, r, http.StatusNotFound, gone)
		return
	}
	a := s.appOf(rec)
	if !a.saves() {
		s.refuse(w, r, http.StatusConflict,
			"The application is in the binary: there is no directory to save a test in.")
		return
	}
	name, err := a.create(rec)
	if err != nil {
		s.refuse(w, r, http.StatusInternalServerError, "The test was not saved: "+err.Error())
		return
	}
	rec.mu.Lock()
	rec.saved = filepath.Join(a.Dir, name)
	rec.mu.Unlock()
	http.Redirect(w, r, fmt.Sprintf("%srequests/%d", Path, rec.id), http.StatusSeeOther)
}

// appOf returns the application that answered a request, or the one that is developed if none did;
// nil if that cannot be told.
func (s *Server) appOf(rec *record) *App {
	if m := rec.by(); m != nil {
		return m.developed
	}
	if apps := s.all(); len(apps) == 1 {
		return apps[0]
	}
	return nil
}

// saves reports whether there is a directory to save tests in.
func (a *App) saves() bool { return a != nil && a.Dir != "" }

// create writes the test to a file that was not there, and returns its name.
func (a *App) create(rec *record) (string, error) {
	root, err := os.OpenRoot(a.Dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	function := "test_" + identifier(rec.request.Method+" "+strings.Trim(rec.request.URL.Path, "/"))
	text := a.test(rec, function)
	for n := 1; n <= 1000; n++ {
		name := strings.TrimPrefix(function, "test_") + "_test.star"
		if n > 1 {
			name = fmt.Sprintf("%s_%d_test.star", strings.TrimPrefix(function, "test_"), n)
		}
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.WriteString(text)
		return name, errors.Join(err, f.Close())
	}
	return "", fmt.Errorf("there are a thousand tests of that name")
}

var notIdentifier = regexp.MustCompile(`[^a-z0-9]+`)

// identifier makes a name of a text.
func identifier(s string) string {
	s = strings.Trim(notIdentifier.ReplaceAllString(strings.ToLower(s), "_"), "_")
	return s[:min(len(s), 60)]
}

// test is the text of a test that makes the request again, and wants it to be answered.
func (a *App) test(rec *record, function string) string {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	r := rec.request
	outcome := fmt.Sprintf("%s %s answered %d", r.Method, brief(r.URL.RequestURI()), rec.status)
	if rec.failure != nil {
		outcome += ", " + rec.failure.Code
	}
	file, callable, named := strings.Cut(path.Clean(a.Entry), ":")
	if !named {
		callable = a.callable(file)
	}
	var b strings.Builder
	day := rec.began.Format("2006-01-02")
	title := "Saved by the inspector of larkspur dev on " + day + ": " + outcome + "."
	fmt.Fprintf(&b, "%s\n\n", literal(strings.ToValidUTF8(title, "\ufffd")))
	o, with := rec.outside(), rec.signedIn()
	b.WriteString(`load("@test"`)
	for _, name := range slices.Sorted(slices.Values(append(o.names, "client", "eq"))) {
		b.WriteString(", " + literal(name))
	}
	b.WriteString(")\n")
	fmt.Fprintf(&b, "load(%s, _app = %s)\n\n", literal("//"+file), literal(callable))
	base, host := baseOf(r)
	fmt.Fprintf(&b, "def %s():\n%s", function, o.before)
	if with.note != "" {
		fmt.Fprintf(&b, "    %s\n", comment(with.note))
	}
	fmt.Fprintf(&b, "    c = client(_app, base = %s", literal(base))
	if r.ProtoMajor == 1 {
		fmt.Fprintf(&b, ", proto = %s", literal(r.Proto))
	}
	if m := rec.answerer; m != nil && m.path != "" {
		fmt.Fprintf(&b, ", mount = %s", literal(m.path))
	}
	if with.text != "" {
		fmt.Fprintf(&b, ", session = %s", with.text)
	}
	b.WriteString(")\n")
	if rec.status == http.StatusSwitchingProtocols {
		fmt.Fprintf(&b, "    ws = c.websocket(\n        %s,\n", literal(r.URL.RequestURI()))
		header, subprotocols := withoutHandshake(r.Header)
		writeFields(&b, append(host, kept(header)...))
		if len(subprotocols) > 0 {
			fmt.Fprintf(&b, "        subprotocols = [%s],\n", strings.Join(subprotocols, ", "))
		}
		b.WriteString("    )\n    " + comment("What it sent and got is not kept: ws.send(...), eq(ws.recv(), ...)") + "\n")
		if rec.failure != nil {
			fmt.Fprintf(&b, "    %s\n", comment("It failed: "+rec.failure.at()))
		}
		b.WriteString("    ws.close()\n    eq(ws.error, None)\n" + o.after)
		return b.String()
	}
	fmt.Fprintf(&b, "    r = c.request(\n        %s,\n        %s,\n", literal(r.Method), literal(r.URL.RequestURI()))
	writeFields(&b, append(host, kept(r.Header)...))
	if n := max(rec.received, r.ContentLength); n > int64(len(rec.input)) {
		fmt.Fprintf(&b, "        %s\n", comment(fmt.Sprintf(
			"The body has %d bytes, of which %d were read and kept.", n, len(rec.input))))
	}
	if len(rec.input) > 0 {
		fmt.Fprintf(&b, "        body = %s,\n", literal(string(rec.input)))
	}
	b.WriteString("    )\n")
	status := rec.status
	if rec.failure != nil {
		verb := "It was refused: " // which may be right
		if status < 400 || status >= 500 {
			verb, status = "It failed: ", http.StatusOK
		}
		fmt.Fprintf(&b, "    %s\n", comment(verb+rec.failure.at()))
	}
	fmt.Fprintf(&b, "    eq(r.status, %d)\n%s", status, o.after)
	return b.String()
}

// at is the message in a line, after its place.
func (f *failure) at() string {
	why := strings.ReplaceAll(f.Message, "\n", " ")
	if f.Place == "" {
		return why
	}
	return f.Place + ": " + why
}

// withoutHandshake returns the fields of a request without those that a client adds for a WebSocket, and the
// literals of the subprotocols that it offers.
func withoutHandshake(h http.Header) (fields http.Header, subprotocols []string) {
	fields = h.Clone()
	for _, line := range fields["Sec-Websocket-Protocol"] {
		for name := range strings.SplitSeq(line, ",") {
			subprotocols = append(subprotocols, literal(strings.TrimSpace(name)))
		}
	}
	for _, name := range []string{"Key", "Version", "Extensions", "Protocol"} {
		fields.Del("Sec-Websocket-" + name)
	}
	return fields, subprotocols
}

// A signIn is how a test comes to the session that a request had.
type signIn struct {
	text string // a literal, "" for none
	note string // what is to be said of it
}

// signedIn returns it. The lock is held.
func (r *record) signedIn() signIn {
	if r.signed != nil {
		return *r.signed
	}
	if r.session == nil || !r.over {
		return signIn{} // the request may still ask for it
	}
	d := r.session()
	if d == nil || d.Len() == 0 {
		return signIn{}
	}
	text, hidden := sessionLiteral(d)
	s := signIn{text: text, note: "The session that the request came with; its cookie is not needed."}
	if hidden {
		s.note += " Masked: what looks like a secret in it."
	}
	return s
}

// brief is as much of a target as a title has room for.
func brief(target string) string {
	if len(target) > 200 {
		return target[:200] + "…"
	}
	return target
}

// baseOf returns what a client of tests has as its base to ask as r did, and the field that says
// the host if that is not one which a URL can have.
func baseOf(r *http.Request) (base string, host []field) {
	base = "http://"
	if r.TLS != nil {
		base = "https://"
	}
	u, err := url.Parse(base + r.Host)
	if err == nil && u.Host == r.Host && u.Hostname() != "" && utf8.ValidString(r.Host) {
		return base + r.Host, nil
	}
	return base + "localhost", []field{{"Host", r.Host}}
}

// writeFields writes the argument headers. What says who somebody is, the script does not: it may be
// kept with the application, for all to read.
func writeFields(b *strings.Builder, fields []field) {
	if len(fields) == 0 {
		return
	}
	b.WriteString("        headers = [\n")
	told := false
	for _, f := range fields {
		if !secret(f.Name) {
			fmt.Fprintf(b, "            (%s, %s),\n", literal(f.Name), literal(f.Value))
			continue
		}
		if !told {
			told = true
			for _, line := range howToFillIn {
				fmt.Fprintf(b, "            %s\n", comment(line))
			}
		}
		fmt.Fprintf(b, "            # (%s, %s),\n", literal(f.Name), literal(mask(f.Value)))
	}
	b.WriteString("        ],\n")
}

// howToFillIn stands before the first field that is masked.
var howToFillIn = []string{
	"Masked: it may say who somebody is, and this file may be read by others. If the test needs it,",
	"take away the # and write a value that is made for tests, or log in with c before: it keeps cookies.",
}

// callable is the name of the application in a file that names none.
func (a *App) callable(file string) string {
	if a.Tree != nil {
		text, err := fs.ReadFile(a.Tree, file)
		if err == nil && usesApplication.Match(text) && !usesApp.Match(text) {
			return "application"
		}
	}
	return "app"
}

var (
	usesApp         = uses("app")
	usesApplication = uses("application")
)

// uses matches a script in which a global of that name is made, or loaded.
func uses(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)^(def\s+` + name + `\b|` + name + `\s*=|load\(.*\b` + name + `\b)`)
}

// kept are the fields that are the request's own, not those of the connection or that the client
// makes.
func kept(h http.Header) []field {
	var all []field
	for name, values := range h {
		switch name {
		case "Connection", "Keep-Alive", "Te", "Transfer-Encoding", "Upgrade",
			"Upgrade-Insecure-Requests", "Content-Length", "Host":
			continue
		}
		for _, v := range values {
			all = append(all, field{name, v})
		}
	}
	sortFields(all)
	return all
}
