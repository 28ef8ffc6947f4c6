package mail_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	stdmail "net/mail"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/mail"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// run returns what the app of a script returns, or its error.
func run(ctx context.Context, t *testing.T, grant any, script string, args []starlark.Value, more ...*host.Module) (string, error) {
	t.Helper()
	p, err := runtime.Load(&runtime.Config{
		FS:      fstest.MapFS{"app.star": {Data: []byte("load('@mail', 'send')\n" + script)}},
		Modules: append(more, mail.Module()),
		Grants:  map[string]any{"mail": grant},
		Limits:  runtime.Limits{Time: time.Minute},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var got string
	err = p.Call(ctx, func(_ context.Context, th *starlark.Thread, app starlark.Callable) error {
		v, err := starlark.Call(th, app, args, nil)
		if err == nil {
			got = v.String()
		}
		return err
	})
	return got, err
}

// outcome is the kind, the status and the message of what a call of send fails with, or "sent".
func outcome(t *testing.T, grant *mail.Grant, call string) string {
	t.Helper()
	got, err := run(t.Context(), t, grant, `
def app():
    id, err = catch(lambda: `+call+`)
    return "%s %d %s" % (err.kind, err.status, err.message) if err else "sent"
`, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := starlark.AsString(unquote(t, got))
	return s
}

func unquote(t *testing.T, expr string) starlark.Value {
	t.Helper()
	v, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "", expr, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSent: what a script passes is in the message, and who gets it in the envelope.
func TestSent(t *testing.T) {
	s := (&submission{starttls: true, auth: "PLAIN LOGIN", user: "ann@x", password: "p@ss:word"}).start(t)
	grant := &mail.Grant{URL: "smtp://ann%40x:p%40ss%3Aword@" + s.url + "?from=Nötes <notes+1@example.com>", Roots: s.roots}
	tree := fstest.MapFS{"a.txt": {Data: []byte("from a file")}}
	f, err := tree.Open("a.txt")
	if err != nil {
		t.Fatal(err)
	}
	id, err := run(t.Context(), t, grant, `
def app(file):
    return send(["Ann Lee <ann@example.com>", "bob@example.com"], "Grüße, \"all\"", text = "Hé.\n.\n..dot\nline\r\nend",
        html = "<p>Hé</p>", cc = "Ünal <cc@example.com>", bcc = ["secret@example.com"], reply_to = "re@example.com",
        attachments = [("a.txt", file), ("é b.bin", b"\x00\xff"), {"name": "c.json", "data": "{}", "type": "application/json"}],
        headers = {"List-Unsubscribe": "<https://example.com/u?é>", "X-A": "1"})
`, []starlark.Value{host.NewFile(f, "a.txt", 11)})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.messages) != 1 || !s.secure[0] {
		t.Fatalf("%d messages came, over TLS: %v", len(s.messages), s.secure)
	}
	m, err := stdmail.ReadMessage(strings.NewReader(s.messages[0]))
	if err != nil {
		t.Fatal(err)
	}
	decode := new(mime.WordDecoder).DecodeHeader
	for name, want := range map[string]string{
		"From": `"Nötes" <notes+1@example.com>`, "To": `"Ann Lee" <ann@example.com>, <bob@example.com>`, "Cc": `"Ünal" <cc@example.com>`, "Bcc": "",
		"Reply-To": "<re@example.com>", "Subject": `Grüße, "all"`, "Message-Id": "<" + strings.Trim(id, `"`) + ">", "X-A": "1",
		"List-Unsubscribe": "<https://example.com/u?é>", "Mime-Version": "1.0", "User-Agent": "", "X-Mailer": "",
	} {
		got, err := decode(m.Header.Get(name))
		if err != nil || strings.ReplaceAll(got, `"`, "") != strings.ReplaceAll(want, `"`, "") {
			t.Errorf("%s is %q, %v, want %q", name, got, err, want)
		}
	}
	if _, err := m.Header.Date(); err != nil {
		t.Error(err)
	}
	if !strings.HasSuffix(strings.Trim(id, `"`), "@example.com") {
		t.Errorf("the Message-ID is %s", id)
	}
	var got []string
	parts(t, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body, "", &got)
	want := []string{"text/plain: \"Hé.\\n.\\n..dot\\nline\\nend\"", "text/html: \"<p>Hé</p>\"", "text/plain a.txt: \"from a file\"",
		"application/octet-stream é b.bin: \"\\x00\\xff\"", "application/json c.json: \"{}\""}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, want := range []string{"MAIL FROM:<notes+1@example.com>", "RCPT TO:<ann@example.com>", "RCPT TO:<bob@example.com>",
		"RCPT TO:<cc@example.com>", "RCPT TO:<secret@example.com>"} {
		if !strings.Contains(s.said(), want) {
			t.Errorf("nobody said %s:\n%s", want, s.said())
		}
	}
	if strings.Contains(s.messages[0], "secret@") {
		t.Error("all see who gets a copy that none should")
	}
}

// parts lists the parts of a message.
func parts(t *testing.T, contentType, encoding string, body io.Reader, name string, all *[]string) {
	t.Helper()
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(media, "multipart/") {
		r := multipart.NewReader(body, params["boundary"])
		for {
			p, err := r.NextRawPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			name, err := new(mime.WordDecoder).DecodeHeader(p.FileName())
			if err != nil {
				t.Fatal(err)
			}
			parts(t, p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p, name, all)
		}
	}
	switch encoding {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	if name != "" {
		media += " " + name
	}
	*all = append(*all, fmt.Sprintf("%s: %q", media, strings.ReplaceAll(strings.TrimRight(string(text), "\r\n"), "\r\n", "\n")))
}

// TestEncodedWords: what looks like an encoded word is read as it was written.
func TestEncodedWords(t *testing.T) {
	s := new(submission).start(t)
	grant := &mail.Grant{URL: "smtp://" + s.url + "?tls=none&from=a@example.com"}
	for _, text := range []string{
		"=?utf-8?q?a=0d=0aBcc:=20evil@example.com?=", "=?", "a =?utf-8?b?YQ==?= b", "é =?utf-8?q?x?= " + strings.Repeat("é=?", 100),
	} {
		if _, err := run(t.Context(), t, grant,
			`def app(text): return send("b@example.com", text, text = "x", headers = {"X-Said": text})`, []starlark.Value{starlark.String(text)}); err != nil {
			t.Fatal(err)
		}
		m, err := stdmail.ReadMessage(strings.NewReader(s.messages[len(s.messages)-1]))
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range []string{"Subject", "X-Said"} {
			got, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get(field))
			if err != nil || got != text {
				t.Errorf("%s is read as %q, %v, want %q", field, got, err, text)
			}
		}
	}
}

// TestRefusals: what cannot be sent as it was meant is not sent at all.
func TestRefusals(t *testing.T) {
	s := new(submission).start(t)
	grant := &mail.Grant{URL: "smtp://" + s.url + "?tls=none&from=a@example.com", Size: 100_000, Recipients: 3}
	for call, want := range map[string]string{
		// Injections.
		`send("a@example.com\r\nBcc: b@example.com", "x", text = "x")`:                                                  `invalid 500 send: for parameter to: "a@example.com\r\nBcc: b@example.com" is no address: `,
		`send("a@example.com\nRCPT TO:<b@example.com>", "x", text = "x")`:                                               `invalid`,
		`send("A\r\nBcc: b@example.com <a@example.com>", "x", text = "x")`:                                              `invalid`,
		`send("\"A\r\n\" <a@example.com>", "x", text = "x")`:                                                            `invalid`,
		`send("=?utf-8?q?A=0D=0ABcc:_b@example.com?= <a@example.com>", "x", text = "x")`:                                `invalid`,
		`send("\"=?utf-8?q?boss=40example.com?=\" <a@example.com>", "x", text = "x")`:                                   `invalid`,
		`send("a@example.com> SIZE=1", "x", text = "x")`:                                                                `invalid`,
		`send("<a@example.com>,<b@example.com>", "x", text = "x")`:                                                      `invalid`,
		`send("a@example.com, b@example.com", "x", text = "x")`:                                                         `invalid`,
		`send("\"a b\"@example.com", "x", text = "x")`:                                                                  `invalid`,
		`send("\"a@b\"@example.com", "x", text = "x")`:                                                                  `invalid`,
		`send("group: a@example.com;", "x", text = "x")`:                                                                `invalid`,
		`send("a@example.com (Ann)", "x", text = "x")`:                                                                  `invalid`,
		`send("a@[127.0.0.1]", "x", text = "x")`:                                                                        `invalid`,
		`send("a@exa mple.com", "x", text = "x")`:                                                                       `invalid`,
		`send("a", "x", text = "x")`:                                                                                    `invalid`,
		`send("", "x", text = "x")`:                                                                                     `invalid`,
		`send("a@", "x", text = "x")`:                                                                                   `invalid`,
		`send("a..b@example.com", "x", text = "x")`:                                                                     `invalid`,
		`send("a@-example.com", "x", text = "x")`:                                                                       `invalid`,
		`send("é@example.com", "x", text = "x")`:                                                                        `invalid`,
		`send("a@bücher.example", "x", text = "x")`:                                                                     `invalid`,
		`send("a" * 65 + "@example.com", "x", text = "x")`:                                                              `invalid`,
		`send("a@" + "b" * 300, "x", text = "x")`:                                                                       `invalid`,
		`send("a\x00@example.com", "x", text = "x")`:                                                                    `invalid`,
		`send("a@example.com", "x\r\nBcc: b@example.com", text = "x")`:                                                  `invalid 500 send: the subject has a line break`,
		`send("a@example.com", "x\n\nbody", text = "x")`:                                                                `invalid`,
		`send("a@example.com", "x\x00", text = "x")`:                                                                    `invalid`,
		`send("a@example.com", "x" * 1001, text = "x")`:                                                                 `invalid`,
		`send("a@example.com", "x", text = "x", sender = "b@example.com\r\nX: y")`:                                      `invalid 500 send: for parameter sender: `,
		`send("a@example.com", "x", text = "x", reply_to = "b@example.com\nX: y")`:                                      `invalid`,
		`send("a@example.com", "x", text = "x", reply_to = ["b@example.com", "c@d.e"])`:                                 `limit`,
		`send("a@example.com", "x", text = "x", cc = ["b@example.com\nX: y"])`:                                          `invalid`,
		`send("a@example.com", "x", text = "x", headers = {"X-A": "b\r\nBcc: c@d.e"})`:                                  `invalid 500 send: for parameter headers: the field X-A is no string of one line`,
		`send("a@example.com", "x", text = "x", headers = {"X-A: b\r\nBcc": "c@d.e"})`:                                  `invalid`,
		`send("a@example.com", "x", text = "x", headers = {"Bcc": "c@d.e"})`:                                            `invalid 500 send: for parameter headers: the field Bcc is written by send, not by a script`,
		`send("a@example.com", "x", text = "x", headers = {"content-TYPE": "text/html"})`:                               `invalid`,
		`send("a@example.com", "x", text = "x", headers = {"FROM": "c@d.e"})`:                                           `invalid`,
		`send("a@example.com", "x", text = "x", headers = {"X A": "c"})`:                                                `invalid`,
		`send("a@example.com", "x", text = "x", headers = {"X": 1})`:                                                    `invalid`,
		`send("a@example.com", "x", text = "x", headers = {"X": "y" * 9000})`:                                           `limit`,
		`send("a@example.com", "x", text = "x", headers = [("X", "y")])`:                                                `invalid`,
		`send("a@example.com", "x", text = "x", attachments = [("a\r\nX: y", b"")])`:                                    `invalid 500 send: "a\r\nX: y" is no name of a file`,
		`send("a@example.com", "x", text = "x", attachments = [("../a", b"")])`:                                         `invalid`,
		`send("a@example.com", "x", text = "x", attachments = [("a\"; x=\"", b"")])`:                                    `invalid`,
		`send("a@example.com", "x", text = "x", attachments = [{"name": "a", "data": b"", "type": "a/b\r\nX: y"}])`:     `invalid 500 send: the type of a is no media type`,
		`send("a@example.com", "x", text = "x", attachments = [{"name": "a", "data": b"", "type": "multipart/mixed"}])`: `invalid`,
		`send("a@example.com", "x", text = "x", attachments = [{"name": "a", "data": b"", "kind": "x"}])`:               `invalid`,
		`send("a@example.com", "x", text = "x", attachments = [("a", 1)])`:                                              `invalid`,
		`send("a@example.com", "x", text = "x", attachments = ["a"])`:                                                   `invalid`,
		`send("a@example.com", "x", text = "x", attachments = {"a": b""})`:                                              `invalid`,
		// What is missing, too much, or no text.
		`send("a@example.com", "x")`:                                                                       `invalid 500 send: there is nothing to read: pass text, html or both`,
		`send([], "x", text = "x")`:                                                                        `invalid 500 send: there is nobody to send it to`,
		`send([1], "x", text = "x")`:                                                                       `invalid`,
		`send(1, "x", text = "x")`:                                                                         `invalid`,
		`send("a@example.com", 1, text = "x")`:                                                             `error 500 send: for parameter subject: got int, want string`,
		`send("a@example.com", "x", text = 1)`:                                                             `invalid`,
		`send("a@example.com", "x", html = b"x")`:                                                          `invalid`,
		`send("a@example.com", "x", text = "a\x00b")`:                                                      `invalid`,
		`send(["a@example.com"] * 4, "x", text = "x")`:                                                     `limit 500 send: for parameter to: there are more than 3 addresses`,
		`send(["a@example.com"] * 2, "x", text = "x", bcc = ["b@example.com"] * 2)`:                        `limit 500 send: there are 4 recipients: at most 3`,
		`send("a@example.com", "x", text = "x" * 100001)`:                                                  `limit 500 send: the mail has more than 100000 bytes as it is sent`,
		`send("a@example.com", "x", text = "é" * 20000)`:                                                   `limit`, // six bytes each
		`send("a@example.com", "x", text = "x", attachments = [("a", b"x" * 90000)])`:                      `limit`, // a third more
		`send("a@example.com", "x", text = "x", attachments = [("a", b"x" * 60000), ("b", b"x" * 60000)])`: `limit 500 send: the mail has more bytes than it may have`,
		`send("a@example.com", "x", text = "x", attachments = [("a", b"")] * 101)`:                         `limit`,
	} {
		if got := outcome(t, grant, call); !strings.HasPrefix(got, want+" ") && !strings.HasPrefix(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", call, got, want)
		}
	}
	if len(s.messages) > 0 {
		t.Errorf("%d mails were sent: %q", len(s.messages), s.messages[0])
	}
	if got := outcome(t, grant, `send("a@example.com", "x", text = "x")`); got != "sent" {
		t.Error(got)
	}
}

// TestServers: what servers do, and what a script gets of it. No password is in any of it.
func TestServers(t *testing.T) {
	const account = "ann:hunter2@"
	only := func(verb, text string) func(string, string) string {
		return func(v, _ string) string {
			if v == verb {
				return text
			}
			return ""
		}
	}
	for name, test := range map[string]struct {
		server  *submission
		account string
		scheme  string
		query   string
		want    string
	}{
		"plain":                {&submission{}, "", "smtp", "tls=none", "sent"},
		"STARTTLS":             {&submission{starttls: true}, "", "smtp", "", "sent"},
		"STARTTLS, LOGIN":      {&submission{starttls: true, auth: "LOGIN"}, account, "smtp", "", "sent"},
		"TLS":                  {&submission{implicit: true, auth: "PLAIN"}, account, "smtps", "", "sent"},
		"no STARTTLS":          {&submission{auth: "PLAIN"}, account, "smtp", "", `tls 502 send: STARTTLS mode set to`},
		"no TLS":               {&submission{}, account, "smtps", "", "tls 502 send: no secure connection to"},
		"another name":         {&submission{starttls: true}, "", "smtp", "HOST=localhost", "tls 502 send: tls: failed to verify certificate"},
		"another name, TLS":    {&submission{implicit: true}, "", "smtps", "HOST=localhost", "tls 502 send: no secure connection to"},
		"a wrong password":     {&submission{starttls: true, auth: "PLAIN"}, "ann:hunter3@", "smtp", "", "auth 502 send: SMTP AUTH failed: 535 \"5.7.8 who are you, ann with ***"},
		"a wrong one by LOGIN": {&submission{starttls: true, auth: "LOGIN"}, "ann:hunter3@", "smtp", "", "auth 502 send: SMTP AUTH failed: 535 \"5.7.8 who are you, ann with ***"},
		"no way to log in":     {&submission{starttls: true, auth: "GSSAPI"}, account, "smtp", "", "auth 502 send: the server offers no way to log in that is known here"},
		"no accounts":          {&submission{starttls: true}, account, "smtp", "", "auth 502 send: "},
		"no sender":            {&submission{answer: only("MAIL", "550 not you")}, "", "smtp", "tls=none", "rejected 502 send: "},
		"no recipient":         {&submission{answer: only("RCPT", "550 5.1.1 no such user")}, "", "smtp", "tls=none", "rejected 502 send: "},
		"later":                {&submission{answer: only("RCPT", "451 try later")}, "", "smtp", "tls=none", "rejected 502 send: "},
		"no message":           {&submission{answer: only(".", "554 this is spam")}, "", "smtp", "tls=none", "rejected 502 send: "},
		"not now":              {&submission{answer: only("greeting", "421 too busy")}, "", "smtp", "tls=none", "protocol 502 send: 421 \"too busy\""},
		"another protocol":     {&submission{answer: only("greeting", "HTTP/1.1 400 Bad Request")}, "", "smtp", "tls=none", "protocol 502 send: "},
		"a rude good-bye":      {&submission{answer: only("QUIT", "500 what?")}, "", "smtp", "tls=none", "sent"},
		"no RSET":              {&submission{answer: only("RSET", "500 what?")}, "", "smtp", "tls=none", "sent"},
		"an endless line":      {&submission{answer: only("greeting", "220 "+strings.Repeat("x", 2<<20))}, "", "smtp", "tls=none", "protocol 502 send: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := test.server
			s.user, s.password = "ann", "hunter2"
			s.start(t)
			at := s.url
			if host, ok := strings.CutPrefix(test.query, "HOST="); ok {
				at, test.query = host+at[strings.LastIndexByte(at, ':'):], ""
			}
			grant := &mail.Grant{URL: test.scheme + "://" + test.account + at + "?from=a@example.com&" + test.query, Roots: s.roots}
			got := outcome(t, grant, `send("b@example.com", "x", text = "x")`)
			if !strings.HasPrefix(got, test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
			for _, secret := range []string{"hunter", "aHVudGVy", base64.StdEncoding.EncodeToString([]byte("\x00ann\x00hunter3"))} {
				if strings.Contains(got, secret) {
					t.Errorf("the password is in %s", got)
				}
			}
			if sent := len(s.messages) == 1; sent != (got == "sent" || name == "no message") {
				t.Errorf("%d messages came", len(s.messages))
			}
			if test.server.auth == "PLAIN" && name == "no STARTTLS" && strings.Contains(s.said(), "AUTH") {
				t.Error("the password was sent in the open")
			}
		})
	}
	if got := outcome(t, &mail.Grant{URL: "smtp://127.0.0.1:1?from=a@example.com"}, `send("b@example.com", "x", text = "x")`); !strings.HasPrefix(got, "connect 502 send: no connection to 127.0.0.1:1: ") {
		t.Error(got)
	}
	if got := outcome(t, new(mail.Grant), `send("b@example.com", "x", text = "x", sender = "a@example.com")`); got != "refused 500 send: no server is granted; grant mail=smtp://USER:PASSWORD@HOST" {
		t.Error(got)
	}
	if got := outcome(t, &mail.Grant{Advice: "start with --grant mail=URL"}, `send("b@example.com", "x", text = "x")`); got != "refused 500 send: no server is granted; start with --grant mail=URL" {
		t.Error(got)
	}
	if got := outcome(t, &mail.Grant{URL: "smtp://127.0.0.1:1"}, `send("b@example.com", "x", text = "x")`); got != "invalid 500 send: there is no sender: pass one, or grant one as ?from=ADDRESS" {
		t.Error(got)
	}
}

// TestEnds: a server that hangs is left when the time is over, and when the call ends.
func TestEnds(t *testing.T) {
	for _, verb := range []string{"greeting", "EHLO", "STARTTLS", "MAIL", "RCPT", "DATA", "."} {
		t.Run("hangs at "+verb, func(t *testing.T) {
			t.Parallel()
			s := (&submission{starttls: true, hang: verb}).start(t)
			url := "smtp://" + s.url + "?from=a@example.com"
			slow := &mail.Grant{URL: url, Roots: s.roots, Timeout: 200 * time.Millisecond}
			if got := outcome(t, slow, `send("b@example.com", "x", text = "x")`); got != "timeout 504 send: the server has not taken the mail within 200ms" {
				t.Error(got)
			}
			<-s.gone
			<-s.hanging
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() {
				_, err := run(ctx, t, &mail.Grant{URL: url, Roots: s.roots}, `
def app():
    return catch(lambda: send("b@example.com", "x", text = "x"))
`, nil)
				ended <- err
			}()
			<-s.hanging
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("the call ends with %v", err)
			}
			<-s.gone
		})
	}
}

// TestPerCall: a call sends so many mails, and the next one as many again.
func TestPerCall(t *testing.T) {
	s := new(submission).start(t)
	grant := &mail.Grant{URL: "smtp://" + s.url + "?tls=none&from=a@example.com", PerCall: 2}
	for range 2 {
		got, err := run(t.Context(), t, grant, `
def app():
    return [catch(lambda: send("b@example.com", "x", text = "x"))[1] for _ in range(4)]
`, nil)
		if want := `[None, None, error("send: one call sends up to 2 mails"), error("send: one call sends up to 2 mails")]`; got != want || err != nil {
			t.Errorf("got %s, %v", got, err)
		}
	}
	if len(s.messages) != 4 {
		t.Errorf("%d mails were sent", len(s.messages))
	}
}

// An observer keeps what it is told.
type observer struct{ all []host.Work }

func (o *observer) Observe(w host.Work) { o.all = append(o.all, w) }
func (o *observer) Wait(ctx context.Context, f func(ctx context.Context) error) error {
	return f(ctx)
}

// TestObserved: each mail is told of, without who gets it.
func TestObserved(t *testing.T) {
	s := new(submission).start(t)
	grant := &mail.Grant{URL: "smtp://" + s.url + "?tls=none&from=a@example.com"}
	p, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte("load('@mail', 'send')\ndef app():\n" +
			"    send('b@example.com', 'secret', text = 'secret', bcc = ['c@example.com'])\n")}},
		Modules: []*host.Module{mail.Module()}, Grants: map[string]any{"mail": grant},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	o := new(observer)
	err = p.Call(t.Context(), func(_ context.Context, th *starlark.Thread, app starlark.Callable) error {
		host.CallOf(th).(host.Yielder).Yield(o)
		_, err := starlark.Call(th, app, nil, nil)
		return err
	})
	if err != nil || len(o.all) != 1 {
		t.Fatal(err, o.all)
	}
	w := o.all[0]
	if w.Kind != "mail" || w.Text != "mail by "+s.url || w.Count != 2 || w.Unit != "recipients" || w.Err != nil || w.Took <= 0 {
		t.Errorf("told %+v", w)
	}
}

