// Package template is the host module @template: html/template files of the application's tree,
// with the values of the script. [Module] describes it.
//
// # The model
//
// html/template parses the files, and decides for each place of a page how a value is escaped
// there: that is what it is known and trusted for, and none of it is done again here. What runs
// is another matter. html/template walks over Go values by reflection; a dict or a list of a script
// would have to be copied into such values first. So the parse trees that html/template has
// escaped are compiled once more, into steps that work on values of Starlark as they are, with the
// words and rules of Starlark: what is true, equal or less, and what an error says. The functions
// of the script are called on the thread of the request. Escapers that are more than a table of
// characters are run by html/template itself: see escaper.
//
// A page is one file and the shared files that it sees: those of its directory, and of the ones
// above, that are named layout.html or begin with _. What a nearer file defines takes the place of
// what a farther one does, and what the page defines that of all. So blocks of a layout are filled
// by the page, and two pages do not meet.
//
// All is read, parsed, escaped and compiled when the script loads, and never changes after: a set
// is safe for concurrent use, and a file that changes has the script be loaded again.
package template

import (
	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Config is what templates can use. The zero value is ready.
type Config struct {
	// Markdown is the function markdown of templates: it makes HTML, which is not escaped, of a
	// text that need not be trusted. Nil means that templates have none.
	Markdown func(text string) (string, error)
	// URLFor is the function url_for of templates: the URL of the route of that name, for the
	// environ of a request. The order is that in which parameters become a query. Nil means that
	// templates have none.
	URLFor func(
		env starlark.Mapping, name string, params map[string]starlark.Value, order []string,
	) (string, error)
}

// Module describes @template.
func Module(c Config) *host.Module {
	return &host.Module{
		Name: "template",
		Doc: "Pages made of files with places for values, which are escaped as each place needs " +
			"it. The language is that of Go's html/template.",
		Members: []host.Member{templatesMember(c)},
		Whole:   true,
		Types:   []*host.Type{setType},
		Files: map[string]string{
			"templates/index.html": "<h1>{{.title}}</h1>\n",
			"shop/item.html":       "<h1>{{.title}}</h1><p>{{.price | euro}}</p>\n",
		},
		Misuse: environ.Misuse,
	}
}

func templatesMember(c Config) host.Member {
	return host.Member{
		Name: "templates",
		Doc: "Reads the templates of a directory: all files below it that end in .html. Call it at " +
			"the top of a script; in dev the script is loaded again when one of them is changed. " +
			"A file named layout.html, or whose name begins with _, is shared: the pages of its " +
			"directory, and of those below, can use it ({{template \"_row.html\" .}}) and what " +
			"it defines. Every other file is a page. A page that has nothing but definitions " +
			"({{define \"content\"}}...{{end}}) is shown in the nearest layout.html, whose " +
			"blocks ({{block \"content\" .}}...{{end}}) they fill. In a template {{.x}} is a " +
			"value that was passed as x, {{.x.y}} an item or attribute y of it; a name that is " +
			"missing is an error, {{get . \"x\"}} is None then. Dicts are ranged over as " +
			"{{range $key, $value := .x}}. Functions: those of html/template, get, " +
			"url_for \"name\" \"param\" value, nonce, markdown, and your own.",
		Params: []host.Param{
			{
				Name: "dir", Type: "string",
				Doc: "a directory of the application's tree, counted from its root, which is the " +
					"directory of the script that is served, whichever script calls this",
			},
			{
				Name: "functions", Type: "dict", Default: new(starlark.Dict),
				Doc: "functions that templates can call, by name: {{price .x}} or {{.x | price}}",
			},
		},
		Result: "the templates, with render and response",
		Errors: []host.Failure{
			{When: "there is no such directory, or a template is wrong: with file and line"},
		},
		Example: `pages = templates("shop", functions = {"euro": lambda cents: "%g €" % (cents / 100)})
pages.render("item.html", title = "<Tea>", price = 250)  # "<h1>&lt;Tea&gt;</h1><p>2.5 €</p>\n"
templates("missing")  # error: there is no directory "missing" in the application's tree`,
		Fn: func(a host.Args) (starlark.Value, error) {
			var dir string
			var functions *starlark.Dict
			if err := a.Unpack(&dir, &functions); err != nil {
				return nil, err
			}
			l, _ := a.Of.(*host.Load)
			return newSet(l, c, dir, functions)
		},
	}
}
