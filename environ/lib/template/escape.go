package template

import (
	"errors"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/spell"
)

// mangled is what html/template puts between the name of a template and the context that it is
// escaped for, if that is another than text.
const mangled = "$htmltemplate_"

// rounds bounds how often templates are escaped again, for copies of templates in other contexts.
const rounds = 20

// An escaping is the work of having html/template escape the templates that one page can use.
type escaping struct {
	trees   map[string]*parse.Tree // as they were parsed; never changed
	sources map[string]*source     // by the ParseName of trees
	page    *source
}

// escape returns the trees with the escapers that html/template has put at the end of each
// pipeline.
//
// A template that is used inside of an attribute or a script is escaped there in another way than
// in text, so that html/template makes a copy under a mangled name, which it does not give away.
// But it takes a template of that name where there is one: so the copies it has asked for are made
// here, and all is escaped again, until it asks for no more.
func (e *escaping) escape() (map[string]*parse.Tree, *host.Diagnostic) {
	copies := map[string]string{} // by mangled name, of which template
	for range rounds {
		set, err := e.once(copies)
		if err != nil {
			d := e.diagnose(err)
			return nil, &d
		}
		trees, missing := collect(set, e.page.name)
		if len(missing) == 0 {
			return trees, nil
		}
		for _, name := range missing {
			copies[name], _, _ = strings.Cut(name, mangled)
		}
	}
	d := e.page.diagnose(0, "templates are used inside of each other in too many contexts")
	return nil, &d
}

// once has html/template escape everything that the page uses.
func (e *escaping) once(copies map[string]string) (*template.Template, error) {
	set := template.New("")
	add := func(name string, tree *parse.Tree) error {
		tree = tree.Copy()
		tree.Name = name
		_, err := set.AddParseTree(name, tree)
		return err
	}
	for _, name := range sorted(slices.Collect(maps.Keys(e.trees))) {
		if err := add(name, e.trees[name]); err != nil {
			return nil, err
		}
	}
	for name, of := range copies {
		if err := add(name, e.trees[of]); err != nil {
			return nil, err
		}
	}
	if _, err := set.Parse(e.root()); err != nil {
		return nil, err
	}
	return set, set.Execute(io.Discard, nil)
}

// root is a template that has the page escaped, and never executed.
func (e *escaping) root() string {
	return "{{if .}}{{template " + strconv.Quote(e.page.name) + " .}}{{end}}"
}

// collect returns the trees that are reached from a template, and the names of those which
// html/template keeps to itself.
func collect(set *template.Template, name string) (map[string]*parse.Tree, []string) {
	trees := map[string]*parse.Tree{}
	var missing []string
	var visit func(name string)
	visit = func(name string) {
		if trees[name] != nil || slices.Contains(missing, name) {
			return
		}
		t := set.Lookup(name)
		if t == nil || t.Tree == nil {
			missing = append(missing, name)
			return
		}
		trees[name] = t.Tree
		eachTemplate(t.Tree.Root, visit)
	}
	visit(name)
	return trees, missing
}

// eachTemplate calls visit with the name of each template that is called in a list.
func eachTemplate(list *parse.ListNode, visit func(name string)) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.TemplateNode:
			visit(n.Name)
		case *parse.IfNode:
			eachTemplate(n.List, visit)
			eachTemplate(n.ElseList, visit)
		case *parse.WithNode:
			eachTemplate(n.List, visit)
			eachTemplate(n.ElseList, visit)
		case *parse.RangeNode:
			eachTemplate(n.List, visit)
			eachTemplate(n.ElseList, visit)
		}
	}
}

// diagnose says what html/template found wrong, and where.
func (e *escaping) diagnose(err error) host.Diagnostic {
	var known *template.Error
	if !errors.As(err, &known) {
		return e.page.diagnose(0, err.Error())
	}
	if known.Node != nil && known.Node.String() == e.root() {
		return e.page.diagnose(0, "the page ends inside of a tag, an attribute, a script, a "+
			"style or a comment: something is not closed")
	}
	// What follows is how html/template calls the contexts.
	message, _, _ := strings.Cut(known.Description, ": {state")
	if known.ErrorCode == template.ErrNoSuchTemplate {
		message = e.absent(message)
	}
	s, line := e.page, known.Line
	if known.Node != nil {
		// The location is FILE:LINE:COLUMN.
		location, _ := new(parse.Tree).ErrorContext(known.Node)
		if p, ok := e.locate(location, known.Node); ok {
			return host.Diagnostic{Place: p, Message: message}
		}
	}
	return s.diagnose(line, message)
}

// locate returns the place of a node, of which the location says the file.
func (e *escaping) locate(location string, n parse.Node) (host.Place, bool) {
	for name, s := range e.sources {
		if strings.HasPrefix(location, name+":") &&
			strings.Count(location, ":") == strings.Count(name, ":")+2 {
			return host.PlaceAt(s.at(n.Position())), true
		}
	}
	return host.Place{}, false
}

// absent says of a message about a template that there is none of what may have been meant.
func (e *escaping) absent(message string) string {
	_, quoted, _ := strings.Cut(message, "no such template ")
	name, err := strconv.Unquote(quoted)
	if err != nil {
		return message
	}
	message = "there is no template " + quoted
	names := sorted(slices.Collect(maps.Keys(e.trees)))
	if near := spell.Nearest(name, names, 3); near != "" {
		return message + "; did you mean " + strconv.Quote(near) + "?"
	}
	if i := slices.IndexFunc(names, func(n string) bool {
		return strings.HasSuffix(n, "/"+name) || strings.HasSuffix(n, "/"+name+ext) || n == name+ext
	}); i >= 0 {
		return message + "; did you mean " + strconv.Quote(names[i]) + "?"
	}
	return message + ", neither defined nor shared: the name of a shared file is layout" + ext +
		" or begins with _"
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}
