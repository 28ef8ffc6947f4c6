package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// The parts of an id: a hash of whose the session is, and what nobody can guess.
const (
	ownerBytes  = 16
	secretBytes = 32
)

// An id is what the cookie has of a session that is kept in a store. The zero id is none.
type id [ownerBytes + secretBytes]byte

// newID returns a new id for a session of an owner, "" if it is nobody's.
func newID(owner string) (n id) {
	copy(n[:], ownerTag(owner))
	_, _ = rand.Read(n[ownerBytes:]) // it never fails
	return n
}

// ownerTag is what stands for an owner in ids.
func ownerTag(owner string) []byte {
	if owner == "" {
		return make([]byte, ownerBytes)
	}
	sum := sha256.Sum256([]byte("larkspur session of\x00" + owner))
	return sum[:ownerBytes]
}

// parseID reads what a cookie says. The text is anybody's.
func parseID(text string) (n id, ok bool) {
	if len(text) != coding.EncodedLen(len(n)) || strings.ContainsAny(text, "\r\n") {
		return n, false
	}
	_, err := coding.Decode(n[:], []byte(text))
	return n, err == nil
}

func (n id) String() string { return coding.EncodeToString(n[:]) }

// key is what a session is kept under: who reads the store cannot make a cookie of it. An id is good for
// a cookie of one name and path only.
func (n id) key(c cookie) string {
	h := sha256.New()
	h.Write([]byte("larkspur session\x00" + c.name + "\x00" + c.path + "\x00")) // neither has a NUL
	h.Write(n[:])
	return prefixOf(n[:ownerBytes]) + hex.EncodeToString(h.Sum(nil))
}

// prefixOf is what the keys of all sessions of an owner begin with.
func prefixOf(tag []byte) string { return hex.EncodeToString(tag) + "." }

// A record is a session as a store has it: an object of JSON.
type record struct {
	changed time.Time // when it was put, in whole seconds
	sent    time.Time // when the cookie was sent last
	owner   string
	data    *starlark.Dict
	flashes starlark.Tuple // pairs (category, message)
}

// text returns what is kept of the record.
func (r *record) text() (string, error) {
	d := new(starlark.Dict)
	for _, item := range []struct {
		key   string
		value starlark.Value
	}{
		{"changed", starlark.MakeInt64(r.changed.Unix())}, {"sent", starlark.MakeInt64(r.sent.Unix())},
		{"owner", starlark.String(r.owner)}, {"data", r.data}, {"flashes", r.flashes},
	} {
		if err := d.SetKey(starlark.String(item.key), item.value); err != nil {
			return "", err
		}
	}
	text, err := content.Encode(d)
	if err != nil {
		return "", wrong("", "%v", err)
	}
	return text, nil
}

// readRecord reads what is kept. A script may have written it.
func readRecord(text string) (r *record, ok bool) {
	v, err := content.Decode(text)
	d, ok := v.(*starlark.Dict)
	if err != nil || !ok {
		return nil, false
	}
	r = new(record)
	seconds := func(key string) time.Time {
		v, _, _ := d.Get(starlark.String(key))
		i, _ := v.(starlark.Int)
		n, fits := i.Int64()
		ok = ok && v != nil && fits
		return time.Unix(n, 0)
	}
	r.changed, r.sent = seconds("changed"), seconds("sent")
	v, _, _ = d.Get(starlark.String("owner"))
	r.owner, _ = starlark.AsString(v)
	v, _, _ = d.Get(starlark.String("data"))
	data, isDict := v.(*starlark.Dict)
	v, _, _ = d.Get(starlark.String("flashes"))
	list, isList := v.(*starlark.List)
	if !ok || !isDict || !isList {
		return nil, false
	}
	r.data = data
	for e := range starlark.Elements(list) {
		flash, ok := flashOf(e)
		if !ok {
			return nil, false
		}
		r.flashes = append(r.flashes, flash)
	}
	return r, true
}

// A place is where a session is kept that a request came with.
type place struct {
	id      id
	version uint64 // 0 if it is not kept
	record  *record
}

// fetch returns the session of an id, the zero place if there is none, or none that is not too old.
func (a *sessions) fetch(ctx context.Context, c cookie, n id) (p place, err error) {
	text, version, err := a.store.Fetch(ctx, n.key(c))
	if err != nil || version == 0 {
		return place{}, err
	}
	r, ok := readRecord(text)
	if !ok || a.now().Sub(r.changed) >= a.age() {
		return place{}, nil
	}
	return place{n, version, r}, nil
}

// seek returns the session of the first of several cookies of the name that has one. An id that is not
// known is none: no client chooses its own.
func (a *sessions) seek(ctx context.Context, c cookie, header string) (p place, err error) {
	each(c, header, func(text string) bool {
		n, ok := parseID(text)
		if !ok {
			return false
		}
		p, err = a.fetch(ctx, c, n)
		return err != nil || p.version != 0
	})
	return p, err
}

var (
	errEnded = &conflict{"it has ended since the request began: the visitor has logged in or out meanwhile, or " +
		"was logged out, and what this request has set is not kept"}
	errContended = &conflict{"other requests go on changing it, and what this one has set is not kept"}
)

// A conflict is why a change of a session is not kept, as a script sees it.
type conflict struct{ msg string }

var (
	_ host.Kinder   = (*conflict)(nil)
	_ host.Statuser = (*conflict)(nil)
)

func (c *conflict) Error() string { return "session: " + c.msg }

// Kind is [host.Kinder]'s.
func (*conflict) Kind() string { return "conflict" }

// HTTPStatus is [host.Statuser]'s.
func (*conflict) HTTPStatus() int { return http.StatusConflict }

// wait has f ask the store, while the call of the request waits.
func (s *Session) wait(what string, f func(ctx context.Context) error) error {
	began := time.Now()
	err := host.CallOf(s.thread).Wait(f)
	if _, own := err.(*conflict); err != nil && !own {
		err = fmt.Errorf("session: %w", err)
	}
	host.Observe(s.thread, host.Work{
		Kind: Name, Text: what, Began: began, Took: time.Since(began), Count: 1, Unit: "sessions", Err: err,
	})
	return err
}

// errNoStore is the error of what only a store can do.
func errNoStore(what string) error {
	return wrong(`write sessions(app, store = bucket("visitors")), with the bucket of @kv`,
		"%s is for sessions that are kept in a store: one that is in a cookie cannot be taken back", what)
}

// endAll is end_all(owner).
func (s *Session) endAll(owner starlark.Value) error {
	if s.app.store == nil {
		return errNoStore("end_all")
	}
	mine := s.owner
	name := mine
	if owner != starlark.None {
		var ok bool
		if name, ok = starlark.AsString(owner); !ok || name == "" {
			return wrong("", "end_all: owner is %s, not a string that says whose sessions end", owner)
		}
	}
	if name == "" {
		return wrong("say whose it is at login: regenerate(owner = ...)", "end_all: the session is nobody's")
	}
	if name == mine {
		if err := s.change(); err != nil {
			return err
		}
	}
	err := s.wait("end all", func(ctx context.Context) error {
		return s.app.store.RemoveAll(ctx, prefixOf(ownerTag(name)))
	})
	if err == nil && name == mine {
		err = s.clear()
	}
	return err
}
