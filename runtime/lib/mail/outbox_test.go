package mail_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/mail"
)

// rows are those of a collection, as text.
func rows(t *testing.T, g *mail.Grant, name string, from, n int) string {
	t.Helper()
	all, err := g.Kept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.Name != name {
			continue
		}
		s, err := g.Look(t.Context(), c, from, n)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, row := range s.Rows {
			for i, cell := range row {
				if i > 0 || name != "outbox" { // the time
					fmt.Fprintf(&b, "%s|", cell.Text)
				}
			}
			b.WriteString("\n")
		}
		return fmt.Sprintf("%s%v %v", b.String(), s.Columns, s.More)
	}
	return "none"
}

// TestOutbox: where no server is granted mails go to the outbox, which shows the last of them, without what is
// attached; a mail that could not be sent is in none.
func TestOutbox(t *testing.T) {
	var told []string
	box := &mail.Outbox{Told: func(m *mail.Mail) { told = append(told, m.Subject) }}
	g := &mail.Grant{Outbox: box}
	got, err := run(t.Context(), t, g, `
def app():
    send("Ann <ann@example.com>", "Hello", text = "Hi", html = "<b>Hi</b>", sender = "me@example.com", bcc = ["c@example.com"],
        reply_to = "re@example.com", headers = {"X-A": "b"}, attachments = [("a.txt", "secret")])
    send(["b@example.com"], "", html = "x" * 2000000, sender = "me@example.com")
    return catch(lambda: send("b@example.com", "no sender", text = "x"))[1].message`, nil)
	if got != `"send: there is no sender: pass one, or grant one as ?from=ADDRESS"` || err != nil {
		t.Fatal(got, err)
	}
	want := "b@example.com|(no subject)||\nAnn <ann@example.com> and 1 more|Hello|a.txt|\n[At To Subject Attachments] false"
	if got := rows(t, g, "outbox", 0, 10); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got := rows(t, g, "outbox", 1, 10); !strings.HasPrefix(got, "Ann") {
		t.Errorf("behind the first is %s", got)
	}
	if got := rows(t, g, "outbox", 0, 1); !strings.HasSuffix(got, "true") {
		t.Errorf("there is no more: %s", got)
	}
	one := rows(t, g, "1", 0, 50)
	for _, want := range []string{"From|me@example.com|\n", "To|Ann <ann@example.com>|\n", "Bcc|c@example.com|\n", "Reply-To|re@example.com|\n",
		"Subject|Hello|\n", "X-A|b|\n", "Attachment|a.txt (text/plain; charset=utf-8, 6 bytes)|\n", "Text|Hi|\n", "HTML|<b>Hi</b>|\n"} {
		if !strings.Contains(one, want) {
			t.Errorf("it lacks %q:\n%s", want, one)
		}
	}
	if strings.Contains(one, "secret") {
		t.Errorf("what is attached is kept: %s", one)
	}
	if n := len(rows(t, g, "2", 0, 50)); n < 1<<20 || n > 1<<20+1000 {
		t.Errorf("of a long part %d bytes are kept", n)
	}
	if fmt.Sprint(told) != "[Hello ]" {
		t.Errorf("told of %q", told)
	}
}

// TestOutboxBounded: the oldest mails go, by their number and by their size; one that the server has taken is kept, and
// nobody is told of it; one that it has not is not.
func TestOutboxBounded(t *testing.T) {
	many := &mail.Grant{Outbox: new(mail.Outbox), PerCall: 1000}
	if _, err := run(t.Context(), t, many, `
def app():
    for i in range(150):
        send("b@example.com", str(i), text = "x", sender = "me@example.com")`, nil); err != nil {
		t.Fatal(err)
	}
	all, err := many.Kept(t.Context())
	if err != nil || len(all) != 101 || all[0].Count != 100 || all[100].Name != "51" || !all[100].Part {
		t.Errorf("%d are kept, %+v, %v", len(all), all[len(all)-1], err)
	}
	if _, err := run(t.Context(), t, many, `
def app():
    for i in range(20):
        send("b@example.com", str(i), text = "x" * 1000000, sender = "me@example.com")`, nil); err != nil {
		t.Fatal(err)
	}
	if all, _ = many.Kept(t.Context()); len(all) != 17 {
		t.Errorf("%d large ones are kept", len(all)-1)
	}

	s := new(submission).start(t)
	sent := &mail.Grant{URL: "smtp://" + s.url + "?tls=none", Outbox: &mail.Outbox{Told: func(*mail.Mail) { t.Error("it was not sent") }}}
	if _, err := run(t.Context(), t, sent, "def app():\n    send('b@example.com', 'Hello', text = 'x', sender = 'me@example.com')", nil); err != nil {
		t.Fatal(err)
	}
	if all, _ = sent.Kept(t.Context()); len(all) != 2 || !strings.Contains(all[1].Text, "has taken it") || len(s.messages) != 1 {
		t.Errorf("kept %+v, sent %d", all, len(s.messages))
	}
	sent = &mail.Grant{URL: "smtp://127.0.0.1:1?tls=none", Outbox: new(mail.Outbox)}
	if got, err := run(t.Context(), t, sent, "def app():\n    return catch(lambda: send('b@example.com', 'x', text = 'x', sender = 'me@example.com'))[1].kind", nil); got != `"connect"` || err != nil {
		t.Error(got, err)
	}
	if all, _ = sent.Kept(t.Context()); len(all) != 0 {
		t.Errorf("one that was not taken is kept: %+v", all)
	}
	var none host.Keeper = new(mail.Grant)
	if all, err := none.Kept(t.Context()); all != nil || err != nil {
		t.Error(all, err)
	}
}