// TestGrants: what cannot be granted is said when the grant is made, without the password.
func TestGrants(t *testing.T) {
	for url, want := range map[string]string{
		"": "", "smtp://host": "", "smtps://u:p@host:465?from=a@b.example": "", "smtp://host:25?tls=none": "", "smtp://host?tls=starttls&from=A+B <a+b@c.example>": "",
		"http://u:secret@host":           `the scheme is "http", not smtp or smtps`,
		"smtp://u:sec ret@host":          "it cannot be read",
		"smtp://u:secret@":               "there is no host in it",
		"smtp://u@host":                  "there is a user without a password",
		"smtp://:secret@host":            "there is a user without a password",
		"smtp://u:secret@host/path":      "nothing stands behind the host",
		"smtp://u:secret@host:0":         `"0" is no port`,
		"smtp://u:secret@host:70000":     `"70000" is no port`,
		"smtp://u:secret@host:x":         "it cannot be read",
		"smtp://u:secret@host?from=x":    `from: "x" is no address`,
		"smtp://u:secret@host?tls=some":  "tls is starttls or none",
		"smtps://u:secret@host?tls=none": "tls is starttls or none",
		"smtp://u:secret@host?x=y":       `there is no "x": from and tls`,
		"smtp://u:secret@host?from=%zz":  "what is behind the ? cannot be read",
	} {
		err := (&mail.Grant{URL: url}).Check()
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), "mail: grant URL: "+want)) {
			t.Errorf("%s: got %v, want %s", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "sec") {
			t.Errorf("the password is in %v", err)
		}
	}
	for _, grant := range []any{"smtp://host", mail.Grant{}, &mail.Grant{URL: "x"}} {
		if _, err := mail.Module().Values(&host.Load{Grant: grant}); err == nil {
			t.Errorf("%v is taken for a grant", grant)
		}
	}
}

