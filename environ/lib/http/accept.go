package http

import (
	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func acceptsMember() host.Member {
	return host.Member{
		Name: "accepts",
		Doc: "Returns the media type that the client wants most of those that there are, by its " +
			"Accept field: the heaviest, of equals the one that it names more exactly, then the " +
			"one that it names first. A client that says nothing takes the first.",
		Params: []host.Param{
			environParam(),
			{Name: "types", Doc: "media types, with or without parameters", Type: "list or tuple"},
		},
		Result: "one of types, None if the client takes none of them",
		Errors: []host.Failure{{Code: string(environ.CodeWebUse), When: "one is no media type"}},
		Example: `browser = {"HTTP_ACCEPT": "text/html,application/xml;q=0.9,*/*;q=0.8"}
accepts(browser, ["application/json", "text/html"])  # "text/html"
accepts({"HTTP_ACCEPT": "*/*"}, ["application/json", "text/html"])  # "application/json"
accepts({"HTTP_ACCEPT": "image/*"}, ["text/html"])  # None`,
		Fn: func(a host.Args) (starlark.Value, error) {
			return preferred(a, "accepts", "HTTP_ACCEPT", wire.Media, wire.MediaType, "media type")
		},
	}
}

func languagesMember() host.Member {
	return host.Member{
		Name: "languages",
		Doc: "Returns the language that the client wants most of those that there are, by its " +
			"Accept-Language field: de-CH takes de if there is no de-CH, de takes no de-CH. A " +
			"client that says nothing takes the first.",
		Params: []host.Param{
			environParam(),
			{Name: "available", Doc: `language tags, as "de" and "pt-BR"`, Type: "list or tuple"},
		},
		Result: "one of available, None if the client takes none of them",
		Errors: []host.Failure{{Code: string(environ.CodeWebUse), When: "one is no language tag"}},
		Example: `languages({"HTTP_ACCEPT_LANGUAGE": "de-CH, en;q=0.8"}, ["en", "de"])  # "de"
languages({"HTTP_ACCEPT_LANGUAGE": "fr"}, ["en", "de"]) or "en"  # "en"
languages({}, ["en", "de"])  # "en"`,
		Fn: func(a host.Args) (starlark.Value, error) {
			return preferred(
				a, "languages", "HTTP_ACCEPT_LANGUAGE", wire.Language, wire.LanguageTag,
				"language tag",
			)
		},
	}
}

// maxOffers is how many choices a client is given: each is looked for in the field.
const maxOffers = 100

// preferred returns the one of several offers that the field of key wants most.
func preferred(
	a host.Args, name, key string, want func(field, offer string) wire.Preference,
	valid func(string) bool, what string,
) (starlark.Value, error) {
	var env starlark.HasSetKey
	var offers starlark.Value
	if err := a.Unpack(&env, &offers); err != nil {
		return nil, err
	}
	field, err := text(env, key)
	if err != nil {
		return nil, err
	}
	list, ok := offers.(interface {
		starlark.Sequence
		starlark.Indexable
	})
	if !ok || list.Len() > maxOffers {
		return nil, environ.Errorf(environ.CodeWebUse, "",
			"%s: got %s, not a list of at most %d", name, offers.Type(), maxOffers)
	}
	var best starlark.Value = starlark.None
	var most wire.Preference
	for i := range list.Len() {
		s, ok := starlark.AsString(list.Index(i))
		if !ok || !valid(s) {
			return nil, environ.Errorf(environ.CodeWebUse, "",
				"%s: %s is no %s", name, host.Show(list.Index(i)), what)
		}
		p := wire.Preference{Weight: 1000}
		if field != "" {
			p = want(field, s)
		}
		if p.Weight > 0 && (most.Weight == 0 || p.Before(most)) {
			best, most = list.Index(i), p
		}
	}
	return best, nil
}
