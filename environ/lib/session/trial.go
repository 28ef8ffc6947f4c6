package session

import (
	"context"
	"time"

	"go.starlark.net/starlark"
)

// A Trial is the sessions of one client that tests an application: it begins with a session that no
// response has set, and can be asked what its cookie says. The zero value begins with none. It
// belongs to one client, which asks one thing at a time.
type Trial struct {
	// Start, if not nil, is what the session holds with which the client begins: it is as though
	// the first request that asks for its session had the cookie. SetCookie of that is given to
	// Keep.
	Start *starlark.Dict
	// Keep is given the Set-Cookie of the session that Start began, once.
	Keep func(line string)

	app    *sessions // nil before a request has asked for its session
	cookie cookie
}

type trialKey struct{}

// With returns a context of a request of the client. Nothing but a Go program that makes the
// request can say so: what comes from outside has no such context.
func (t *Trial) With(ctx context.Context) context.Context {
	return context.WithValue(ctx, trialKey{}, t)
}

func trialOf(ctx context.Context) *Trial {
	t, _ := ctx.Value(trialKey{}).(*Trial)
	return t
}

// begin notes whose session is asked for, and returns the cookies that the request has.
func (t *Trial) begin(s *Session, header string) string {
	t.app, t.cookie = s.app, s.cookie
	if t.Start == nil {
		return header
	}
	text, err := encode(t.Start, nil, s.app.bounds())
	start := t.Start
	t.Start = nil
	if err != nil || text == "" {
		return header
	}
	var line string
	if s.app.store == nil {
		line, err = s.app.seal(s.cookie, text)
	} else {
		before := &Session{app: s.app, thread: s.thread, cookie: s.cookie, kept: start}
		line, err = before.save()
	}
	if err != nil {
		return header
	}
	if t.Keep != nil {
		t.Keep(line)
	}
	return line
}

// Path returns where the cookie is sent, "/" before a request has asked for its session.
func (t *Trial) Path() string {
	if t.cookie.path == "" {
		return "/"
	}
	return t.cookie.path
}

// readTime is how long what a session holds is waited for.
const readTime = 5 * time.Second

// Session returns what the session of a client with these cookies holds, and what was kept by flash
// for its next page, as pairs (category, message).
func (t *Trial) Session(header string) (data *starlark.Dict, flashes starlark.Tuple) {
	if t.Start != nil {
		if text, err := encode(t.Start, nil, inCookie); err == nil {
			if data, _, ok := decode(text, inCookie); ok {
				return data, nil
			}
		}
	} else if t.app != nil && t.app.store != nil {
		ctx, cancel := context.WithTimeout(context.Background(), readTime)
		defer cancel()
		if p, err := t.app.seek(ctx, t.cookie, header); err == nil && p.record != nil {
			return p.record.data, p.record.flashes
		}
	} else if t.app != nil {
		if text, ok := t.app.find(t.cookie, header); ok {
			if data, flashes, ok = decode(text, inCookie); ok {
				return data, flashes
			}
		}
	}
	return new(starlark.Dict), nil
}

// Storable returns an error if a session cannot hold what the dict does.
func Storable(d *starlark.Dict) error {
	text, err := encode(d, nil, inCookie)
	if n := coding.EncodedLen(overhead + len(text)); err == nil && n > maxCookie {
		err = wrong("", "the cookie would have %d bytes, and browsers keep %d at most", n, maxCookie)
	}
	return err
}
