package mail

import (
	"slices"

	"github.com/wneessen/go-mail/smtp"
)

// A login shows an account to a server, in the best way that it takes. A password is not sent where
// others could read it.
type login struct {
	line *line
	way  smtp.Auth
}

// Start is [smtp.Auth]'s.
func (l *login) Start(info *smtp.ServerInfo) (proto string, toServer []byte, err error) {
	a := l.line.server.account
	l.line.enter(unknown)
	offers := func(name string) bool { return slices.Contains(info.Auth, name) }
	switch {
	case offers("SCRAM-SHA-256"):
		l.way = smtp.ScramSHA256Auth(a.user, a.password)
	case offers("PLAIN") && info.TLS:
		l.way = smtp.PlainAuth("", a.user, a.password, a.host, false)
	case offers("LOGIN") && info.TLS:
		l.way = smtp.LoginAuth(a.user, a.password, a.host, false)
	case offers("CRAM-MD5"):
		l.way = smtp.CRAMMD5Auth(a.user, a.password)
	case offers("PLAIN"): // to this machine, or not at all
		l.way = smtp.PlainAuth("", a.user, a.password, a.host, false)
	case offers("LOGIN"):
		l.way = smtp.LoginAuth(a.user, a.password, a.host, false)
	default:
		return "", nil, failed(unknown, "the server offers no way to log in that is known here: "+
			"SCRAM-SHA-256, PLAIN, LOGIN and CRAM-MD5")
	}
	return l.way.Start(info)
}

// Next is [smtp.Auth]'s.
func (l *login) Next(fromServer []byte, more bool) ([]byte, error) {
	return l.way.Next(fromServer, more)
}
