package mail

import (
	"bytes"
	"fmt"

	gomail "github.com/wneessen/go-mail"
)

// message writes the mail as a message. It has been read by send: nothing in it can end a line of
// the head.
func (m *Mail) message() (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(m.sender)
	msg.ToMailAddress(m.to...)
	msg.CcMailAddress(m.cc...)
	msg.BccMailAddress(m.bcc...)
	if m.replyTo != nil {
		msg.ReplyToMailAddress(m.replyTo)
	}
	msg.Subject(m.Subject)
	msg.SetDate()
	msg.SetMessageIDWithValue(m.MessageID)
	for name, value := range m.Headers {
		msg.SetGenHeader(gomail.Header(name), value)
	}
	switch {
	case m.Text == nil:
		msg.SetBodyString(gomail.TypeTextHTML, *m.HTML)
	case m.HTML == nil:
		msg.SetBodyString(gomail.TypeTextPlain, *m.Text)
	default:
		msg.SetBodyString(gomail.TypeTextPlain, *m.Text)
		// RFC 2046, section 5.1.4: "the last part of a type supported by the recipient".
		msg.AddAlternativeString(gomail.TypeTextHTML, *m.HTML)
	}
	for _, a := range m.Attachments {
		err := msg.AttachReader(a.Name, bytes.NewReader(a.Data),
			gomail.WithFileContentType(gomail.ContentType(a.Type)))
		if err != nil {
			return nil, fmt.Errorf("mail: attach %s: %w", a.Name, err)
		}
	}
	return msg, nil
}
