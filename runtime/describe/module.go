package describe

import (
	"context"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// Module describes @docs: the library, for an application that shows it. The module reaches nothing
// outside of the program, and is among what it shows only if it is among l.Modules.
func (l *Library) Module() *host.Module {
	return &host.Module{
		Name:    "docs",
		Doc:     "What there is to load, described: for pages that show it.",
		Members: []host.Member{l.modulesMember(), l.tablesMember(), l.findMember(), l.searchMember(), l.runMember()},
		Whole:   true,
		Types:   []*host.Type{entryType(), paramType(), failureType(), factType(), stepType()},
	}
}

func (l *Library) modulesMember() host.Member {
	return host.Member{
		Name:    "modules",
		Doc:     "Returns all modules that are described, granted or not, in the order of their names.",
		Result:  "a list of entries",
		Example: `[m.name for m in docs.modules() if m.name == "@json"]  # ["@json"]`,
		Fn:      func() []Entry { return l.Entries() },
	}
}

func (l *Library) tablesMember() host.Member {
	return host.Member{
		Name: "tables",
		Doc: "Returns what is described beside the modules, as the keys of the environ: entries " +
			"whose members are rows.",
		Result:  "a list of entries",
		Example: `type(docs.tables())  # "list"`,
		Fn:      func() []Entry { return l.Tables },
	}
}

func (l *Library) findMember() host.Member {
	return host.Member{
		Name: "find",
		Doc: "Returns what a name stands for: a module, something in one, a key of the environ, a " +
			"code of an error.",
		Params: []host.Param{{Name: "name", Doc: "as in @http, http.form, environ.wsgi.input or LARK0204"}},
		Result: "an entry",
		Errors: []host.Failure{{
			When: "nothing is called so; the message says what may be meant. Uncaught, the client " +
				"gets 404",
		}},
		Example: `docs.find("json.decode").signature  # "json.decode(x, [default])"
docs.find("json.decod")  # error: did you mean json.decode?`,
		Fn: func(name string) (*Entry, error) {
			e, err := l.Find(host.Cut(name))
			if err != nil {
				return nil, missing{err}
			}
			return e, nil
		},
	}
}

// A missing error is answered 404.
type missing struct{ error }

func (missing) HTTPStatus() int { return 404 }

func (l *Library) searchMember() host.Member {
	return host.Member{
		Name: "search",
		Doc: "Finds what has every word of a query in its name or description, the best first, at " +
			"most 100. Case does not matter, and an empty query finds nothing.",
		Params:  []host.Param{{Name: "query", Doc: "words with blanks between them"}},
		Result:  "a list of entries",
		Example: `docs.search("json decode")[0].name  # "json.decode"`,
		Fn:      func(query string) []*Entry { return l.Search(query) },
	}
}

func (l *Library) runMember() host.Member {
	return host.Member{
		Name: "run",
		Doc: "Runs the example of an entry in a program of its own, which is granted nothing, up " +
			"to the first step that does not come out as its comment says. It has 2 seconds and " +
			"1,000,000 steps for each statement.",
		Params: []host.Param{{Name: "name", Doc: "as for find"}},
		Result: "a list of steps",
		Errors: []host.Failure{
			{When: "nothing is called so, it has no example, or its module needs a grant"},
		},
		Example: `[s.value for s in docs.run("json.decode")][0]  # "{\"a\": [1, 2.5, None]}"`,
		Fn: func(ctx context.Context, name string) ([]Step, error) {
			e, err := l.Find(host.Cut(name))
			if err != nil {
				return nil, missing{err}
			}
			return l.Run(ctx, e)
		},
	}
}

// attributes describes a type by pairs of a name and what it is.
func attributes(name, doc string, pairs ...string) *host.Type {
	t := &host.Type{Name: "docs." + name, Doc: doc}
	for i := 0; i < len(pairs); i += 2 {
		t.Members = append(t.Members, host.Member{Name: pairs[i], Doc: pairs[i+1]})
	}
	return t
}

func entryType() *host.Type {
	return attributes("Entry",
		"What is known of a module, of something in it, or of a row of a table.",
		"name", "What finds it, as @http or http.form.",
		"kind", `It is "module", "function", "value", "type", "method", "attribute", "table" or "row".`,
		"how", "The load statement by which a script gets it, empty if there is none.",
		"signature", "How a function is called; what may be left out stands in brackets or has a default.",
		"summary", "The first sentence of doc.",
		"doc", "What it does: one or more sentences of text.",
		"grant", "What has to be granted for it, empty if nothing.",
		"params", "The parameters of a function, a list.",
		"result", "What a function returns.",
		"errors", "The errors of a function that a script may want to know of, a list.",
		"example", "A piece of script; the comment of an expression is what it gives.",
		"facts", "More that is known, a list: the cause of an error and its cure, the type of a key.",
		"members", "The entries in it, a list.")
}

func paramType() *host.Type {
	return attributes("Param", "A parameter of a function.",
		"name", "Its name.",
		"type", "What may be passed.",
		"doc", "What it is for.",
		"default", "What it is if nothing is passed, as a script writes it; empty if there is none.",
		"required", "Whether something must be passed.",
		"pass_", `How it may be passed: "by position only", "by name only", "all further ones"; `+
			"empty if freely.")
}

func failureType() *host.Type {
	return attributes("Failure", "An error of a function.",
		"code", "What it is searched for by, as LARK0401; empty if it has none.",
		"when", "When it is raised.")
}

func factType() *host.Type {
	return attributes("Fact", "Something that is known of an entry.",
		"name", "What the fact is called.",
		"text", "What it is.")
}

func stepType() *host.Type {
	return attributes("Step", "A statement of an example that was run.",
		"code", "The statement, with the comments before it.",
		"value", "What an expression is, as repr() writes it; empty for None.",
		"error", "Why it failed, empty if it did not.",
		"printed", "What it printed.",
		"want", "What its comment says that it gives.")
}
