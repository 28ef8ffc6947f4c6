package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A shelf is a store in memory, as a script is passed it.
type shelf struct {
	host.Object
	mu      sync.Mutex
	texts   map[string]string
	version map[string]uint64
	last    uint64
	away    error  // what all fails with
	before  func() // is called once, before something is stored or removed
	fetched int
}

var _ host.Store = (*shelf)(nil)

func newShelf() *shelf {
	return &shelf{Object: "shelf", texts: make(map[string]string), version: make(map[string]uint64)}
}

func (s *shelf) Fetch(_ context.Context, key string) (string, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetched++
	return s.texts[key], s.version[key], s.away
}

// meanwhile has what is to happen first happen.
func (s *shelf) meanwhile() {
	if f := s.before; f != nil {
		s.before = nil
		f()
	}
}

func (s *shelf) Store(
	_ context.Context, key, text string, version uint64, _ time.Duration,
) (uint64, error) {
	s.meanwhile()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil || s.version[key] != version {
		return 0, s.away
	}
	s.last++
	s.texts[key], s.version[key] = text, s.last
	return s.last, nil
}

func (s *shelf) Remove(_ context.Context, key string, version uint64) (bool, error) {
	s.meanwhile()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil || s.version[key] != version {
		return false, s.away
	}
	delete(s.texts, key)
	delete(s.version, key)
	return true, nil
}

func (s *shelf) RemoveAll(_ context.Context, prefix string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.texts {
		if strings.HasPrefix(key, prefix) {
			delete(s.texts, key)
			delete(s.version, key)
		}
	}
	return s.away
}

// kept is steps for sessions that are kept in a store.
func kept(t *testing.T, c *clock, store *shelf, steps ...string) (apps []starlark.Value) {
	t.Helper()
	config := &session.Config{}
	if c != nil {
		config.Now = c.read
	}
	values, err := config.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	values["shelf"] = store
	for _, step := range steps {
		globals, err := starlark.ExecFileOptions(new(syntax.FileOptions), new(starlark.Thread), "x.star",
			"def inner(environ, start_response):\n    s = session(environ)\n    "+
				strings.ReplaceAll(step, "\n", "\n    ")+
				"\n    start_response(\"200 OK\", [])\n    return []\n"+
				"app = sessions(inner, store = shelf, max_age = 600)\n", values)
		if err != nil {
			t.Fatal(err)
		}
		globals.Freeze()
		apps = append(apps, globals["app"])
	}
	return apps
}

// holds returns what an application finds in the session of a visitor.
func (v *visitor) holds(t *testing.T, store *shelf, c *clock) string {
	t.Helper()
	other := *v
	other.asked(t, kept(t, c, store, says)[0])
	return other.said()
}

// TestStore checks that a session in a store does what one in a cookie does, and which of its changes
// give the visitor a new id: after each step it holds what is wanted.
func TestStore(t *testing.T) {
	for step, want := range map[string]string{
		`pass`:                                     "same {\"a\": [1]}",
		`s["a"] = [1]`:                             "same {\"a\": [1]}",
		`s["b"] = 2`:                               "same {\"a\": [1], \"b\": 2}",
		`s["a"].append(2)`:                         "same {\"a\": [1, 2]}",
		`s["big"] = "x" * 100000`:                  "same",
		`s.flash("hi")`:                            "same {\"a\": [1]}",
		`s.regenerate()`:                           "new {\"a\": [1]}",
		`s.regenerate(owner = "ada")`:              "new {\"a\": [1]}",
		`s.regenerate(); s["user"] = "ada"`:        "new {\"a\": [1], \"user\": \"ada\"}",
		`s.clear()`:                                "gone {}",
		`s.pop("a")`:                               "gone {}",
		`s.clear(); s["b"] = 1`:                    "new {\"b\": 1}",
		`s.clear(); s["a"] = [1]`:                  "new {\"a\": [1]}",
		`s.clear(); s.regenerate()`:                "gone {}",
		`s.regenerate(owner = "ada"); s.pop("a")`:  "new {}",
		`s.regenerate(owner = "ada"); s.end_all()`: "gone {}",
		`s.regenerate(owner = "ada"); s.end_all(); s["b"] = 1`: "new {\"b\": 1}",
		`s.end_all("ada")`: "same {\"a\": [1]}",
	} {
		store := newShelf()
		v := new(visitor)
		apps := kept(t, nil, store, `s["a"] = [1]`, step)
		v.asked(t, apps[0])
		old := *v
		v.asked(t, apps[1])
		got := "new"
		switch {
		case len(v.set) > 0 && strings.Contains(v.set[0], "Max-Age=0"):
			got = "gone"
		case len(v.set) == 0 && v.cookies == old.cookies:
			got = "same"
		}
		if want != "same" {
			got += " " + v.holds(t, store, nil)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", step, got, want)
		}
		if held := old.holds(t, store, nil); !strings.HasPrefix(want, "same") && held != "{}" {
			t.Errorf("%s: the old id is good for %s", step, held)
		}
		if n := len(store.texts); (n == 0) != strings.HasPrefix(want, "gone") || n > 1 {
			t.Errorf("%s: %d sessions are kept", step, n)
		}
	}
}

