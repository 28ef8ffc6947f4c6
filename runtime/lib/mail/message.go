package mail

import (
	"crypto/rand"
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Mail is what is sent, as tests see it: a script reads the fields by their names in small letters,
// as message_id.
type Mail struct {
	// Sender, To, Cc, Bcc and ReplyTo are addresses as they stand in the head.
	Sender  string
	To      []string
	Cc      []string
	Bcc     []string
	ReplyTo *string // nil if there is none
	Subject string
	// Text and HTML are the parts, nil for one that is not there.
	Text *string
	HTML *string
	// Attachments are the files that go with it.
	Attachments []Attachment
	// Headers are the further fields.
	Headers map[string]string
	// MessageID is the one of the field, without its brackets.
	MessageID string

	sender, replyTo *mail.Address // nil if there is none
	to, cc, bcc     []*mail.Address
}

// An Attachment is a file that goes with a mail.
type Attachment struct {
	Name string
	Type string // as "text/plain; charset=utf-8"
	Data []byte
}

// given are the arguments of send, before they are looked at.
type given struct {
	to, text, html, sender, cc, bcc, replyTo, attachments, headers starlark.Value
	subject                                                        string
}

// maxSubject is how many bytes a subject may have.
const maxSubject = 1000

// mail returns the mail that the arguments are.
func (s *server) mail(t *starlark.Thread, g *given) (*Mail, error) {
	m := &Mail{Subject: g.subject}
	if len(m.Subject) > maxSubject || !printable(m.Subject) {
		return nil, failed(invalid, "the subject has a line break, another character that none may have, "+
			"or more than %d bytes", maxSubject)
	}
	if err := s.envelope(m, g); err != nil {
		return nil, err
	}
	var err error
	if m.Text, err = part("text", g.text); err != nil {
		return nil, err
	}
	if m.HTML, err = part("html", g.html); err != nil {
		return nil, err
	}
	if m.Text == nil && m.HTML == nil {
		return nil, failed(invalid, "there is nothing to read: pass text, html or both")
	}
	if m.Attachments, err = attachments(t, g.attachments, s.grant.size()); err != nil {
		return nil, err
	}
	if m.Headers, err = fields(g.headers); err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(m.sender.Address, "@")
	m.MessageID = strings.ToLower(rand.Text()) + "@" + domain
	return m, nil
}

// envelope reads who sends the mail, and to whom.
func (s *server) envelope(m *Mail, g *given) (err error) {
	most := s.grant.recipients()
	for _, list := range []struct {
		param  string
		v      starlark.Value
		parsed *[]*mail.Address
		shown  *[]string
	}{
		{"to", g.to, &m.to, &m.To}, {"cc", g.cc, &m.cc, &m.Cc}, {"bcc", g.bcc, &m.bcc, &m.Bcc},
	} {
		if *list.parsed, err = addresses(list.param, list.v, most); err != nil {
			return err
		}
		for _, a := range *list.parsed {
			*list.shown = append(*list.shown, shown(a))
		}
	}
	switch n := len(m.to) + len(m.cc) + len(m.bcc); {
	case n == 0:
		return failed(invalid, "there is nobody to send it to")
	case n > most:
		return failed(excessive, "there are %d recipients: at most %d", n, most)
	}
	if m.sender, err = single("sender", g.sender); err != nil {
		return err
	}
	if m.sender == nil {
		m.sender = s.from()
	}
	switch {
	case m.sender != nil:
	case !s.some():
		return failed(refused, "no server is granted; %s", s.grant.advice())
	case s.grant.trial != nil:
		return failed(invalid, "there is no sender: pass one, or have the test say which one is granted, "+
			"as in mails(sender = \"notes@example.com\")")
	default:
		return failed(invalid, "there is no sender: pass one, or grant one as ?from=ADDRESS")
	}
	m.Sender = shown(m.sender)
	if m.replyTo, err = single("reply_to", g.replyTo); err != nil {
		return err
	}
	if m.replyTo != nil {
		text := shown(m.replyTo)
		m.ReplyTo = &text
	}
	return nil
}

// shown is an address for people: with the name as it is.
func shown(a *mail.Address) string {
	if a.Name == "" {
		return a.Address
	}
	return a.Name + " <" + a.Address + ">"
}

// single reads one address, None being none.
func single(param string, v starlark.Value) (*mail.Address, error) {
	all, err := addresses(param, v, 1)
	if err != nil || v == starlark.None {
		return nil, err
	}
	if len(all) == 0 {
		return nil, failed(invalid, "for parameter %s: it is empty", param)
	}
	return all[0], nil
}

// part reads text or html.
func part(param string, v starlark.Value) (*string, error) {
	if v == starlark.None {
		return nil, nil
	}
	s, ok := starlark.AsString(v)
	switch {
	case !ok:
		return nil, failed(invalid, "for parameter %s: got %s, want a string", param, v.Type())
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return nil, failed(invalid, "for parameter %s: it is no text: there are bytes in it that are no UTF-8",
			param)
	}
	return &s, nil
}

// own are the fields that a script does not write: those that send has parameters for, those that say
// what the parts are, and those that only servers write.
var own = []string{
	"from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "sender", "return-path",
	"mime-version", "received", "dkim-signature", "authentication-results", "delivered-to", "errors-to",
}

const (
	maxFields     = 50
	maxFieldBytes = 8 << 10
)

// fields reads the further fields, None being none.
func fields(v starlark.Value) (map[string]string, error) {
	all := make(map[string]string)
	if v == starlark.None {
		return all, nil
	}
	m, ok := v.(starlark.IterableMapping)
	if !ok {
		return nil, failed(invalid, "for parameter headers: got %s, want a dict", v.Type())
	}
	size := 0
	for _, item := range m.Items() {
		name, ok := starlark.AsString(item[0])
		if !ok || !token(name) {
			return nil, failed(invalid, "for parameter headers: %s is no name of a field", host.Show(item[0]))
		}
		low := strings.ToLower(name)
		if slices.Contains(own, low) || strings.HasPrefix(low, "content-") || strings.HasPrefix(low, "resent-") {
			return nil, failed(invalid, "for parameter headers: the field %s is written by send, not by a script",
				host.Cut(name))
		}
		value, ok := starlark.AsString(item[1])
		if !ok || !printable(value) {
			return nil, failed(invalid, "for parameter headers: the field %s is no string of one line", host.Cut(name))
		}
		if size += len(name) + len(value); size > maxFieldBytes || len(all) == maxFields {
			return nil, failed(excessive, "for parameter headers: there are more than %d fields, or they have more "+
				"than %d bytes", maxFields, maxFieldBytes)
		}
		all[name] = value
	}
	return all, nil
}

// token reports whether a text is a name of a field: RFC 5322, section 2.2, and of these the tame
// ones.
func token(s string) bool { return len(s) <= 76 && dotted(s, "-_") && !strings.Contains(s, ".") }
