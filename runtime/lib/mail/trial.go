package mail

import (
	"net/mail"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A trial stands for the server in tests: it keeps what is sent. It is safe for concurrent use.
type trial struct {
	mu   sync.Mutex
	sent []*Mail
}

// maxKept is how many mails of one test are kept.
const maxKept = 1000

// Trial is [host.Tester]'s: nothing is sent, and what would have been can be looked at. The sender is
// that of the grant, or app@example.com.
func (g *Grant) Trial(string) (*host.Trial, error) {
	a, err := g.account()
	if err != nil {
		return nil, err
	}
	from := a.from
	if from == nil {
		from = &mail.Address{Address: "app@example.com"}
	}
	tr := new(trial)
	grant := &Grant{Size: g.Size, Recipients: g.Recipients, PerCall: g.PerCall, trial: tr}
	server, err := grant.open()
	if err != nil {
		return nil, err
	}
	server.account.from = from
	return &host.Trial{
		Grant:   grant,
		Members: []host.Member{tr.member()},
		Begin: func() error {
			tr.mu.Lock()
			defer tr.mu.Unlock()
			tr.sent = nil
			return nil
		},
	}, nil
}

func (tr *trial) keep(m *Mail) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if len(tr.sent) < maxKept {
		tr.sent = append(tr.sent, m)
	}
}

func (tr *trial) member() host.Member {
	return host.Member{
		Name: "mails",
		Doc: "Returns the mails that the application has sent in this test, in their order. Nothing goes " +
			"out.",
		Result: "a list of values with the attributes sender, to, cc, bcc, reply_to, subject, text, html, " +
			"attachments (each with name, type and data), headers and message_id",
		Example: `mails()  # []`,
		Fn: func() []*Mail {
			tr.mu.Lock()
			defer tr.mu.Unlock()
			return append([]*Mail(nil), tr.sent...)
		},
	}
}