// TestStoreFlash checks that a flash is shown once.
func TestStoreFlash(t *testing.T) {
	store, v := newShelf(), new(visitor)
	show := `start_response("200 OK", [("X-Says", str(s.flashes()))])
return []`
	for i, app := range kept(t, nil, store, `s.flash("one"); s.flash("two", "bad")`, show, show) {
		v.asked(t, app)
		if want := []string{"", `[("message", "one"), ("bad", "two")]`, "[]"}[i]; i > 0 && v.said() != want {
			t.Errorf("%d: got %s, want %s", i, v.said(), want)
		}
	}
}

// TestStoreAttack checks what somebody has of an id that was guessed, planted, kept or altered, and
// that the store has no id.
func TestStoreAttack(t *testing.T) {
	store := newShelf()
	login := `s.regenerate(owner = "ada"); s["user"] = "ada"`
	apps := kept(t, nil, store, `s["seen"] = 1`, login, `s.clear()`, `s.end_all("ada")`)
	attacker, victim := new(visitor), new(visitor)
	attacker.asked(t, apps[0])
	victim.cookies = attacker.cookies // planted: session fixation
	victim.asked(t, apps[1])
	if got := attacker.holds(t, store, nil); got != "{}" {
		t.Errorf("who has planted an id has %s after the login", got)
	}
	for key, text := range store.texts {
		_, secret, _ := strings.Cut(victim.cookies, "=")
		if strings.Contains(key, secret) || strings.Contains(text, secret) {
			t.Errorf("the store has the id: %s %s", key, text)
		}
	}
	name, text, _ := strings.Cut(victim.cookies, "=")
	if len(text) != 64 {
		t.Errorf("the cookie is %q", text)
	}
	swapped := "A"
	if text[63] == 'A' {
		swapped = "B"
	}
	other := "AAAAAAAAAAAAAAAAAAAAA" + text[21:] // as though it were nobody's
	for _, forged := range []string{
		name + "=" + text[:63] + swapped, name + "=" + other, name + "=" + text[:63], name + "=" + text + "A",
		name + "=", name + "=" + strings.Repeat("A", 64), name + "=" + strings.Repeat("/", 64),
		name + "=" + text[:40] + "\n" + text[40:], "__Host-" + victim.cookies, name + "=" + keyOf(store),
	} {
		v := &visitor{cookies: forged}
		if got := v.holds(t, store, nil); got != "{}" {
			t.Errorf("%q is good for %s", forged, got)
		}
		v.asked(t, apps[0]) // which sets something: no client chooses its id
		if v.cookies == forged || len(forged) > 60 && strings.Contains(v.cookies, forged[8:40]) {
			t.Errorf("the id %q was taken from the client", forged)
		}
	}
	mounted := &visitor{cookies: victim.cookies, vars: map[string]string{"SCRIPT_NAME": "/shop"}}
	if got := mounted.holds(t, store, nil); got != "{}" {
		t.Errorf("below another path the id is good for %s", got)
	}
	// The visitor logs out, here, and everywhere.
	out := *victim
	phone := new(visitor)
	phone.asked(t, apps[1])
	out.asked(t, apps[2])
	if got := victim.holds(t, store, nil); got != "{}" {
		t.Errorf("after the logout a copy of the cookie is good for %s", got)
	}
	if got := phone.holds(t, store, nil); got != `{"user": "ada"}` {
		t.Errorf("elsewhere the visitor has %s", got)
	}
	new(visitor).asked(t, apps[3])
	if got := phone.holds(t, store, nil); got != "{}" {
		t.Errorf("after the logout from everywhere it is %s", got)
	}
	// A flood of cookies costs a few looks.
	store.fetched = 0
	flood := &visitor{cookies: strings.Repeat(victim.cookies+"; ", 100)}
	if flood.holds(t, store, nil); store.fetched > 8 {
		t.Errorf("%d looks for a request with 100 cookies", store.fetched)
	}
}