// TestTrial: a test sees what would have been sent, and nothing goes out.
func TestTrial(t *testing.T) {
	s := new(submission).start(t)
	trial, err := (&mail.Grant{URL: "smtp://ann:hunter2@" + s.url + "?tls=none&from=Notes <notes@example.com>", PerCall: 3}).Trial(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	test := &host.Module{Name: "test", Doc: "Tests.", Members: trial.Members}
	for _, step := range []struct{ script, want string }{
		{`load("@test", "mails")
def app():
    id = send("Ann <ann@example.com>", "Hello", text = "Hi", bcc = "c@example.com", attachments = [("a.txt", "x")], headers = {"X-A": "b"})
    send(["b@example.com"], "Second", html = "<p>", sender = "me@example.com", reply_to = "re@example.com")
    a, b = mails()
    return [a.sender, a.to, a.cc, a.bcc, a.subject, a.text, a.html, a.reply_to, a.headers, a.message_id == id,
        [(f.name, f.type, f.data) for f in a.attachments]], [b.sender, b.to, b.text, b.html, b.reply_to]`,
			`(["Notes <notes@example.com>", ["Ann <ann@example.com>"], [], ["c@example.com"], "Hello", "Hi", None, None, {"X-A": "b"}, True, ` +
				`[("a.txt", "text/plain; charset=utf-8", b"x")]], ["me@example.com", ["b@example.com"], None, "<p>", "re@example.com"])`},
		{`load("@test", "mails")
def app():
    return mails(), catch(lambda: send("a@example.com\n", "x", text = "x"))[1].kind, [catch(lambda: send("a@example.com", "x", text = "x"))[1] != None for _ in range(4)], len(mails())`,
			`([], "invalid", [False, False, False, True], 3)`},
	} {
		if err := trial.Begin(); err != nil {
			t.Fatal(err)
		}
		got, err := run(t.Context(), t, trial.Grant, step.script, nil, test)
		if got != step.want || err != nil {
			t.Errorf("%s\n got %s, %v\nwant %s", step.script, got, err, step.want)
		}
	}
	if said := s.said(); said != "" {
		t.Errorf("the server was asked: %s", said)
	}
}

// TestTrialSender: where no sender is granted a mail that names none fails in a test as it does in service, and a test
// can say which one is granted.
func TestTrialSender(t *testing.T) {
	script := `
def app():
    return catch(lambda: send("a@example.com", "x", text = "x"))[1].kind`
	s := new(submission).start(t)
	served, err := run(t.Context(), t, &mail.Grant{URL: "smtp://" + s.url + "?tls=none"}, script, nil)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := new(mail.Grant).Trial("")
	if err != nil {
		t.Fatal(err)
	}
	test := &host.Module{Name: "test", Doc: "Tests.", Members: bare.Members}
	tested, err := run(t.Context(), t, bare.Grant, script, nil, test)
	if tested != served || served != `"invalid"` || err != nil {
		t.Errorf("in service %s, in a test %s, %v", served, tested, err)
	}
	got, err := run(t.Context(), t, bare.Grant, `load("@test", "mails")
def app():
    mails(sender = "Notes <notes@example.com>")
    send("a@example.com", "x", text = "x")
    send("a@example.com", "x", text = "x", sender = "me@example.com")
    return [m.sender for m in mails()]`, nil, test)
	if got != `["Notes <notes@example.com>", "me@example.com"]` || err != nil {
		t.Error(got, err)
	}
	if err := bare.Begin(); err != nil {
		t.Fatal(err)
	}
	if got, err := run(t.Context(), t, bare.Grant, script, nil, test); got != served || err != nil {
		t.Errorf("the next test has a sender: %s, %v", got, err)
	}
}

// TestTrialFails: a test can have mails fail as they do when the server does not take them.
func TestTrialFails(t *testing.T) {
	trial, err := (&mail.Grant{URL: "smtp://host?from=a@example.com"}).Trial("")
	if err != nil {
		t.Fatal(err)
	}
	test := &host.Module{Name: "test", Doc: "Tests.", Members: trial.Members}
	script := `load("@test", "mails")
def one():
    e = catch(lambda: send("b@example.com", "x", text = "x"))[1]
    return (e.kind, e.status, e.message) if e else None
def app():
    return [one()] + [(len(mails(error = k)), one()) for k in ["rejected", "timeout"]] + [len(mails(error = "")), one(), len(mails()),
        catch(lambda: mails(error = "late"))[1].message, catch(lambda: mails(sender = "x"))[1].kind]`
	got, err := run(t.Context(), t, trial.Grant, script, nil, test)
	want := `[None, (1, ("rejected", 502, "send: the test says so")), (1, ("timeout", 504, "send: the test says so")), 1, None, 2, ` +
		`"mails: for parameter error: got \"late\", want one of connect, tls, auth, rejected, timeout, protocol, or \"\"", "invalid"]`
	if got != want || err != nil {
		t.Errorf(" got %s, %v\nwant %s", got, err, want)
	}
	if err := trial.Begin(); err != nil {
		t.Fatal(err)
	}
	got, err = run(t.Context(), t, trial.Grant, "def app():\n    return len(send('b@example.com', 'x', text = 'x')) > 0", nil, test)
	if got != "True" || err != nil {
		t.Errorf("the next test fails, too: %s, %v", got, err)
	}
}

// FuzzAddress: what is taken for an address is one line, and has one @.
func FuzzAddress(f *testing.F) {
	for _, text := range []string{"a@example.com", "A B <a@b.c>", `"A" <a@b.c>`, "a@b\r\nX: y", "=?utf-8?q?=0D=0A?= <a@b.c>", "a@b, c@d", "<a@b>", "a(b)@c"} {
		f.Add(text)
	}
	trial, err := (&mail.Grant{URL: "smtp://host?from=app@example.com"}).Trial("")
	if err != nil {
		f.Fatal(err)
	}
	values, err := mail.Module().Values(&host.Load{Grant: trial.Grant})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := trial.Begin(); err != nil {
			t.Fatal(err)
		}
		_, err := starlark.Call(new(starlark.Thread), values["send"], starlark.Tuple{starlark.String(text), starlark.String("x"), starlark.String("x")}, nil)
		if err != nil {
			if host.Panicked(err) || host.KindOf(err) != "invalid" {
				t.Fatal(err)
			}
			return
		}
		address := text
		if i := strings.LastIndexByte(text, '<'); i >= 0 {
			address = text[i:]
		}
		if strings.Count(address, "@") != 1 || strings.ContainsFunc(text, func(r rune) bool { return slices.Contains([]rune{'\r', '\n', 0}, r) }) {
			t.Fatalf("%q is taken for an address", text)
		}
	})
}
