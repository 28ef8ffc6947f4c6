// Package session is the host module @session: what an application remembers of a visitor, in a
// cookie that only the application can read or make. [Module] describes it.
//
// # The model
//
// sessions(app) is an application around another one. For each request it sets the key
// larkspur.session of the environ to a [Session] that has read nothing yet, and stands between the
// application and start_response. session(environ) is what reads the cookie: a request that never
// calls it costs a key and a call, is not told from that of another visitor, and gets no cookie.
//
// The session is written when start_response is called, into the fields that go to it, and only if
// its JSON is another than that of the cookie: so a change deep inside of a list counts, and one
// that is taken back does not. From then on it is frozen. A response that was made from a session
// says Vary: Cookie, and one that sets the cookie is private to its client.
//
// # The cookie
//
// Its text is base64url of one octet (the version), 24 random ones, and AES-256-GCM of the time in
// seconds and the JSON. Key and nonce are HKDF-SHA-256 of the secret, the random octets, and the
// name and path of the cookie: no two cookies share a key, and one under another name, or of an
// application that is mounted elsewhere, is none of ours. What is forged, cut off, too old or too
// long is an empty session, and never an error: anybody may send it. Of several cookies of the name
// the first counts that is ours.
//
// What a cookie cannot do: it cannot be taken back. A copy of it is good until its age ends,
// whatever the browser was told since.
//
// # The store
//
// With a [host.Store], a bucket of @kv say, the cookie has an id of 256 random bits, behind a hash of
// whose the session is, and the store has the session under a hash of the id, the name and the path of
// the cookie. An id that the store does not know is an empty session: no client chooses its own. clear
// and regenerate give a new one, and the old one is worth nothing from then on, so that who has planted
// an id in a browser has none of the session that follows a login.
//
// A session is put by compare and set. If another request of the visitor was first, its changes are
// taken over: each key is that of who set it last, flashes are kept of both. If the session has ended
// meanwhile, a change of it is an error. That of a request which makes it anew, as at a login, is not:
// the new session then has what this request has set and nothing else.
//
// The keys of all sessions of an owner begin with the same, so end_all removes them at once. A cookie is
// sent when there is a new id, and when a tenth of its age has passed: so of two answers that are on
// their way at once the later one does not bring back the id that the other has replaced.
//
// # Secrets
//
// They are written in the call of sessions, or come from whoever runs the program, which grants a
// [Keeper]. The first one encrypts, all decrypt, so that one can follow another.
package session