func keyOf(store *shelf) string {
	for key := range store.texts {
		return key
	}
	return ""
}

// TestStoreTogether checks what becomes of a session that two requests change at once: what the second
// does happens while the first, which has read it before, is about to save it.
func TestStoreTogether(t *testing.T) {
	for _, c := range []struct{ first, second, want, failure string }{
		{`s["x"] = 1`, `s["y"] = 2`, `{"a": [1], "x": 1, "y": 2}`, ""},
		{`s["x"] = 1`, `s["x"] = 2`, `{"a": [1], "x": 1}`, ""},
		{`s.pop("a")`, `s["y"] = 2`, `{"y": 2}`, ""},
		{`s["a"] = [1]; s["x"] = 1`, `s.pop("a"); s["y"] = 2`, `{"a": [1], "x": 1, "y": 2}`, ""},
		{`s["a"].append(2)`, `s["y"] = 2`, `{"a": [1, 2], "y": 2}`, ""},
		{`s.flash("x")`, `s.flash("y")`, `{"a": [1]} [("message", "y"), ("message", "x")]`, ""},
		{`pass`, `s["y"] = 2`, `{"a": [1], "y": 2}`, ""},
		{`s.regenerate(); s["x"] = 1`, `s["y"] = 2`, `{"a": [1], "x": 1, "y": 2}`, ""},
		{`s.clear()`, `s["y"] = 2`, `{}`, ""},
		{`s.clear(); s["x"] = 1`, `s["y"] = 2`, `{"x": 1}`, ""},
		// What the other has ended is not brought back.
		{`s["x"] = 1`, `s.clear()`, `{}`, "it has ended"},
		{`s["x"] = 1`, `s.pop("a")`, `{}`, "it has ended"},
		{`s["x"] = 1`, `s.regenerate()`, `{"a": [1]}`, "it has ended"},
		{`s.flash("x")`, `s.regenerate(owner = "eve")`, `{"a": [1]}`, "it has ended"},
		{`s.regenerate()`, `s.clear()`, `{}`, ""},
		{`s.regenerate(); s["x"] = 1`, `s.clear()`, `{"x": 1}`, ""},
		{`s.clear()`, `s.clear()`, `{}`, ""},
		{`pass`, `s.clear()`, `{}`, ""},
	} {
		store, v := newShelf(), new(visitor)
		apps := kept(t, nil, store, `s["a"] = [1]`, c.first, c.second)
		v.asked(t, apps[0])
		other := *v
		run := func() { other.asked(t, apps[2]) }
		if store.before = run; c.first == `pass` {
			store.before = nil
			run()
		}
		err := v.ask(apps[1])
		if (err == nil) != (c.failure == "") || err != nil && !strings.Contains(err.Error(), c.failure) {
			t.Errorf("%s, %s: %v", c.first, c.second, err)
		}
		if err != nil && (host.StatusOf(err) != 409 || host.KindOf(err) != "conflict") {
			t.Errorf("%s, %s: the status is %d", c.first, c.second, host.StatusOf(err))
		}
		if len(v.set) == 0 && other.cookies != "" && err != nil {
			v.cookies = other.cookies // as the browser has it
		}
		got := v.holds(t, store, nil)
		if strings.Contains(c.want, "} [") {
			show := *v
			show.asked(t, kept(t, nil, store, `start_response("200 OK", [("X-Says", str(s.flashes()))])
return []`)[0])
			got += " " + show.said()
		}
		if got != c.want {
			t.Errorf("%s, %s: got %s, want %s", c.first, c.second, got, c.want)
		}
	}
}

