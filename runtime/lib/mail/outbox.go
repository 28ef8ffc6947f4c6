package mail

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// An Outbox keeps the last mails of a program in memory, so that whoever develops it can look at
// them: 100 mails, of 16 MiB together, without what is in their attachments. The zero value is
// empty. It must not be copied, and is safe for concurrent use.
type Outbox struct {
	// Told, if not nil, is called for each mail that was put into the outbox and not sent. It may be
	// called from any number of goroutines.
	Told func(m *Mail)
	// Forward, if not nil, is given each mail instead, as it would be kept, and whether it was sent: it
	// is for an Outbox of another process, which takes it by Add. It may be called from any number of
	// goroutines.
	Forward func(m *Mail, sent bool)

	mu    sync.Mutex
	kept  []*kept // oldest first
	bytes int     // of all
	count int     // of all that there ever were
}

const (
	maxOutbox      = 100
	maxOutboxBytes = 16 << 20
	// maxPart is how many bytes of text, and of HTML, are kept.
	maxPart = 1 << 20
)

// A kept mail is one in an outbox.
type kept struct {
	number int
	at     time.Time
	sent   bool
	mail   *Mail
	bytes  int
}

// Add keeps a mail, which was sent or not.
func (o *Outbox) Add(m *Mail, sent bool) {
	small := *m
	small.Text, small.HTML = beginning(m.Text), beginning(m.HTML)
	small.Attachments = nil
	for _, a := range m.Attachments {
		unit := "bytes"
		if a.Data == nil { // it has come from another process
			small.Attachments = append(small.Attachments, a)
			continue
		}
		if len(a.Data) == 1 {
			unit = "byte"
		}
		small.Attachments = append(small.Attachments,
			Attachment{Name: a.Name, Type: fmt.Sprintf("%s, %d %s", a.Type, len(a.Data), unit)})
	}
	if o.Forward != nil {
		o.Forward(&small, sent)
		return
	}
	k := &kept{at: time.Now(), sent: sent, mail: &small}
	for _, row := range k.rows() {
		k.bytes += len(row[1].Text)
	}
	o.put(k)
	if o.Told != nil && !sent {
		o.Told(m)
	}
}

// put makes room for a mail.
func (o *Outbox) put(k *kept) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count++
	k.number = o.count
	o.kept = append(o.kept, k)
	o.bytes += k.bytes
	for len(o.kept) > 1 && (len(o.kept) > maxOutbox || o.bytes > maxOutboxBytes) {
		o.bytes -= o.kept[0].bytes
		o.kept = slices.Delete(o.kept, 0, 1)
	}
}

// beginning is as much of a part as is kept.
func beginning(part *string) *string {
	if part == nil || len(*part) <= maxPart {
		return part
	}
	text := strings.ToValidUTF8(strings.Clone((*part)[:maxPart]), "") + "…"
	return &text
}

// all returns the mails, the last one first.
func (o *Outbox) all() []*kept {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	all := slices.Clone(o.kept)
	slices.Reverse(all)
	return all
}

// rows are what there is to see of a mail: names and values.
func (k *kept) rows() [][]host.Cell {
	var rows [][]host.Cell
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []host.Cell{{Text: name}, {Text: value}})
		}
	}
	m := k.mail
	add("From", m.Sender)
	for _, list := range []struct {
		name string
		all  []string
	}{{"To", m.To}, {"Cc", m.Cc}, {"Bcc", m.Bcc}} {
		add(list.name, strings.Join(list.all, ", "))
	}
	if m.ReplyTo != nil {
		add("Reply-To", *m.ReplyTo)
	}
	add("Subject", m.Subject)
	add("Message-ID", m.MessageID)
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		add(name, m.Headers[name])
	}
	for _, a := range m.Attachments {
		add("Attachment", a.Name+" ("+a.Type+")")
	}
	if m.Text != nil {
		add("Text", *m.Text)
	}
	if m.HTML != nil {
		rows = append(rows, []host.Cell{{Text: "HTML"}, {Text: *m.HTML, HTML: true}})
	}
	return rows
}

var _ host.Keeper = (*Grant)(nil)

// listed is the name of the list of mails.
const listed = "outbox"

// Kept is [host.Keeper]'s: the list of the mails in the Outbox, and each of them, if there is any.
func (g *Grant) Kept(context.Context) ([]host.Collection, error) {
	mails := g.Outbox.all()
	if mails == nil {
		return nil, nil
	}
	c := host.Collection{In: "mail", Name: listed, Kind: "mails", Count: int64(len(mails)),
		Text: fmt.Sprintf("The last mails, up to %d. No server is granted: none of them was sent.", maxOutbox)}
	if g.URL != "" {
		c.Text = fmt.Sprintf("The last mails that the server has taken, up to %d.", maxOutbox)
	}
	all := []host.Collection{c}
	for _, k := range mails {
		c := host.Collection{In: "mail", Name: strconv.Itoa(k.number), Kind: "mail", Count: -1, Part: true,
			Text: "It was kept here and not sent, at " + k.at.Format("15:04:05") + "."}
		if k.sent {
			c.Text = "The server has taken it at " + k.at.Format("15:04:05") + "."
		}
		all = append(all, c)
	}
	return all, nil
}

// Look is [host.Keeper]'s.
func (g *Grant) Look(_ context.Context, c host.Collection, from, n int) (*host.Sheet, error) {
	s := &host.Sheet{Columns: []string{"Part", "Value"}}
	for _, k := range g.Outbox.all() {
		row := k.rows()
		switch {
		case c.Name == listed:
			s.Rows = append(s.Rows, k.line())
		case c.Name == strconv.Itoa(k.number):
			s.Rows = row
		}
	}
	if c.Name == listed {
		s.Columns = []string{"At", "To", "Subject", "Attachments"}
	}
	from = min(from, len(s.Rows))
	s.Rows = s.Rows[from:]
	if s.More = len(s.Rows) > n; s.More {
		s.Rows = s.Rows[:n]
	}
	return s, nil
}

// line is the mail in the list.
func (k *kept) line() []host.Cell {
	to := strings.Join(k.mail.To, ", ")
	if more := len(k.mail.Cc) + len(k.mail.Bcc); more > 0 {
		to = strings.TrimPrefix(fmt.Sprintf("%s and %d more", to, more), " and ")
	}
	var names []string
	for _, a := range k.mail.Attachments {
		names = append(names, a.Name)
	}
	subject := k.mail.Subject
	if subject == "" {
		subject = "(no subject)"
	}
	return []host.Cell{{Text: k.at.Format("15:04:05")}, {Text: host.Cut(to)},
		{Text: host.Cut(subject), To: strconv.Itoa(k.number)}, {Text: host.Cut(strings.Join(names, ", "))}}
}
