package session

import (
	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// late is the failure of what changes a session.
var late = []host.Failure{{
	Code: string(environ.CodeWebUse), When: "start_response was called before",
}}

// keyParam and defaultParam are those of a dict's methods.
var (
	keyParam     = host.Param{Name: "key", Doc: "the key"}
	defaultParam = host.Param{
		Name: "default", Doc: "what is returned if there is none", Default: starlark.None,
	}
)

// sessionType describes a session to scripts.
var sessionType = &host.Type{
	Name: "session",
	Doc: "What is remembered of one visitor: a dict with strings as keys, whose values are None, " +
		"bools, numbers, strings, and lists and dicts of these; a tuple comes back as a list. " +
		"What is changed, however deep inside, is sent with the response; nothing is if nothing " +
		"changed.",
	Misuse: environ.Misuse,
	Members: []host.Member{
		{
			Name: "get", Doc: "Returns the value of a key.",
			Params: []host.Param{keyParam, defaultParam}, Result: "the value",
			Example: `session(environ).get("user", "nobody")  # "nobody"`,
			Fn: func(s *Session, key string, other starlark.Value) starlark.Value {
				if v, ok, _ := s.data().Get(starlark.String(key)); ok {
					return v
				}
				return other
			},
		},
		{
			Name: "setdefault",
			Doc:  "Returns the value of a key, and sets it first if there is none.",
			Params: []host.Param{keyParam, {
				Name: "default", Doc: "what it is set to", Default: starlark.None,
			}},
			Result: "the value", Errors: late,
			Example: `session(environ).setdefault("basket", []).append("tea")
session(environ)["basket"]  # ["tea"]`,
			Fn: func(s *Session, key string, other starlark.Value) (starlark.Value, error) {
				if v, ok, _ := s.data().Get(starlark.String(key)); ok {
					return v, nil
				}
				return other, s.SetKey(starlark.String(key), other)
			},
		},
		{
			Name: "pop", Doc: "Removes a key, and returns its value.",
			Params: []host.Param{keyParam, {
				Name:     "default",
				Doc:      "what is returned if there is none; without it that is an error",
				Type:     "any",
				Optional: true,
			}},
			Result: "the value", Errors: late,
			Example: `visitor = session(environ)
visitor["user"] = "ada"
visitor.pop("user")  # "ada"
visitor.pop("user", None)  # None
visitor.pop("user")  # error: pop: there is no "user"`,
			Fn: popFrom,
		},
		{
			Name: "update", Doc: "Sets the keys of a dict, or of pairs.",
			Params: []host.Param{
				{Name: "pairs", Doc: "a dict, or a list of tuples (key, value)", Type: "any"},
			},
			Result: "None", Errors: late,
			Example: `session(environ).update({"theme": "dark", "visits": 3})
session(environ)["visits"]  # 3`,
			Fn: updateWith,
		},
		{
			Name: "keys", Doc: "Returns the keys.", Result: "a list",
			Example: `session(environ)["language"] = "en"
"language" in session(environ).keys()  # True`,
			Fn: func(s *Session) *starlark.List { return starlark.NewList(s.data().Keys()) },
		},
		{
			Name: "values", Doc: "Returns the values.", Result: "a list",
			Example: `session(environ)["language"] = "en"
"en" in session(environ).values()  # True`,
			Fn: func(s *Session) *starlark.List {
				var all []starlark.Value
				for _, item := range s.data().Items() {
					all = append(all, item[1])
				}
				return starlark.NewList(all)
			},
		},
		{
			Name: "items", Doc: "Returns the pairs of a key and its value.",
			Result: "a list of tuples",
			Example: `session(environ)["language"] = "en"
("language", "en") in session(environ).items()  # True`,
			Fn: func(s *Session) *starlark.List {
				var all []starlark.Value
				for _, item := range s.data().Items() {
					all = append(all, item)
				}
				return starlark.NewList(all)
			},
		},
		{
			Name: "clear",
			Doc: "Removes everything, flashes too: the visitor is as new, and the browser " +
				"forgets the cookie if nothing is set afterwards.",
			Result: "None", Errors: late,
			Example: `session(environ).clear()
len(session(environ))  # 0`,
			Fn: (*Session).clear,
		},
		{
			Name: "regenerate",
			Doc: "Has the cookie be made anew though nothing changed, so that its age begins " +
				"again: for a visitor who is still active, or has just given a password. A session in a store " +
				"gets a new id, and the old one is worth nothing from then on: call it at each login, and " +
				"whenever the visitor may do more than before.",
			Params: []host.Param{{
				Name: "owner",
				Doc: "whose the session is from now on, in a store, until it is cleared: what end_all ends; None " +
					"leaves it as it is",
				Type: "string or None", Default: starlark.None,
			}},
			Result: "None",
			Errors: append(late[:1:1], host.Failure{
				Code: string(environ.CodeWebUse), When: "an owner is passed, and there is no store",
			}),
			Example: `session(environ).regenerate()
session(environ).regenerate(owner = "ada")  # error: regenerate(owner) is for sessions that are kept in a store`,
			Fn: (*Session).regenerate,
		},
		{
			Name: "end_all",
			Doc: "Ends all sessions of an owner in the store, at once and on all machines: nobody is logged in " +
				"by them any more. That of the visitor is cleared, if it is one of them.",
			Params: []host.Param{{
				Name: "owner",
				Doc:  "what regenerate was passed at login; None is whose this session is",
				Type: "string or None", Default: starlark.None,
			}},
			Result: "None",
			Errors: append(late[:1:1], host.Failure{
				Code: string(environ.CodeWebUse), When: "there is no store, or the session is nobody's",
			}),
			Example: `session(environ).end_all()  # error: end_all is for sessions that are kept in a store`,
			Fn:      (*Session).endAll,
		},
		{
			Name: "owner",
			Doc:  "Whose the session is, as regenerate was told; None for nobody's.",
		},
		{
			Name: "flash",
			Doc: "Keeps a message for the next page that shows them, as after a redirect: " +
				"flashes gives it once.",
			Params: []host.Param{
				{Name: "message", Doc: "the message"},
				{
					Name: "category", Doc: "what kind it is, for how it is to look",
					Default: starlark.String("message"),
				},
			},
			Result: "None", Errors: late,
			Example: `session(environ).flash("The note is saved.", "success")
session(environ).flashes()  # [("success", "The note is saved.")]`,
			Fn: func(s *Session, message, category string) error {
				if err := s.change(); err != nil {
					return err
				}
				s.data()
				s.flashes = append(s.flashes, starlark.Tuple{
					starlark.String(category), starlark.String(message),
				})
				return nil
			},
		},
		{
			Name:   "flashes",
			Doc:    "Returns the messages that were kept by flash, and removes them.",
			Result: "a list of tuples (category, message), the oldest first",
			Errors: []host.Failure{{
				Code: string(environ.CodeWebUse),
				When: "there are some, and start_response was called before",
			}},
			Example: `session(environ).flashes()  # []`,
			Fn: func(s *Session) (*starlark.List, error) {
				s.data()
				all := s.flashes
				if len(all) == 0 {
					return starlark.NewList(nil), nil
				}
				if err := s.change(); err != nil {
					return nil, err
				}
				s.flashes, s.flashed = nil, true
				return starlark.NewList(all), nil
			},
		},
	},
}

// regenerate is regenerate(owner).
func (s *Session) regenerate(owner starlark.Value) error {
	if err := s.change(); err != nil {
		return err
	}
	if owner != starlark.None {
		name, ok := starlark.AsString(owner)
		switch {
		case s.app.store == nil:
			return errNoStore("regenerate(owner)")
		case !ok || name == "" || len(name) > maxOwner:
			return wrong("", "regenerate: owner is not a string of 1 to %d bytes", maxOwner)
		}
		s.owner, s.owned = name, true
	}
	s.renewed = true
	return nil
}

// maxOwner is how many bytes an owner has at most.
const maxOwner = 1024

// popFrom is pop(key, default).
func popFrom(s *Session, key string, other starlark.Value) (starlark.Value, error) {
	if err := s.change(); err != nil {
		return nil, err
	}
	v, found, err := s.data().Delete(starlark.String(key))
	s.touch(starlark.String(key))
	switch {
	case err != nil:
		return nil, err
	case found:
		return v, nil
	case other != nil:
		return other, nil
	}
	return nil, wrong("pass a default", "pop: there is no %s", starlark.String(key))
}

// updateWith is update(pairs).
func updateWith(s *Session, pairs starlark.Value) error {
	if err := s.change(); err != nil {
		return err
	}
	if m, ok := pairs.(starlark.IterableMapping); ok {
		for _, item := range m.Items() {
			if err := s.SetKey(item[0], item[1]); err != nil {
				return err
			}
		}
		return nil
	}
	list, ok := pairs.(starlark.Iterable)
	if !ok {
		return wrong("", "update: got %s, want a dict or pairs", pairs.Type())
	}
	for e := range starlark.Elements(list) {
		pair, ok := e.(starlark.Tuple)
		if !ok || len(pair) != 2 {
			return wrong("", "update: got %s, want a tuple (key, value)", e.Type())
		}
		if err := s.SetKey(pair[0], pair[1]); err != nil {
			return err
		}
	}
	return nil
}
