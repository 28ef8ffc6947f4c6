package dev

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// maxSeen is how many requests and mails are kept, and written into a test, of one request.
const maxSeen = 16

// An outside is what a test has to say of what is outside, so that the request finds there what it
// found when it was made.
type outside struct {
	names  []string // of @test, beside those that each test has
	before string   // the request
	after  string
}

// outside returns what is to be said of the work that was done. The lock is held.
func (r *record) outside() outside {
	var o outside
	var b strings.Builder
	statements(&b, r.work)
	if said := standIns(r.work); said != "" {
		o.names = append(o.names, "fetches")
		b.WriteString(said)
	}
	before, after := letters(r.work)
	if before+after != "" {
		o.names = append(o.names, "mails")
		b.WriteString(before)
	}
	o.before, o.after = b.String(), after
	return o
}

// statements writes down which were run on databases: those of a test have no rows.
func statements(b *strings.Builder, work []host.Work) {
	var texts []string
	for _, w := range work {
		if w.Kind == "sql" && !slices.Contains(texts, w.Text) {
			texts = append(texts, w.Text)
		}
	}
	if texts == nil {
		return
	}
	fmt.Fprintf(b, "    %s\n", comment("It used a database, which in a test has what migrations make and no "+
		"more: ask for what puts the"))
	fmt.Fprintf(b, "    %s\n", comment("rest there first, with a client. These were its statements:"))
	for _, text := range texts[:min(len(texts), maxSeen)] {
		fmt.Fprintf(b, "    %s\n", comment("  "+strings.Join(strings.Fields(text), " ")))
	}
}

// An answer is what a server is to answer in a test.
type answer struct {
	key, value string // as literals
	notes      []string
}

// standIns is the call of fetches, "" if nothing was fetched.
func standIns(work []host.Work) string {
	var all []answer
	left := 0
	for _, w := range work {
		e, ok := w.Seen.(*host.Exchange)
		if !ok || e.Status == 0 && e.Failure == "" {
			continue
		}
		a := answerOf(e)
		same := func(b answer) bool { return b.key == a.key }
		i := slices.IndexFunc(all, same)
		if i >= 0 && all[i].value != a.value && e.URL.RawQuery != "" && !secretQuery(e.URL.RawQuery) {
			// It counts before the one that is for any query.
			a.key = literal(e.Method + " " + bare(e) + "?" + e.URL.RawQuery)
			if !slices.ContainsFunc(all, same) {
				all = append([]answer{a}, all...)
			}
			continue
		}
		switch {
		case i < 0:
			all = append(all, a)
		case all[i].value != a.value:
			left++
		}
	}
	if all == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("    fetches({\n")
	for _, a := range all {
		for _, note := range a.notes {
			fmt.Fprintf(&b, "        %s\n", comment(note))
		}
		fmt.Fprintf(&b, "        %s: %s,\n", a.key, a.value)
	}
	if left > 0 {
		fmt.Fprintf(&b, "        %s\n", comment(fmt.Sprintf("The same was answered in another way %d times.", left)))
	}
	b.WriteString("    })\n")
	return b.String()
}

// bare is the URL that was asked without its query, in which there may be secrets.
func bare(e *host.Exchange) string { return e.URL.Scheme + "://" + e.URL.Host + e.URL.EscapedPath() }

func answerOf(e *host.Exchange) answer {
	a := answer{key: literal(e.Method + " " + bare(e))}
	if e.Failure != "" {
		a.value = `{"error": ` + literal(e.Failure) + "}"
		return a
	}
	body, size := e.Body()
	switch {
	case size < 0:
		a.notes = append(a.notes, "What it answered was not read, or block by block, and is not known.")
	case size > len(body):
		a.notes = append(a.notes, fmt.Sprintf("What it answered has %d bytes, of which %d were kept.", size, len(body)))
	}
	if hidden := masked(body, strings.Contains(e.Type, "form")); hidden != body {
		a.notes = append(a.notes, "Masked: what looks like a secret; write one that is made for tests.")
		body = hidden
	}
	var parts, fields []string
	if e.Status != 200 {
		parts = append(parts, fmt.Sprintf(`"status": %d`, e.Status))
	}
	if e.Type != "" {
		fields = append(fields, `"Content-Type": `+literal(e.Type))
	}
	if e.Location != "" {
		where := e.Location
		if _, query, _ := strings.Cut(where, "?"); secretQuery(query) {
			where, _, _ = strings.Cut(where, "?")
		}
		fields = append(fields, `"Location": `+literal(where))
	}
	if fields != nil {
		parts = append(parts, `"headers": {`+strings.Join(fields, ", ")+"}")
	}
	if body != "" {
		parts = append(parts, `"body": `+literal(body))
	}
	a.value = "{" + strings.Join(parts, ", ") + "}"
	return a
}

