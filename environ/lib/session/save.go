package session

import (
	"context"
	"math/rand/v2"
	"time"

	"go.starlark.net/starlark"
)

// maxSaves is how often a session is tried to be saved that others change meanwhile.
const maxSaves = 20

// A saving is a session on its way into the store.
type saving struct {
	*Session
	ctx  context.Context
	base place  // what the changes are made to
	next record // what is to be kept
	gone bool   // what it came with has ended
}

// save keeps the session in the store, if it changed, and returns the Set-Cookie that goes with it, ""
// if there is none.
func (s *Session) save() (line string, err error) {
	text, err := encode(s.kept, s.flashes, inStore)
	if err != nil {
		return "", err
	}
	if len(text) > inStore.bytes {
		return "", s.tooLong(len(text))
	}
	if s.came.version == 0 && !s.cleared && text == "" && s.owner == "" ||
		s.came.version != 0 && text == s.text && !s.renewed && !s.cleared {
		return "", nil
	}
	v := &saving{Session: s, base: s.came}
	err = s.wait("save", func(ctx context.Context) error {
		v.ctx = ctx
		line, err = v.save()
		return err
	})
	if err != nil {
		return "", err
	}
	s.came, s.text, s.renewed, s.cleared = v.base, text, false, false
	return line, nil
}

func (v *saving) save() (line string, err error) {
	for try := range maxSaves {
		if try > 0 {
			if err := v.again(try); err != nil {
				return "", err
			}
		}
		line, done, err := v.try()
		if done || err != nil {
			return line, err
		}
	}
	return "", errContended
}

// try saves the session, unless another request was first: then done is false.
func (v *saving) try() (line string, done bool, err error) {
	now := v.app.now()
	v.next.changed, v.next.sent, v.next.owner = now, now, v.owner
	if v.next.data == nil {
		v.next.data, v.next.flashes = v.kept, v.flashes
	}
	empty := v.next.data.Len() == 0 && len(v.next.flashes) == 0 && v.owner == ""
	if v.base.version != 0 && !empty && !v.renewed && !v.cleared {
		// The cookie is sent seldom, so that requests that end at once do not send an old one.
		if since := now.Sub(v.base.record.sent); since >= 0 && since < v.app.age()/spare {
			v.next.sent = v.base.record.sent
		} else {
			line = v.app.line(v.cookie, v.base.id.String())
		}
		done, err = v.put(v.base.id, v.base.version)
		return line, done, err
	}
	if v.base.version != 0 {
		done, err = v.app.store.Remove(v.ctx, v.base.id.key(v.cookie), v.base.version)
		if err != nil || !done {
			return "", false, err
		}
	}
	if empty {
		if v.base = (place{}); v.came.version != 0 && !v.gone {
			line = v.app.line(v.cookie, "")
		}
		return line, true, nil
	}
	n := newID(v.owner)
	done, err = v.put(n, 0)
	return v.app.line(v.cookie, n.String()), done, err
}

// put keeps what is next, if nobody else was first, and has it be the base of what follows.
func (v *saving) put(n id, version uint64) (done bool, err error) {
	next := v.next
	text, err := next.text()
	if err != nil {
		return false, err
	}
	now, err := v.app.store.Store(v.ctx, n.key(v.cookie), text, version, v.app.age())
	if err != nil || now == 0 {
		return false, err
	}
	v.base = place{n, now, &next}
	return true, nil
}

// again makes what is next of what another request has made of the session meanwhile: each key is that
// of who set it last.
func (v *saving) again(try int) error {
	timer := time.NewTimer(rand.N(time.Duration(try) * time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-v.ctx.Done():
		return v.ctx.Err()
	}
	now, err := v.app.fetch(v.ctx, v.cookie, v.came.id)
	if err != nil {
		return err
	}
	v.base = now
	switch {
	case v.cleared: // what others have set goes as well
		return nil
	case now.version != 0:
		v.next.data, v.next.flashes = v.merged(now.record.data, now.record.flashes)
		return nil
	case !v.renewed:
		return errEnded
	}
	// It is a new one, with what this request has set itself.
	v.gone = true
	if !v.owned {
		v.owner = ""
	}
	v.next.data, v.next.flashes = v.merged(new(starlark.Dict), nil)
	return nil
}

// merged returns what the session holds with the changes of this request.
func (v *saving) merged(data *starlark.Dict, flashes starlark.Tuple) (*starlark.Dict, starlark.Tuple) {
	had, before, _ := decode(v.text, inStore)
	if had == nil {
		had = new(starlark.Dict)
	}
	for _, d := range []*starlark.Dict{had, v.kept} {
		for _, key := range d.Keys() {
			old, _, _ := had.Get(key)
			value, there, _ := v.kept.Get(key)
			switch {
			case !v.set[key.(starlark.String)] && same(old, value):
			case there:
				_ = data.SetKey(key, value) // it is a string, and data is fresh
			default:
				_, _, _ = data.Delete(key)
			}
		}
	}
	mine := v.flashes
	if !v.flashed {
		mine = mine[min(len(before), len(mine)):]
	} else if len(flashes) >= len(before) && same(flashes[:len(before)], before) {
		flashes = flashes[len(before):]
	}
	return data, append(flashes[:len(flashes):len(flashes)], mine...)
}

// same reports whether two values are the same as JSON; nil is none.
func same(x, y starlark.Value) bool {
	if x == nil || y == nil {
		return x == nil && y == nil
	}
	a, err := content.Encode(x)
	if err != nil {
		return false
	}
	b, err := content.Encode(y)
	return err == nil && a == b
}
