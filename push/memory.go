package push

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"slices"
	"time"
)

// A Memory tells the server, by a cookie, what a client got on its earlier connections, so that it
// is not sent again while it is fresh. It must not be changed after its first use, and is safe for
// concurrent use.
//
// The cookie is signed, bound to the origin, bounded in size and in time, and only ever keeps a
// push from being made: a cookie that is forged, garbled or stale is one that is not there. It has
// keyed hashes of (origin, target, validator), which tell nobody what was read, and which no
// longer match once the resource has changed. What is in it has arrived, and has a lifetime by its
// own Cache-Control; a promise that was refused does not get into it. It is set on pages only, and
// only on those that no shared cache may keep. A reload that bypasses the client's cache empties
// it.
type Memory struct {
	// Keys sign the cookie: the first of them does, and cookies signed by the others are still
	// read. Each should have 32 random bytes. Without keys there is no cookie.
	Keys [][]byte
	// Name is the name of the cookie. Empty means "larkspur-push".
	Name string
	// MaxAge is how long a client is remembered. Zero means seven days.
	MaxAge time.Duration
	// MaxEntries is how many resources a cookie has, the newest. Zero means 48, which make 804
	// bytes.
	MaxEntries int
}

const (
	memoryVersion = 1
	headSize      = 5 // the version and the minute
	memoSize      = 12
	macSize       = 16
	maxCookie     = 4 << 10
)

// A memo is a resource in a state, and the minute until which it is fresh.
type memo struct {
	hash  uint64 // never 0, which is no memo
	until uint32
}

// A cookie is what the cookie of a client has.
type cookie struct {
	memos  []memo // each once
	issued uint32 // the minute
}

// has reports whether the cookie has the resource of m.
func (c *cookie) has(m memo) bool {
	return slices.ContainsFunc(c.memos, func(o memo) bool { return o.hash == m.hash })
}

// same reports whether the cookie has the resources of memos, which has each once, and no other.
func (c *cookie) same(memos []memo) bool {
	return len(c.memos) == len(memos) &&
		!slices.ContainsFunc(memos, func(m memo) bool { return !c.has(m) })
}

func (m *Memory) on() bool { return m != nil && len(m.Keys) > 0 }

func (m *Memory) name() string {
	if m.Name == "" {
		return "larkspur-push"
	}
	return m.Name
}

func (m *Memory) maxAge() time.Duration {
	if m.MaxAge <= 0 {
		return 7 * 24 * time.Hour
	}
	return m.MaxAge
}

func (m *Memory) maxEntries() int {
	if m.MaxEntries <= 0 {
		return 48
	}
	return min(m.MaxEntries, (maxCookie*3/4-macSize-headSize)/memoSize)
}

func minute(t time.Time) uint32 { return uint32(max(0, t.Unix()/60)) }

// memo returns what is kept of a response: nothing if it has no validator that outlives this
// process, or no lifetime.
func (m *Memory) memo(o origin, target string, h http.Header, fresh, now time.Time) memo {
	if !m.on() || !fresh.After(now) {
		return memo{}
	}
	validator := opaqueTag(entityTag(h))
	if validator == "" {
		if validator = lastModified(h); validator == "" {
			return memo{}
		}
	}
	if limit := now.Add(m.maxAge()); fresh.After(limit) {
		fresh = limit
	}
	return memo{m.hash(o, target, validator), minute(fresh)}
}

// hash returns the hash of a resource in a state, which never is 0. It is keyed with the oldest of
// the keys, so that it stays the same when a new one is put before it.
func (m *Memory) hash(o origin, target, validator string) uint64 {
	mac := hmac.New(sha256.New, m.Keys[len(m.Keys)-1])
	for _, s := range [...]string{"resource", o.scheme, o.authority, normalTarget(target), validator} {
		mac.Write([]byte(s))
		mac.Write([]byte{0})
	}
	return binary.BigEndian.Uint64(mac.Sum(nil)) | 1
}