// letters are what is said before of mails, and what is wanted of them.
func letters(work []host.Work) (before, after string) {
	var sent []string
	var b strings.Builder
	granted, failed := "", ""
	for _, w := range work {
		l, ok := w.Seen.(*host.Letter)
		if !ok {
			continue
		}
		if granted == "" {
			granted = l.Granted
		}
		switch {
		case w.Err == nil:
			var to []string
			for _, address := range l.To {
				to = append(to, literal(address))
			}
			sent = append(sent, fmt.Sprintf("([%s], %s)", strings.Join(to, ", "), literal(l.Subject)))
		case failed == "":
			failed = l.Failure
		}
	}
	var args []string
	if granted != "" {
		args = append(args, "sender = "+literal(granted))
	}
	if failed != "" && sent == nil {
		args = append(args, "error = "+literal(failed))
	}
	if args != nil {
		fmt.Fprintf(&b, "    mails(%s)\n", strings.Join(args, ", "))
	}
	if failed != "" && sent != nil {
		fmt.Fprintf(&b, "    %s\n", comment("One of its mails was not taken: "+failed+"."))
	}
	before = b.String()
	if sent == nil {
		return before, ""
	}
	b.Reset()
	b.WriteString("    eq([(m.to, m.subject) for m in mails()], [\n")
	for _, mail := range sent {
		fmt.Fprintf(&b, "        %s,\n", mail)
	}
	b.WriteString("    ])\n")
	return before, b.String()
}

// secretKey reports whether a name of a value, in JSON, a form or a session, says that it is secret.
func secretKey(name string) bool {
	name = strings.ToLower(name)
	return secret(name) && !strings.Contains(name, "author") || strings.Contains(name, "authoriz") ||
		strings.Contains(name, "passwd") || strings.Contains(name, "apikey") ||
		strings.HasSuffix(name, "_key") || strings.HasSuffix(name, "credential")
}

var (
	pairJSON = regexp.MustCompile(`"((?:[^"\\]|\\.){1,100})"(\s*:\s*)("(?:[^"\\]|\\.)*(?:"|\\?$)|-?[0-9][0-9.eE+-]*)`)
	pairForm = regexp.MustCompile(`([^&=\s]{1,100})(=)([^&\s]*)`)
)

// masked is a text in which the values of what looks like a secret are masked: those of JSON, however
// much of it there is, or of a form.
func masked(text string, form bool) string {
	pair := pairJSON
	if form {
		pair = pairForm
	}
	return pair.ReplaceAllStringFunc(text, func(found string) string {
		part := pair.FindStringSubmatch(found)
		if !secretKey(part[1]) {
			return found
		}
		if form {
			return part[1] + part[2] + "masked"
		}
		return `"` + part[1] + `"` + part[2] + `"` + mask(strings.Trim(part[3], `"`)) + `"`
	})
}

// secretQuery reports whether a query has what looks like a secret.
func secretQuery(query string) bool { return masked(query, true) != query }

// sessionLiteral is what a session held, as it is written into a test, and whether anything in it is
// masked.
func sessionLiteral(d *starlark.Dict) (text string, hidden bool) {
	var b strings.Builder
	hidden = writeValue(&b, d)
	return b.String(), hidden
}

// writeValue writes a value as JSON can have it as a literal, and reports whether anything in it was
// masked.
func writeValue(b *strings.Builder, v starlark.Value) (hidden bool) {
	switch v := v.(type) {
	case starlark.NoneType, starlark.Bool, starlark.Int, starlark.Float:
		b.WriteString(v.String())
	case starlark.String:
		b.WriteString(literal(string(v)))
	case *starlark.List:
		b.WriteString("[")
		for i := range v.Len() {
			if i > 0 {
				b.WriteString(", ")
			}
			hidden = writeValue(b, v.Index(i)) || hidden
		}
		b.WriteString("]")
	case *starlark.Dict:
		b.WriteString("{")
		for i, item := range v.Items() {
			if i > 0 {
				b.WriteString(", ")
			}
			name, _ := starlark.AsString(item[0])
			b.WriteString(literal(name) + ": ")
			if text, ok := starlark.AsString(item[1]); ok && secretKey(name) {
				item[1], hidden = starlark.String(mask(text)), true
			}
			hidden = writeValue(b, item[1]) || hidden
		}
		b.WriteString("}")
	default: // which a session does not hold
		b.WriteString(literal(v.String()))
	}
	return hidden
}
