package mail

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A trial stands for the server in tests: it keeps what is sent. It is safe for concurrent use.
type trial struct {
	granted *mail.Address // the sender, nil if none is granted

	mu     sync.Mutex
	sender *mail.Address // that of the test, or granted
	kind   string        // of the failure of all mails, "" if they are taken
	sent   []*Mail
}

// maxKept is how many mails of one test are kept.
const maxKept = 1000

// failures are the kinds of failures that a test can have happen: those that are the server's.
var failures = []string{unreached, unsafe, unknown, rejected, timedOut, broken}

// Trial is [host.Tester]'s: nothing is sent, and what would have been can be looked at. The sender is
// that of the grant; if it has none a mail needs its own, as where it is served, or the test says
// one.
func (g *Grant) Trial(string) (*host.Trial, error) {
	a, err := g.account()
	if err != nil {
		return nil, err
	}
	tr := &trial{granted: a.from}
	tr.begin()
	return &host.Trial{
		Grant:   &Grant{Size: g.Size, Recipients: g.Recipients, PerCall: g.PerCall, trial: tr},
		Members: []host.Member{tr.member()},
		Begin:   func() error { tr.begin(); return nil },
	}, nil
}

// begin forgets the test before.
func (tr *trial) begin() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.sender, tr.kind, tr.sent = tr.granted, "", nil
}

// from is the sender of mails that name none, nil if there is none.
func (tr *trial) from() *mail.Address {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.sender
}

// take is what the server does.
func (tr *trial) take(m *Mail) error {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.kind != "" {
		return failed(tr.kind, "the test says so")
	}
	if len(tr.sent) < maxKept {
		tr.sent = append(tr.sent, m)
	}
	return nil
}

// say has mails fail from now on, or have a sender. None changes nothing.
func (tr *trial) say(kind, sender starlark.Value) error {
	from, err := single("sender", sender)
	if err != nil {
		return err
	}
	text, ok := starlark.AsString(kind)
	if kind != starlark.None && (!ok || text != "" && !slices.Contains(failures, text)) {
		return fmt.Errorf("for parameter error: got %s, want one of %s, or \"\"", host.Show(kind),
			strings.Join(failures, ", "))
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if kind != starlark.None {
		tr.kind = text
	}
	if from != nil {
		tr.sender = from
	}
	return nil
}

func (tr *trial) member() host.Member {
	return host.Member{
		Name: "mails",
		Doc: "Returns the mails that the application has sent in this test, in their order. Nothing goes " +
			"out. It can also say what becomes of those that follow.",
		Params: []host.Param{
			{
				Name: "error", Type: "string", Default: starlark.None, Pass: host.ByName,
				Doc: "the kind of the failure of all mails from now on, as \"rejected\"; \"\" has them be taken " +
					"again, and None changes nothing",
			},
			{
				Name: "sender", Type: "string", Default: starlark.None, Pass: host.ByName,
				Doc: "the sender that whoever runs the application grants, for mails that name none; without " +
					"it these fail, as they do where none is granted",
			},
		},
		Result: "a list of values with the attributes sender, to, cc, bcc, reply_to, subject, text, html, " +
			"attachments (each with name, type and data), headers and message_id",
		Errors: []host.Failure{{When: "error is no kind of a failure of a server, or sender no address"}},
		Example: `mails()  # []
mails(error = "rejected", sender = "Notes <notes@example.com>")  # []
mails(error = "no such kind")  # error: want one of connect, tls, auth, rejected, timeout, protocol`,
		Fn: func(kind, sender starlark.Value) ([]*Mail, error) {
			if err := tr.say(kind, sender); err != nil {
				return nil, err
			}
			tr.mu.Lock()
			defer tr.mu.Unlock()
			return slices.Clone(tr.sent), nil
		},
	}
}