// read returns what the cookie of r has that is still of use.
func (m *Memory) read(r *http.Request, o origin, now time.Time) (c cookie) {
	if !m.on() || bypasses(r.Header) {
		return c
	}
	sent, err := r.Cookie(m.name())
	if err != nil || len(sent.Value) > maxCookie {
		return c
	}
	signed, ok := m.verified(sent.Value, o)
	if !ok {
		return c
	}
	issued, at := binary.BigEndian.Uint32(signed[1:]), minute(now)
	if issued > at+5 || time.Duration(at-min(at, issued))*time.Minute > m.maxAge() {
		return c
	}
	c.issued = issued
	for rest := signed[headSize:]; len(rest) > 0 &&
		len(c.memos) < m.maxEntries(); rest = rest[memoSize:] {
		e := memo{binary.BigEndian.Uint64(rest), binary.BigEndian.Uint32(rest[8:])}
		if e.until > at {
			c.memos = append(c.memos, e)
		}
	}
	return c
}

// verified returns what was signed of the value of a cookie: a version, the minute, and memos.
func (m *Memory) verified(value string, o origin) (signed []byte, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(value)
	n := len(b) - macSize
	if err != nil || n < headSize || (n-headSize)%memoSize != 0 || b[0] != memoryVersion {
		return nil, false
	}
	signed = b[:n]
	return signed, slices.ContainsFunc(m.Keys, func(key []byte) bool {
		return hmac.Equal(b[n:], sign(key, o, signed))
	})
}

// bypasses reports whether the client does not use its cache, or has none.
func bypasses(h http.Header) bool {
	_, no := directive(h, "no-cache")
	return no || first(h, "Pragma") == "no-cache"
}

func sign(key []byte, o origin, b []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("memory\x00" + o.scheme + "\x00" + o.authority + "\x00"))
	mac.Write(b)
	return mac.Sum(nil)[:macSize]
}

// write sets the cookie on the response to r with the header h: arrived is what has arrived on this
// connection, old what the client's cookie has.
func (m *Memory) write(r *http.Request, o origin, h http.Header, arrived []memo, old *cookie,
	now time.Time) {
	if !navigation(r) || !unshared(h) {
		return
	}
	memos := arrived
	fresh := cookie{memos: arrived}
	for _, known := range old.memos {
		if len(memos) == m.maxEntries() {
			break
		}
		if !fresh.has(known) {
			memos = append(memos, known)
		}
	}
	if len(memos) == 0 {
		return
	}
	age := time.Duration(minute(now)-min(minute(now), old.issued)) * time.Minute
	if age < m.maxAge()/2 && old.same(memos) {
		return
	}
	b := make([]byte, 0, headSize+len(memos)*memoSize+macSize)
	b = binary.BigEndian.AppendUint32(append(b, memoryVersion), minute(now))
	for _, e := range memos {
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, e.hash), e.until)
	}
	b = append(b, sign(m.Keys[0], o, b)...)
	c := http.Cookie{
		Name: m.name(), Value: base64.RawURLEncoding.EncodeToString(b), Path: "/",
		MaxAge: int(m.maxAge() / time.Second),
		Secure: r.TLS != nil, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	h.Add("Set-Cookie", c.String())
}

// unshared reports whether no shared cache keeps a response with the header h, so that a cookie in
// it reaches one client only. RFC 9111, sections 3 and 4.2.2.
func unshared(h http.Header) bool {
	for _, d := range [...]string{"private", "no-store", "no-cache"} {
		if _, ok := directive(h, d); ok {
			return true
		}
	}
	if len(h["Set-Cookie"]) > 0 {
		return true
	}
	for _, d := range [...]string{"public", "max-age", "s-maxage"} {
		if _, ok := directive(h, d); ok {
			return false
		}
	}
	return first(h, "Expires") == "" && first(h, "Last-Modified") == ""
}