import (
	"errors"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Name is the name of the module, by which a [Keeper] is granted.
const Name = "session"

// Key is the key of the environ that has the session.
const Key = "larkspur.session"

// Config is what the module is made with. The zero value works. It must not be changed once it is
// in use, and is safe for concurrent use.
type Config struct {
	// Now is the clock, by which cookies grow old. Nil means time.Now.
	Now func() time.Time
}

// Module describes @session, with the clock of the system.
func Module() *host.Module { return new(Config).Module() }

// Module describes @session.
func (c *Config) Module() *host.Module {
	return &host.Module{
		Name: Name,
		Doc: "What an application remembers of a visitor, in a cookie that only the application " +
			"can read.",
		Members: []host.Member{c.sessionsMember(), sessionMember()},
		Whole:   true,
		Types:   []*host.Type{sessionType},
		Scene:   scene,
		Misuse:  environ.Misuse,
	}
}

// scene is what the examples see besides the module: an application, and the environ of a request
// of a new visitor.
const scene = `def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["Hello, world!\n"]

environ = {}
sessions(
    lambda environ, start_response: [],
    secret = "an example that has 32 characters or more",
)(environ, lambda status, headers: None)
`

// wrong is an error of the application's author.
func wrong(fix, format string, args ...any) error {
	return environ.Errorf(environ.CodeWebUse, fix, "session: "+format, args...)
}

func (c *Config) sessionsMember() host.Member {
	return host.Member{
		Name: "sessions",
		Doc: "Makes an application that gives another one sessions: what session(environ) holds " +
			"goes to the visitor in a cookie, encrypted, and comes back with the next request. " +
			"The cookie is sent only if the session changed; it is HttpOnly, for the path of the " +
			"application, and 4,096 bytes long at most, attributes included. A copy of a cookie " +
			"stays good until max_age: for what must end earlier, or is larger, pass a store. Of two requests " +
			"that change a session in a store at once both are kept: each key is as the one has set it that " +
			"was the last to do so, and a request whose session was ended or got a new id meanwhile fails " +
			"with 409 if it changed something. While the store cannot be reached, session(environ) fails with " +
			"503.",
		Params: []host.Param{
			{Name: "app", Doc: "the application"},
			{
				Name: "secret",
				Doc: "what the cookies are encrypted by: 32 characters or more that nobody can " +
					"guess, or a list of such, of which the first encrypts and all decrypt, so " +
					"that one can follow another. None takes that of the server: larkspur dev " +
					"makes one, serve is given one by --data or LARKSPUR_SECRET",
				Type:    "string, list or None",
				Default: starlark.None,
			},
			{
				Name: "max_age",
				Doc: "for how many seconds after its last change a session is good; None is " +
					"until the browser ends, and 31 days at most",
				Type:    "int or None",
				Default: starlark.MakeInt(14 * 24 * 60 * 60),
			},
			{
				Name: "name",
				Doc: "of the cookie; a secure one of an application at the root has the prefix " +
					"__Host-, by which browsers keep other hosts from setting it",
				Default: starlark.String("session"),
			},
			{
				Name: "secure",
				Doc: "only over TLS; None is if the request came so. True is for a server behind " +
					"a proxy that ends TLS",
				Type:    "bool or None",
				Default: starlark.None,
			},
			{
				Name: "same_site",
				Doc: "what of other sites it is sent with: Lax, what leads here; Strict, nothing; " +
					"None, everything",
				Default: starlark.String("Lax"),
			},
			{
				Name: "store",
				Doc: "a bucket of @kv in which sessions are kept, store = bucket(\"visitors\"): the cookie " +
					"then has an id only, which nobody can guess, no secret is needed, a session has 500,000 " +
					"bytes of JSON at most, and can be ended by the server. None keeps it in the cookie",
				Type:    "kv.bucket or None",
				Default: starlark.None,
				Pass:    host.ByName,
			},
		},
		Result: "an application; its .app is the one inside",
		Errors: []host.Failure{
			{
				Code: string(environ.CodeWebUse),
				When: "there is neither a secret nor a store, the secret is too short, or another argument is wrong",
			},
		},
		Example: `sessions(app, secret = "an example that has 32 characters or more")  # <sessions>
sessions(app, secret = "too short")  # error: a secret has 32 characters or more`,
		Fn: func(l *host.Load, app starlark.Callable, secret, maxAge starlark.Value, name string,
			secure starlark.Value, sameSite string, store starlark.Value) (*sessions, error) {
			return c.around(l, app, secret, maxAge, name, secure, sameSite, store)
		},
	}
}

func sessionMember() host.Member {
	return host.Member{
		Name: "session",
		Doc: "Returns the session of the request: a dict with strings as keys, of whatever JSON " +
			"can say. Change it before start_response is called.",
		Params: []host.Param{{Name: "environ", Doc: "the environ of the request", Type: "dict"}},
		Result: "a session, empty for a visitor who is new",
		Errors: []host.Failure{
			{
				Code: string(environ.CodeWebUse),
				When: "there is no sessions(app) around the application",
			},
			{When: "the store cannot be reached (unavailable): 503"},
		},
		Example: `visitor = session(environ)
visitor["cart"] = ["tea"]
visitor["cart"].append("milk")
visitor.get("user", "nobody")  # "nobody"
session({})  # error: write app = sessions(app)`,
		Fn: ofEnviron,
	}
}

// ofEnviron is session(environ).
func ofEnviron(a host.Args) (starlark.Value, error) {
	var env starlark.HasSetKey
	if err := a.Unpack(&env); err != nil {
		return nil, err
	}
	v, found, err := env.Get(sessionKey)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, wrong("write app = sessions(app), with the sessions of @session, around the "+
			"application", "the request has none")
	}
	s, ok := v.(*Session)
	if !ok {
		return nil, wrong("", "environ[%q] is a %s, not a session", Key, v.Type())
	}
	s.data()
	return s, s.fault
}

// A Keeper has the secrets of applications that name none: what [Name] is granted.
type Keeper interface {
	// Secrets returns the secrets, of which the first encrypts and all decrypt. It is asked when
	// a program is loaded that needs them. An error says what whoever runs it has to do.
	Secrets() ([]string, error)
}

var errNoKeeper = errors.New("there is no secret to encrypt sessions by: write " +
	`sessions(app, secret = ...), or have the site grant one, in Grants["session"]`)
