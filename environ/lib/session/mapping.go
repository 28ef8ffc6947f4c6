package session

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

// A Session is that of one request, to which it belongs: a dict with strings as keys.
type Session struct {
	app     *sessions
	thread  *starlark.Thread // of the call
	environ starlark.Mapping
	mount   string

	cookie  cookie
	text    string         // what the request brought, as encode writes it, "" if nothing of ours
	kept    *starlark.Dict // nil before it was asked for
	flashes starlark.Tuple // pairs (category, message)
	renewed bool           // it is to be sent though it did not change
	begun   bool           // start_response was called

	// Of a session in a store.
	came    place
	fault   error // why it could not be read
	owner   string
	owned   bool                     // this request has said whose it is
	set     map[starlark.String]bool // the keys that this request has set or removed
	flashed bool                     // the flashes that there were are not to be kept
	cleared bool
	line    string // the Set-Cookie, if it was saved
}

var (
	_ starlark.IterableMapping = (*Session)(nil)
	_ starlark.Sequence        = (*Session)(nil)
	_ starlark.HasSetKey       = (*Session)(nil)
	_ starlark.HasAttrs        = (*Session)(nil)
)

// String is that of the dict. Who prints an environ has not asked for the session; what no cookie
// could hold is not written out.
func (s *Session) String() string {
	if s.kept == nil || host.Measure(s.kept, 1<<20) != nil {
		return "<session>"
	}
	return s.kept.String()
}

func (s *Session) Type() string          { return "session" }
func (s *Session) Truth() starlark.Bool  { return s.data().Len() > 0 }
func (s *Session) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: session") }

// Freeze freezes what the session holds; who freezes an environ freezes one that was never read.
func (s *Session) Freeze() {
	s.begun = true
	if s.kept != nil {
		s.kept.Freeze()
	}
}

// Len counts the keys.
func (s *Session) Len() int { return s.data().Len() }

// Get returns the value of a key.
func (s *Session) Get(k starlark.Value) (starlark.Value, bool, error) { return s.data().Get(k) }

// Iterate gives the keys.
func (s *Session) Iterate() starlark.Iterator { return s.data().Iterate() }

// Items gives the pairs.
func (s *Session) Items() []starlark.Tuple { return s.data().Items() }

// SetKey sets a key.
func (s *Session) SetKey(k, v starlark.Value) error {
	if err := s.change(); err != nil {
		return err
	}
	name, ok := k.(starlark.String)
	if !ok {
		return wrong("write str(x)", "the key %s is %s, not a string", k, k.Type())
	}
	most := s.app.bounds()
	if err := storable(v, most); err != nil {
		return wrong("", "the value of %s%s", name, err)
	}
	text, err := entry.Encode(v)
	if err != nil {
		return wrong("", "the value of %s: %v", name, err)
	}
	if len(text) > most.bytes {
		return wrong(elsewhere, "the value of %s has %d bytes as JSON, and a %s %d at most",
			name, len(text), most.what, most.bytes)
	}
	if err := s.data().SetKey(k, v); err != nil {
		return err
	}
	s.touch(name)
	return nil
}

// touch notes that the script has set or removed a key.
func (s *Session) touch(key starlark.String) {
	if s.app.store == nil {
		return
	}
	if s.set == nil {
		s.set = make(map[starlark.String]bool)
	}
	s.set[key] = true
}

// clear makes the session that of a new visitor.
func (s *Session) clear() error {
	if err := s.change(); err != nil {
		return err
	}
	data := s.data()
	s.flashes, s.flashed, s.cleared, s.owner, s.owned = nil, true, true, "", false
	return data.Clear()
}

// elsewhere is what to do about a session that is too large.
const elsewhere = "keep it in a database, and its id in the session, or pass a store to sessions()"

// change returns an error if the session cannot change any more.
func (s *Session) change() error {
	if s.begun {
		return wrong("change it before start_response is called",
			"the response has begun, and with it the cookie was sent")
	}
	s.data()
	return s.fault
}

// The bounds of what a session can say. They are the same for what is sealed and for what comes
// back, so that what was sent can be read.
type bounds struct {
	what   string
	bytes  int // of the JSON of all
	values int // in one value
}

// maxDepth is how deep a value is nested at most.
const maxDepth = 50

var (
	inCookie = bounds{"cookie", maxCookie, 2000}
	inStore  = bounds{"session", 500_000, 50_000}

	entry   = json.Limits{Bytes: 1 << 20, Depth: maxDepth}
	content = json.Limits{Bytes: 1 << 20, Depth: maxDepth + 3}
)

// storable returns an error if v is not, all through, what comes back as it was: its text goes on
// where the value is named.
func storable(v starlark.Value, most bounds) error {
	w := walk{most.values, most.values}
	if err := w.storable(v, maxDepth); err != nil {
		return fmt.Errorf("%w", err)
	}
	return nil
}

// An unstorable is a value that no session can keep, and where it is.
type unstorable struct{ path, fault string }

func (e *unstorable) Error() string { return e.path + " is " + e.fault }

// A walk counts values.
type walk struct{ most, left int }

func (w *walk) storable(v starlark.Value, depth int) error {
	w.left--
	if depth == 0 || w.left < 0 {
		return &unstorable{"", fmt.Sprintf("nested deeper than %d, or has more than %d values",
			maxDepth, w.most)}
	}
	inside := func(at starlark.Value, v starlark.Value) error {
		err := w.storable(v, depth-1)
		if e, ok := err.(*unstorable); ok {
			e.path = "[" + at.String() + "]" + e.path
			e.path = host.Cut(e.path)
		}
		return err
	}
	switch v := v.(type) {
	case starlark.NoneType, starlark.Bool, starlark.Int, starlark.Float, starlark.String:
		return nil
	case *starlark.List:
		for i := range v.Len() {
			if err := inside(starlark.MakeInt(i), v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	case starlark.Tuple:
		for i, e := range v {
			if err := inside(starlark.MakeInt(i), e); err != nil {
				return err
			}
		}
		return nil
	case *starlark.Dict:
		for _, item := range v.Items() {
			if _, ok := item[0].(starlark.String); !ok {
				return &unstorable{"", fmt.Sprintf("a dict with the key %s: JSON has strings only",
					host.Cut(item[0].String()))}
			}
			if err := inside(item[0], item[1]); err != nil {
				return err
			}
		}
		return nil
	case starlark.Bytes:
		return &unstorable{"", "bytes: JSON has none; str(x) is text, and of others encode of " +
			"@base64 makes some"}
	case *starlark.Set:
		return &unstorable{"", "a set: JSON has none; write sorted(x)"}
	}
	return &unstorable{"", fmt.Sprintf(
		"%s, and a session keeps what JSON can say: None, bool, int, float, string, list, dict",
		v.Type())}
}

// AttrNames returns the names of the methods.
func (s *Session) AttrNames() []string { return sessionType.AttrNames() }

// Attr returns a method.
func (s *Session) Attr(name string) (starlark.Value, error) {
	if name == "owner" {
		if s.data(); s.owner == "" {
			return starlark.None, s.fault
		}
		return starlark.String(s.owner), nil
	}
	return sessionType.Method(s, name), nil
}