// TestStoreMany checks that no key is lost of many requests at once.
func TestStoreMany(t *testing.T) {
	store, v := newShelf(), new(visitor)
	v.asked(t, kept(t, nil, store, `s["a"] = [1]`)[0])
	var all sync.WaitGroup
	for i := range 8 {
		app := kept(t, nil, store, fmt.Sprintf(`s["k%d"] = 1`, i))[0]
		all.Go(func() {
			other := *v
			if err := other.ask(app); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := v.holds(t, store, nil); strings.Count(got, "k") != 8 {
		t.Errorf("it holds %s", got)
	}
}

// TestStoreAge checks that the server ends a session by its clock, and sends the cookie seldom.
func TestStoreAge(t *testing.T) {
	c, store, v := &clock{time.Unix(1e9, 0)}, newShelf(), new(visitor)
	apps := kept(t, c, store, `s["n"] = s.get("n", 0) + 1`)
	v.asked(t, apps[0])
	if !strings.Contains(v.set[0], "Max-Age=660; HttpOnly") {
		t.Errorf("the cookie is %s", v.set[0])
	}
	for _, step := range []struct {
		after time.Duration
		sets  bool
		want  string
	}{{59, false, `{"n": 2}`}, {1, true, `{"n": 3}`}, {59, false, `{"n": 4}`}, {599, true, `{"n": 5}`}, {600, true, `{"n": 1}`}} {
		c.now = c.now.Add(step.after * time.Second)
		v.asked(t, apps[0])
		if got := v.holds(t, store, c); got != step.want || (len(v.set) > 0) != step.sets {
			t.Errorf("after %v: it is %s, and %v is set", step.after, got, v.set)
		}
	}
}

// A silence is a store that cannot be reached.
type silence struct{ error }

func (silence) HTTPStatus() int { return 503 }
func (silence) Kind() string    { return "unavailable" }

// TestStoreAway checks that a store that cannot be reached is an error with status 503, and that an
// application that answers nevertheless does not lose what is kept.
func TestStoreAway(t *testing.T) {
	store, v := newShelf(), new(visitor)
	apps := kept(t, nil, store, `s["a"] = 1`, `s["b"] = 2`)
	v.asked(t, apps[0])
	store.away = silence{errors.New("nobody answers")}
	err := v.ask(apps[1])
	if host.StatusOf(err) != 503 || !strings.Contains(err.Error(), "session: nobody answers") {
		t.Errorf("reading: %v", err)
	}
	if err := new(visitor).ask(apps[0]); host.StatusOf(err) != 503 {
		t.Errorf("saving: %v", err)
	}
	store.away = nil
	store.before = func() { store.away = silence{errors.New("nobody answers")} }
	if err := v.ask(apps[1]); host.StatusOf(err) != 503 || len(v.set) != 0 {
		t.Errorf("between: %v", err)
	}
	if store.away = nil; v.holds(t, store, nil) != `{"a": 1}` {
		t.Errorf("it is %s", v.holds(t, store, nil))
	}
	store.away = silence{errors.New("nobody answers")}
	if err := new(visitor).ask(kept(t, nil, store, `s.get("a")`)[0]); err != nil {
		t.Errorf("a visitor without a cookie needs the store: %v", err)
	}
}

// TestStoreRefused checks what sessions(store) says of what is no store, and of sizes.
func TestStoreRefused(t *testing.T) {
	for args, want := range map[string]string{
		`store = {}`: "store is dict, not a bucket",
		`store = shelf, secret = "a secret for tests, of 32 characters"`: "leave out secret",
	} {
		values, err := session.Module().Values(new(host.Load))
		if err != nil {
			t.Fatal(err)
		}
		values["shelf"] = newShelf()
		_, err = starlark.ExecFileOptions(new(syntax.FileOptions), new(starlark.Thread), "x.star",
			"sessions(lambda environ, start_response: [], "+args+")\n", values)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
	for step, want := range map[string]string{
		`s["a"] = "x" * 500001`:                             "and a session 500000 at most",
		`s["a"] = "x" * 300000; s["b"] = "x" * 250000`:      "the session would have 55",
		`s["a"] = [0] * 50001`:                              "more than 50000 values",
		`s.regenerate(owner = "")`:                          "owner is not a string of 1",
		`s.end_all()`:                                       "the session is nobody's",
		`s.end_all(1)`:                                      "end_all: owner is 1",
		`start_response("200 OK", []); s["a"] = 1`:          "the response has begun",
		`start_response("200 OK", []); s.regenerate("ada")`: "the response has begun",
	} {
		if err := new(visitor).ask(kept(t, nil, newShelf(), step)[0]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", step, err)
		}
	}
}

// TestStoreFields checks that a response says Vary and Cache-Control as for a cookie.
func TestStoreFields(t *testing.T) {
	v := new(visitor)
	v.asked(t, kept(t, nil, newShelf(), `s["a"] = 1`)[0])
	if want := []string{"Vary: Cookie", "Cache-Control: private"}; !slices.Equal(v.fields, want) {
		t.Errorf("got %v, want %v", v.fields, want)
	}
}
