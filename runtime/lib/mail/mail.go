// Package mail is the host module @mail: it gives mails to the one server that was granted, by SMTP
// submission, RFC 6409. [Module] describes it, and a [Grant] has the server, the account there, and
// the limits.
//
// What a script passes is read to a [Mail] first: addresses of one strict form, a subject and fields
// in which nothing can end the line, parts that are bounded. Only what has become one is written as
// a message, and sent; in tests it is kept instead. No message of an error has the password in it,
// though a server may repeat it.
package mail

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @mail, which needs a *[Grant].
func Module() *host.Module {
	return &host.Module{
		Name:    "mail",
		Doc:     "Sends mails.",
		Grant:   "a server that takes mails",
		Members: []host.Member{sendMember()},
		Tests:   []host.Member{new(trial).member()},
		Whole:   true,
		Open: func(l *host.Load) (any, error) {
			grant, ok := l.Grant.(*Grant)
			if !ok && l.Grant != nil {
				return nil, fmt.Errorf("mail: it is granted %T, not *mail.Grant", l.Grant)
			}
			if grant == nil {
				grant = new(Grant)
			}
			return grant.open()
		},
	}
}

func sendMember() host.Member {
	none := starlark.Value(starlark.None)
	address := "an address, as ann@example.com or Ann Lee <ann@example.com>"
	return host.Member{
		Name: "send",
		Doc: "Sends a mail, and returns when the server has taken it. It takes it for all recipients or " +
			"for none.",
		Params: []host.Param{
			{Name: "to", Type: "string or list", Doc: address + ", or a list of them"},
			{Name: "subject", Type: "string", Doc: "one line"},
			{
				Name: "text", Type: "string", Default: none,
				Doc: "the mail as plain text; there is this, or html, or both, of which readers choose",
			},
			{Name: "html", Type: "string", Default: none, Doc: "the mail as HTML"},
			{
				Name: "sender", Type: "string", Default: none,
				Doc: address + "; None is the one that was granted",
			},
			{
				Name: "cc", Type: "string or list", Default: none,
				Doc: "who gets a copy, as all recipients see",
			},
			{
				Name: "bcc", Type: "string or list", Default: none,
				Doc: "who gets a copy that no other recipient sees",
			},
			{
				Name: "reply_to", Type: "string", Default: none,
				Doc: "where answers are to go, if not to the sender",
			},
			{
				Name: "attachments", Type: "list", Default: none,
				Doc: "up to 100 files: pairs of a name and bytes, text or an open file, or dicts of name, " +
					"data and type, which is guessed by the name if it is not said",
			},
			{
				Name: "headers", Type: "dict", Default: none,
				Doc: "further fields of the head, as List-Unsubscribe; a dict of strings",
			},
		},
		Result: "a string: the Message-ID",
		Errors: []host.Failure{
			{When: `no server was granted (kind "refused")`},
			{When: `an address, the subject, a field or a part is none that can be sent (kind "invalid")`},
			{When: `there are too many recipients, too many mails in one call, or too many bytes (kind "limit")`},
			{When: `the server cannot be reached (kind "connect"), is not who was meant (kind "tls"), or ` +
				`does not accept the account (kind "auth"); uncaught, the client gets 502, as for what follows`},
			{When: `the server does not take the mail, perhaps because of a recipient (kind "rejected")`},
			{When: `it takes too long (kind "timeout"; uncaught, the client gets 504), or breaks off ` +
				`(kind "protocol"): it may have been sent`},
		},
		Example: `send("ann@example.com", "Hello", text = "Hello, Ann.")  # error: no server is granted
send("ann@example.com\nBcc: all@example.com", "Hello", text = "x")  # error: is no address
send("ann@example.com", "Hello\nBcc: all@example.com", text = "x")  # error: the subject has`,
		Fn: send,
	}
}

// send is send(to, subject, ...).
func send(a host.Args) (starlark.Value, error) {
	var g given
	err := a.Unpack(&g.to, &g.subject, &g.text, &g.html, &g.sender, &g.cc, &g.bcc, &g.replyTo,
		&g.attachments, &g.headers)
	if err != nil {
		return nil, err
	}
	s := a.Of.(*server)
	m, err := s.mail(a.Thread, &g)
	if err != nil {
		return nil, err
	}
	if err := s.send(a.Thread, m); err != nil {
		return nil, err
	}
	return starlark.String(m.MessageID), nil
}
