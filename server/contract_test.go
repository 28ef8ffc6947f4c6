package server_test

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/scripttest"
	"github.com/rogpeppe/go-internal/testscript"
)

// contract is what the scripts of testdata/script may say.
var contract = &scripttest.Language{
	About: "They test the contract of `environ/SPEC.md`: each proves the item that its name " +
		"begins with, up to the first `_`, and those that its comment names, as `Items: a, b.` " +
		"Their files are an application, `app.star`, and what it loads. `TestContract` runs " +
		"each over real sockets in five modes, and in each mode as it is, wrapped twice in an " +
		"identity middleware, and under `apps/lint.star`: `go test -run " +
		"TestContract/http1/bare/NAME`. A record of the log that has a code and that no `log` " +
		"has found fails the script: no fault goes unseen. Arguments that are no regular " +
		"expressions may have the escapes of a Go string, such as `\\r`, `\\xff` and `\\\\`.",
	Example: "read-rest_limit_declared",
	Commands: []scripttest.Command{
		{
			Usage: "config KEY VALUE",
			Doc: "sets up the server before it is asked: `mount`, `name`, `env` NAME=VALUE, " +
				"`body` BYTES, `calls`, `steps`, `depth`, `time`, `hints` http1 or none.",
			Run: on((*session).configure),
		},
		{
			Usage: "send METHOD TARGET [NAME:VALUE]... [< BODY | << BLOCK...]",
			Doc:   "asks, with a body of known or of unknown length.",
			Run:   on(escaped((*session).send)),
		},
		{
			Usage: "raw BYTES [cut]",
			Doc:   "asks in the octets of HTTP/1; `cut` if no more will come.",
			Run:   on(escaped((*session).raw)),
		},
		{
			Usage: "status N",
			Doc:   "the answer has that status.",
			Run:   on((*session).status),
		},
		{
			Usage: "reason LINE",
			Doc:   "that is the whole status line, in HTTP/1.",
			Run:   on((*session).reason),
		},
		{
			Usage: "header NAME [VALUE]...",
			Doc: "the fields of that name have these values, in order; without a value there " +
				"is no such field.",
			Run: on(escaped((*session).header)),
		},
		{
			Usage: "one NAME",
			Doc:   "there is one field of that name.",
			Run:   on((*session).one),
		},
		{
			Usage: "body TEXT",
			Doc:   "the body is whole, and that.",
			Run:   on(escaped((*session).body)),
		},
		{
			Usage: "match body REGEXP",
			Doc:   "the body is whole, and all of it a match.",
			Run:   on((*session).match),
		},
		{
			Usage: "broken TEXT",
			Doc:   "the body broke off after that.",
			Run:   on(escaped((*session).broken)),
		},
		{
			Usage: "hint NAME VALUE",
			Doc:   "the next 103 has that field and no other.",
			Run:   on(escaped((*session).hint)),
		},
		{
			Usage: "hints N",
			Doc:   "so many 103s came besides those that `hint` has looked at.",
			Run:   on((*session).hints),
		},
		{
			Usage: "[!] log REGEXP",
			Doc: "a record of the log matches, after the one that the last `log` found, as " +
				"`LEVEL CODE: MESSAGE KEY=VALUE...`. Negated: none at all does.",
			Run: logged,
		},
		{
			Usage: "refused REGEXP",
			Doc: "the lint has refused the application: the body or a record of the log " +
				"matches. The rest of the script is not about such an application, so `[lint] " +
				"stop` follows.",
			Run: on((*session).refused),
		},
	},
	Conditions: []scripttest.Condition{
		{Name: "http1", Doc: "the mode is HTTP/1.1."},
		{Name: "h2c", Doc: "it is HTTP/2 in cleartext, of Larkspur or of x/net."},
		{Name: "h2", Doc: "it is HTTP/2 over TLS, of Larkspur or of x/net."},
		{Name: "bare", Doc: "the application is as it is."},
		{Name: "wrapped", Doc: "it is wrapped."},
		{Name: "lint", Doc: "it is under the lint."},
	},
}

func TestLanguage(t *testing.T) { contract.Check(t) }

// TestContract runs the scripts in every mode and variant.
func TestContract(t *testing.T) {
	beside := newSetting(t)
	for _, m := range modes {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			site := newSite(t, m)
			for _, v := range m.variants() {
				t.Run(v.name, func(t *testing.T) {
					p := contractParams(beside, site, v)
					p.WorkdirRoot = workRoot(t)
					testscript.RunT(sequential{t}, p)
				})
			}
		})
	}
}

// workRoot returns where scripts have their directories, in memory if the system has files there: to
// make and remove 3,075 of them takes as long as all else on a disk that others use. "" is
// testscript's own place.
func workRoot(t *testing.T) string {
	t.Helper()
	root, err := os.MkdirTemp("/dev/shm", "larkspur-script")
	if err != nil {
		return ""
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	return root
}

// contractParams are those of the scripts in one mode and variant.
func contractParams(beside *setting, site *site, v variant) testscript.Params {
	p := contract.Params()
	p.Condition = func(name string) (bool, error) {
		named := func(c scripttest.Condition) bool { return c.Name == name }
		if !slices.ContainsFunc(contract.Conditions, named) {
			return false, errors.New("there is no such condition")
		}
		return name == site.mode.name || name == v.name, nil
	}
	p.Setup = func(env *testscript.Env) error {
		s := newSession(beside, site, v, os.DirFS(env.WorkDir), nil)
		env.Values[sessionKey{}] = s
		scripttest.AtEnd(env, s.atEnd)
		return nil
	}
	return p
}

// sequential is a T whose scripts run one after the other, since a site serves one application.
type sequential struct{ *testing.T }

func (s sequential) Run(name string, f func(testscript.T)) {
	s.T.Run(name, func(t *testing.T) { f(sequential{t}) })
}

func (sequential) Parallel()     {}
func (sequential) Verbose() bool { return false }

// on is a command that is a method of the session of a script.
func on(method func(*session, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) { method(sessionOf(ts), args) }
}

// escaped has the escapes of arguments stand for what they mean.
func escaped(method func(*session, []string)) func(*session, []string) {
	return func(s *session, args []string) {
		for i, arg := range args {
			text, err := scripttest.Text(arg)
			if err != nil {
				s.failf("%v", err)
			}
			args[i] = text
		}
		method(s, args)
	}
}

func logged(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		sessionOf(ts).silent(args)
	} else {
		sessionOf(ts).logged(args)
	}
}
