package mail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

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
	msg.Subject(literal(m.Subject))
	msg.SetDate()
	msg.SetMessageIDWithValue(m.MessageID)
	for name, value := range m.Headers {
		msg.SetGenHeader(gomail.Header(name), literal(value))
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

// wordBytes is how many bytes of text are in an encoded word: RFC 2047, section 2, lets it have 75
// characters.
const wordBytes = 45

// literal has a text be read as it is that looks as if it were encoded: RFC 2047, section 5. The library
// encodes only what is not ASCII, and who reads the mail would see what "=?utf-8?q?...?=" stands for,
// line breaks and all.
func literal(text string) string {
	if !strings.Contains(text, "=?") {
		return text
	}
	var words []string
	for text != "" {
		n := min(wordBytes, len(text))
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n--
		}
		words = append(words, "=?UTF-8?B?"+base64.StdEncoding.EncodeToString([]byte(text[:n]))+"?=")
		text = text[n:]
	}
	return strings.Join(words, " ")
}
